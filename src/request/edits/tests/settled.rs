//! Operations that come while a commit runs, and reloads.

use super::*;

#[test]
fn what_was_done_while_a_commit_ran_is_left_for_the_next_one() {
    let loaded = state(&[("n", "10")]);
    let mut edits = PendingEdits::default();
    edits.write("a", Some(raw("1")));
    edits.write("b", Some(raw("1")));
    add(&mut edits, &loaded, 1);
    edits.act = Act::Renew;
    (edits.label, edits.started) = (Some(Some("phone".into())), true);
    let done = edits.share();

    edits.write("b", Some(raw("2")));
    edits.write("c", Some(raw("3")));
    edits.owner = Some(Some("alice".into()));
    add(&mut edits, &loaded, 5);
    let stored = state(&[("a", "1"), ("b", "1"), ("n", "11")]);
    edits.settle(&done, &stored);

    assert_eq!((edits.act, &edits.label, edits.started), (Act::Keep, &None, false));
    assert_eq!(edits.owner, Some(Some("alice".into())));
    assert_eq!(edits.seen("n", &stored), Some("16"));
    check(&mut edits, &[("a", "1"), ("b", "1"), ("n", "11")], Some(&[("a", "1"), ("b", "2"), ("c", "3"), ("n", "16")]));
    let done = edits.share();
    edits.settle(&done, &stored);
    assert!(edits.is_empty());
}

/// Checks an update that was made while a commit ran, by the value that the commit stored.
#[test]
fn an_update_that_was_done_while_a_commit_ran_counts_on_top_of_what_it_left() {
    /// The operation before the commit, the value that the commit found, the value that it stored, and the result.
    type Case = (fn(&mut Edits, &State), &'static str, &'static str, &'static str);
    let table: [Case; 4] = [
        (|edits, loaded| add(edits, loaded, 1), "10", "11", "16"),
        // The commit found another value, and ran its update again.
        (|edits, loaded| add(edits, loaded, 1), "20", "21", "26"),
        // The commit did not touch the key.
        (|edits, _| edits.write("a", Some(raw("1"))), "10", "10", "15"),
        (|edits, _| edits.write("a", Some(raw("1"))), "20", "20", "25"),
    ];
    for (before, met, left, expected) in table {
        let loaded = state(&[("n", "10")]);
        let mut edits = PendingEdits::default();
        before(&mut edits, &loaded);
        let done = edits.share();
        add(&mut edits, &loaded, 5);
        resolved(&mut done.clone(), &state(&[("n", met)])).unwrap();
        let stored = state(&[("a", "1"), ("n", left)]);
        edits.settle(&done, &stored);
        check(&mut edits, &[("a", "1"), ("n", left)], Some(&[("a", "1"), ("n", expected)]));
        // A third request was faster than the next commit.
        check(&mut edits, &[("n", "100")], Some(&[("n", "105")]));
    }
}

#[test]
fn a_closure_that_cannot_run_again_need_not_if_its_value_is_there() {
    let loaded = state(&[("n", "10")]);
    let mut edits = PendingEdits::default();
    add(&mut edits, &loaded, 1);
    let done = edits.share();
    edits.update("n", Some(raw("11")), Some(raw("12")), Replay::Never);
    edits.settle(&done, &state(&[("n", "11")]));
    check(&mut edits, &[("n", "11")], Some(&[("n", "12")]));

    // The commit wrote another key.
    let mut edits = PendingEdits::default();
    edits.write("a", Some(raw("1")));
    let done = edits.share();
    edits.update("n", Some(raw("10")), Some(raw("11")), Replay::Never);
    edits.settle(&done, &state(&[("a", "1"), ("n", "10")]));
    check(&mut edits, &[("a", "1"), ("n", "10")], Some(&[("a", "1"), ("n", "11")]));
}

#[test]
fn a_clear_while_a_commit_ran_is_left_and_a_clear_before_it_is_done() {
    let mut edits = PendingEdits::default();
    edits.clear();
    edits.write("a", Some(raw("1")));
    let done = edits.share();
    edits.write("b", Some(raw("2")));
    let mut later = PendingEdits::default();
    *later = (*edits).clone();
    later.clear();

    let stored = state(&[("a", "1")]);
    edits.settle(&done, &stored);
    assert!(!edits.hides_keys());
    check(&mut edits, &[("a", "1"), ("c", "3")], Some(&[("a", "1"), ("b", "2"), ("c", "3")]));
    later.settle(&done, &stored);
    check(&mut later, &[("a", "1"), ("c", "3")], Some(&[]));
}

#[test]
fn a_purge_beats_what_came_before_and_survives_a_commit_of_it() {
    let mut edits = PendingEdits::default();
    edits.write("a", Some(raw("1")));
    let done = edits.share();
    edits.end(Act::Purge);
    assert!(!edits.touches_keys() && edits.hides_session());
    edits.settle(&done, &state(&[("a", "1")]));
    assert_eq!(edits.act, Act::Purge);
    edits.write("b", Some(raw("2")));
    edits.drop_writes();
    assert!(edits.act == Act::Purge && !edits.touches_keys());
}

#[test]
fn a_reload_makes_updates_again_of_what_is_there() {
    let loaded = state(&[("a", "1"), ("n", "10")]);
    let mut edits = PendingEdits::default();
    add(&mut edits, &loaded, 1);
    edits.write("a", Some(raw("2")));
    let before = edits.version();
    let mut rebased = edits.share();
    let now = state(&[("a", "7"), ("n", "20")]);
    Edits::rebase(&mut rebased, &now).unwrap();
    assert_eq!(edits.seen("n", &loaded), Some("11"), "until it is adopted");
    assert_eq!(edits.version(), before);
    edits.adopt(rebased);
    assert_ne!(edits.version(), before);
    assert_eq!(edits.seen("n", &now), Some("21"));
    assert_eq!(edits.seen("a", &now), Some("2"));
    check(&mut edits, &[("a", "7"), ("n", "20")], Some(&[("a", "2"), ("n", "21")]));

    let mut edits = PendingEdits::default();
    edits.update("n", Some(raw("10")), Some(raw("2")), Replay::Never);
    assert!(Edits::rebase(&mut edits.share(), &now).unwrap_err().is_conflict());
    assert!(Edits::rebase(&mut edits.share(), &loaded).is_ok());
}
