use std::{panic, sync::OnceLock};

use super::{apply::Overtaken, *};
use crate::error::Error;

mod closures;
mod merged;
mod settled;

type Entries = &'static [(&'static str, &'static str)];

/// The operations of a request, the stored state, and the state after them.
type Row = (fn(&mut Edits), Entries, Option<Entries>);

fn state(entries: &[(&str, &str)]) -> State {
    entries.iter().copied().collect()
}

fn raw(value: &str) -> Raw {
    value.into()
}

/// Adds `n`, starting from zero.
fn add(edits: &mut Edits, loaded: &State, n: u32) {
    let make = move |raw: Option<&str>| -> Result<Option<Raw>, Error> {
        let before: u32 = raw.map_or(0, |raw| raw.parse().unwrap());
        Ok(Some((before + n).to_string().into()))
    };
    let seen = edits.seen("n", loaded).map(Raw::new);
    let made = make(seen.as_deref()).unwrap();
    edits.update("n", seen, made, Replay::with(make));
}

/// Returns the entries of a state, if there is one.
fn told(state: Option<&State>) -> Option<Vec<(&str, &str)>> {
    state.map(|state| state.iter().collect())
}

/// Returns the state that is made of `base`, after updates have run again if they must.
fn resolved(edits: &mut SharedEdits, base: &State) -> Result<Option<State>, Error> {
    Edits::replay(edits, base)?;
    Ok(edits.applied(base, false))
}

#[track_caller]
fn check(edits: &mut PendingEdits, base: &[(&str, &str)], expected: Option<&[(&str, &str)]>) {
    let made = resolved(&mut edits.share(), &state(base)).unwrap();
    assert_eq!(told(made.as_ref()), expected.map(<[_]>::to_vec), "{base:?}");
}

fn view<'a>(edits: &'a Edits, key: &str, loaded: &'a State) -> View<'a> {
    edits.view_of(edits.what(key), key, loaded)
}

#[test]
fn a_request_sees_what_it_wrote_and_beneath_that_what_was_loaded() {
    let loaded = state(&[("a", "1"), ("b", "2")]);
    let mut edits = PendingEdits::default();
    assert!(matches!(view(&edits, "a", &loaded), View::Shared(Some(b"1"))));
    edits.write("a", Some(raw("9")));
    edits.write("b", None);
    assert!(matches!(view(&edits, "a", &loaded), View::Own(Some(b"9"))));
    assert!(matches!(view(&edits, "b", &loaded), View::Own(None)));
    add(&mut edits, &loaded, 1);
    assert!(matches!(view(&edits, "n", &loaded), View::Shared(Some(b"1"))));
    assert_eq!(edits.entries(&loaded).into_iter().collect::<Vec<_>>(), [("a", "9"), ("n", "1")]);
    edits.clear();
    assert!(matches!(view(&edits, "a", &loaded), View::Own(None)));
    assert!(edits.entries(&loaded).is_empty());
}

#[test]
fn writes_go_to_their_keys_and_leave_the_others_alone() {
    let written = |write: fn(&mut Edits)| {
        let mut edits = PendingEdits::default();
        write(&mut edits);
        edits
    };
    let table: [Row; 12] = [
        (|_| (), &[("a", "1")], None),
        (
            |edits| edits.write("b", Some(raw("2"))),
            &[("a", "1"), ("c", "3")],
            Some(&[("a", "1"), ("b", "2"), ("c", "3")]),
        ),
        (|edits| edits.write("a", Some(raw("2"))), &[("a", "1"), ("c", "3")], Some(&[("a", "2"), ("c", "3")])),
        (|edits| edits.write("a", None), &[("a", "1"), ("c", "3")], Some(&[("c", "3")])),
        (|edits| edits.write("a", None), &[("a", "1")], Some(&[])),
        // An equal value is no change.
        (|edits| edits.write("a", Some(raw("1"))), &[("a", "1")], None),
        (|edits| edits.write("b", None), &[("a", "1")], None),
        (|edits| edits.write("b", None), &[], None),
        // A clear also removes keys that other requests have written since the load.
        (Edits::clear, &[("a", "1"), ("c", "3")], Some(&[])),
        (Edits::clear, &[], None),
        // A later write stays.
        (
            |edits| {
                edits.write("c", Some(raw("4")));
                edits.clear();
                edits.write("b", Some(raw("2")));
            },
            &[("a", "1"), ("c", "3")],
            Some(&[("b", "2")]),
        ),
        (
            |edits| {
                edits.clear();
                edits.write("a", None);
            },
            &[("a", "1")],
            Some(&[]),
        ),
    ];
    for (at, (write, base, expected)) in table.into_iter().enumerate() {
        let mut edits = written(write);
        let made = resolved(&mut edits.share(), &state(base)).unwrap();
        assert_eq!(told(made.as_ref()), expected.map(<[_]>::to_vec), "row {at}");
    }
}

#[test]
fn an_update_runs_again_on_another_value() {
    let loaded = state(&[("n", "10")]);
    let mut edits = PendingEdits::default();
    add(&mut edits, &loaded, 1);
    add(&mut edits, &loaded, 2);
    check(&mut edits, &[("n", "10")], Some(&[("n", "13")]));
    check(&mut edits, &[("m", "1"), ("n", "20")], Some(&[("m", "1"), ("n", "23")]));
    check(&mut edits, &[], Some(&[("n", "3")]));
}

#[test]
fn an_update_of_an_own_value_takes_no_value_of_others() {
    let mut edits = PendingEdits::default();
    edits.write("n", Some(raw("5")));
    add(&mut edits, &state(&[("n", "100")]), 1);
    check(&mut edits, &[("n", "200")], Some(&[("n", "6")]));
    edits.clear();
    add(&mut edits, &state(&[("n", "100")]), 1);
    check(&mut edits, &[("n", "200")], Some(&[("n", "1")]));
}

#[test]
fn an_update_that_cannot_run_again_fails_if_it_has_to() {
    let loaded = state(&[("n", "1")]);
    let mut edits = PendingEdits::default();
    edits.update("n", Some(raw("1")), Some(raw("2")), Replay::Never);
    assert!(resolved(&mut edits.share(), &loaded).is_ok());
    assert!(resolved(&mut edits.share(), &state(&[("n", "7")])).unwrap_err().is_conflict());
}

#[test]
fn an_insert_of_what_was_loaded_counts_only_in_a_renewal() {
    let loaded = state(&[("user", "\"ada\"")]);
    let other = state(&[("user", "\"bob\"")]);
    let mut edits = PendingEdits::default();
    edits.insert("user", raw("\"ada\""), &loaded);
    assert!(edits.is_empty() && !edits.touches_keys() && edits.names_keys());
    assert_eq!(edits.written("user"), Some(Some("\"ada\"")));
    // Base, affirms, and the user afterwards.
    let table = [
        (&loaded, false, None),
        (&loaded, true, None),
        (State::empty(), false, None),
        (State::empty(), true, Some("\"ada\"")),
        (&other, false, None),
        (&other, true, Some("\"ada\"")),
    ];
    for (base, affirms, expected) in table {
        let made = edits.applied(base, affirms);
        assert_eq!(made.as_ref().and_then(|made| made.get("user")), expected, "{base:?} {affirms}");
    }
    // A merge keeps the newer value, even if the insert counts as a write.
    assert_eq!(edits.merged(&loaded, &other, true), Ok(None));
    assert_eq!(edits.merged(&loaded, State::empty(), true), Ok(None));
    assert_eq!(told(Some(&edits.alone())), Some(vec![("user", "\"ada\"")]));
    // A second insert of another value is a write.
    edits.insert("user", raw("\"eve\""), &loaded);
    assert!(edits.touches_keys());
}

#[test]
fn a_new_session_has_the_requests_own_inserts_only() {
    let loaded = state(&[("a", "1"), ("n", "10")]);
    let mut edits = PendingEdits::default();
    assert!(edits.alone().is_empty());
    edits.write("b", Some(raw("2")));
    edits.write("a", None);
    add(&mut edits, &loaded, 1);
    let mut edits = edits.share();
    Edits::replay(&mut edits, State::empty()).unwrap();
    assert_eq!(told(Some(&edits.alone())), Some(vec![("b", "2"), ("n", "1")]));
}

#[test]
fn starting_over_hides_what_was_loaded_and_keeps_what_was_inserted() {
    let loaded = state(&[("a", "1"), ("n", "10"), ("same", "0")]);
    let mut edits = PendingEdits::default();
    edits.insert("same", raw("0"), &loaded);
    edits.write("b", Some(raw("2")));
    add(&mut edits, &loaded, 1);
    edits.start_over();
    assert!(edits.hides_loaded() && edits.touches_keys());
    assert_eq!(edits.seen("a", &loaded), None);
    assert_eq!(edits.seen("same", &loaded), Some("0"));
    assert_eq!(edits.seen("n", &loaded), None, "the value that was made of another user's");
    // The update runs again from nothing, because its value was made of another user's.
    for base in [&loaded, State::empty(), &state(&[("n", "77"), ("z", "1")])] {
        let made = resolved(&mut edits.share(), base).unwrap();
        assert_eq!(told(made.as_ref()), Some(vec![("b", "2"), ("n", "1"), ("same", "0")]), "{base:?}");
    }
    let mut alone = edits.share();
    Edits::replay(&mut alone, State::empty()).unwrap();
    assert_eq!(told(Some(&alone.alone())), Some(vec![("b", "2"), ("n", "1"), ("same", "0")]));

    let mut edits = PendingEdits::default();
    edits.start_over();
    check(&mut edits, &[("a", "1")], Some(&[]));
    check(&mut edits, &[], None);
}
