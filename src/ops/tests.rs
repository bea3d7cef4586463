use super::*;
use crate::changes::{Delta, Seen};

fn state(entries: &[(&str, &str)]) -> State {
    entries.iter().copied().collect()
}

/// Adds `n`, however often it runs; starts from zero.
fn add(ops: &mut Ops, loaded: &State, n: u32) {
    let make = move |raw: Option<&str>| -> Result<Option<Raw>, Error> {
        let before: u32 = raw.map_or(0, |raw| raw.parse().unwrap());
        Ok(Some((before + n).to_string().into()))
    };
    let seen = ops.view("n", loaded).value().map(Raw::new);
    let made = make(seen.as_deref()).unwrap();
    assert!(ops.update("n", loaded, seen, made, Replay::With(Arc::new(Mutex::new(make)))));
}

fn raw(value: &str) -> Raw {
    value.into()
}

/// What becomes of the keys, once updates have run again where they have to.
fn resolved(ops: &mut SharedOps, base: &State) -> Result<Delta, Error> {
    Ops::replay(ops, base)?;
    let delta = ops.delta(base);
    assert_eq!(ops.changes(base), !delta.is_empty());
    Ok(delta)
}

/// What a delta does to each key, and whether it has a condition.
fn told(delta: &Delta) -> Vec<(&str, Option<&str>, bool)> {
    delta.keys.iter().map(|change| (change.key(), change.value(), change.seen != Seen::Anything)).collect()
}

#[test]
fn a_request_sees_what_it_wrote_and_beneath_that_what_was_loaded() {
    let loaded = state(&[("a", "1"), ("b", "2")]);
    let mut ops = Pending::default();
    assert!(matches!(ops.view("a", &loaded), View::Shared(Some("1"))));
    ops.write("a", Some(raw("9")));
    ops.write("b", None);
    assert!(matches!(ops.view("a", &loaded), View::Own(Some("9"))));
    assert!(matches!(ops.view("b", &loaded), View::Own(None)));
    add(&mut ops, &loaded, 1);
    assert!(matches!(ops.view("n", &loaded), View::Shared(Some("1"))));
    assert_eq!(ops.entries(&loaded).into_iter().collect::<Vec<_>>(), [("a", "9"), ("n", "1")]);
    ops.clear();
    assert!(matches!(ops.view("a", &loaded), View::Own(None)));
    assert!(ops.entries(&loaded).is_empty());
}

#[test]
fn an_update_runs_again_where_another_value_is_there() {
    let loaded = state(&[("n", "10")]);
    let mut ops = Pending::default();
    add(&mut ops, &loaded, 1);
    add(&mut ops, &loaded, 2);
    assert_eq!(told(&resolved(&mut ops.share(), &loaded).unwrap()), [("n", Some("13"), true)]);
    assert_eq!(told(&resolved(&mut ops.share(), &state(&[("n", "20")])).unwrap()), [("n", Some("23"), true)]);
    assert_eq!(told(&resolved(&mut ops.share(), &state(&[])).unwrap()), [("n", Some("3"), true)]);
}

#[test]
fn an_update_of_an_own_value_needs_no_condition() {
    let mut ops = Pending::default();
    ops.write("n", Some(raw("5")));
    add(&mut ops, &state(&[("n", "100")]), 1);
    assert_eq!(told(&resolved(&mut ops.share(), &state(&[("n", "200")])).unwrap()), [("n", Some("6"), false)]);
}

#[test]
fn an_update_that_cannot_run_again_fails_where_it_would_have_to() {
    let loaded = state(&[("n", "1")]);
    let mut ops = Pending::default();
    assert!(!ops.update("n", &loaded, Some(raw("9")), Some(raw("2")), Replay::Never));
    assert!(ops.update("n", &loaded, Some(raw("1")), Some(raw("2")), Replay::Never));
    assert!(resolved(&mut ops.share(), &loaded).is_ok());
    assert!(resolved(&mut ops.share(), &state(&[("n", "7")])).unwrap_err().is_conflict());
}

#[test]
fn an_equal_value_is_no_change_and_a_clear_keeps_later_inserts() {
    let loaded = state(&[("a", "1")]);
    let mut ops = Pending::default();
    ops.write("a", Some(raw("1")));
    ops.write("b", None);
    assert!(resolved(&mut ops.share(), &loaded).unwrap().is_empty());
    ops.clear();
    ops.write("a", Some(raw("1")));
    let delta = resolved(&mut ops.share(), &loaded).unwrap();
    assert!(delta.clear);
    assert_eq!(told(&delta), [("a", Some("1"), false)]);
}

#[test]
fn what_was_done_while_a_commit_ran_is_left_for_the_next_one() {
    let loaded = state(&[("n", "10")]);
    let mut ops = Pending::default();
    ops.write("a", Some(raw("1")));
    ops.write("b", Some(raw("1")));
    add(&mut ops, &loaded, 1);
    ops.act = Act::Renew;
    let done = ops.share();

    ops.write("b", Some(raw("2")));
    ops.write("c", Some(raw("3")));
    add(&mut ops, &loaded, 5);
    let stored = state(&[("a", "1"), ("b", "1"), ("n", "11")]);
    ops.settle(&done, &stored);

    assert_eq!(ops.act, Act::Keep);
    assert_eq!(ops.view("n", &stored).value(), Some("16"));
    let left = resolved(&mut ops.share(), &stored).unwrap();
    assert_eq!(told(&left), [("b", Some("2"), false), ("c", Some("3"), false), ("n", Some("16"), true)]);
    let done = ops.share();
    ops.settle(&done, &stored);
    assert!(ops.is_empty());
}

#[test]
fn what_was_done_while_a_commit_replayed_its_update_counts_on_top() {
    let loaded = state(&[("n", "10")]);
    let mut ops = Pending::default();
    add(&mut ops, &loaded, 1);
    let done = ops.share();
    add(&mut ops, &loaded, 5);
    // The commit met a conflict: somebody had stored 20.
    assert_eq!(told(&resolved(&mut done.clone(), &state(&[("n", "20")])).unwrap()), [("n", Some("21"), true)]);
    let stored = state(&[("n", "21")]);
    ops.settle(&done, &stored);
    assert_eq!(told(&resolved(&mut ops.share(), &stored).unwrap()), [("n", Some("26"), true)]);
}

#[test]
fn what_was_done_while_a_commit_met_another_value_counts_on_top_of_that() {
    let loaded = state(&[("n", "10")]);
    let mut ops = Pending::default();
    ops.write("a", Some(raw("1")));
    let done = ops.share();
    add(&mut ops, &loaded, 5);
    // The commit did not touch the key; what it was merged into had another value there.
    let stored = state(&[("a", "1"), ("n", "20")]);
    ops.settle(&done, &stored);
    assert_eq!(told(&resolved(&mut ops.share(), &stored).unwrap()), [("n", Some("25"), true)]);
}

#[test]
fn a_closure_that_cannot_run_again_need_not_where_its_value_was_stored() {
    let loaded = state(&[("n", "10")]);
    let mut ops = Pending::default();
    add(&mut ops, &loaded, 1);
    let done = ops.share();
    assert!(ops.update("n", &loaded, Some(raw("11")), Some(raw("12")), Replay::Never));
    let stored = state(&[("n", "11")]);
    ops.settle(&done, &stored);
    assert_eq!(told(&resolved(&mut ops.share(), &stored).unwrap()), [("n", Some("12"), true)]);
}

#[test]
fn a_purge_beats_what_came_before_and_survives_a_commit_of_it() {
    let mut ops = Pending::default();
    ops.write("a", Some(raw("1")));
    let done = ops.share();
    ops.end(Act::Purge);
    assert!(!ops.touches_keys() && ops.hides_session());
    ops.settle(&done, &state(&[("a", "1")]));
    assert_eq!(ops.act, Act::Purge);
}

#[test]
fn an_insert_of_what_is_there_counts_where_a_renewal_comes_to_another_record() {
    let loaded: State = [("user", "\"ada\"")].into_iter().collect();
    let mut ops = Pending::default();
    ops.insert("user", "\"ada\"".into(), &loaded);
    assert!(ops.is_empty());
    let mut changes = |act, base: &State| {
        ops.act = act;
        resolved(&mut ops.share(), base).unwrap().keys.len()
    };
    assert_eq!(changes(Act::Keep, &loaded), 0);
    assert_eq!(changes(Act::Keep, &State::default()), 0);
    assert_eq!(changes(Act::Renew, &loaded), 0);
    assert_eq!(changes(Act::Renew, &State::default()), 1);
}
