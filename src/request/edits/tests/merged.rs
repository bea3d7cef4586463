//! Operations of a request that a renewal overtook.

use super::*;

/// A renewal overtook the request, which had loaded `seen`; `now` is stored.
#[test]
fn a_merge_keeps_every_key_that_changed_since_the_load() {
    let seen = state(&[("a", "1"), ("b", "2")]);
    let table: [Row; 14] = [
        // A key that did not change is written.
        (|edits| edits.write("a", Some(raw("9"))), &[("a", "1"), ("b", "2")], Some(&[("a", "9"), ("b", "2")])),
        (
            |edits| edits.write("c", Some(raw("9"))),
            &[("a", "1"), ("b", "3")],
            Some(&[("a", "1"), ("b", "3"), ("c", "9")]),
        ),
        (|edits| edits.write("a", None), &[("a", "1"), ("b", "3")], Some(&[("b", "3")])),
        // A changed, removed or new key keeps its newer value.
        (|edits| edits.write("a", Some(raw("9"))), &[("a", "5"), ("b", "2")], None),
        (|edits| edits.write("a", Some(raw("9"))), &[("b", "2")], None),
        (|edits| edits.write("c", Some(raw("9"))), &[("a", "1"), ("b", "2"), ("c", "5")], None),
        (|edits| edits.write("a", None), &[("a", "5"), ("b", "2")], None),
        // An equal value is no change.
        (|edits| edits.write("a", Some(raw("1"))), &[("a", "1")], None),
        (|edits| edits.write("c", None), &[("a", "1")], None),
        // A clear removes the keys that the request saw, unless they changed.
        (Edits::clear, &[("a", "1"), ("b", "2")], Some(&[])),
        (Edits::clear, &[("a", "5"), ("b", "2"), ("c", "3")], Some(&[("a", "5"), ("c", "3")])),
        (Edits::clear, &[("c", "3")], None),
        (
            |edits| {
                edits.clear();
                edits.write("a", Some(raw("9")));
                edits.write("d", Some(raw("4")));
            },
            &[("a", "1"), ("b", "2"), ("c", "3")],
            Some(&[("a", "9"), ("c", "3"), ("d", "4")]),
        ),
        (
            |edits| {
                edits.clear();
                edits.write("a", Some(raw("9")));
            },
            &[("a", "5"), ("b", "7")],
            None,
        ),
    ];
    for (at, (write, now, expected)) in table.into_iter().enumerate() {
        let mut edits = PendingEdits::default();
        write(&mut edits);
        let made = edits.merged(&seen, &state(now), false).unwrap();
        assert_eq!(told(made.as_ref()), expected.map(<[_]>::to_vec), "row {at}");
    }
}

#[test]
fn a_merge_never_runs_an_update_on_a_value_that_the_request_has_not_seen() {
    let seen = state(&[("n", "1")]);
    let mut edits = PendingEdits::default();
    add(&mut edits, &seen, 1);
    edits.write("a", Some(raw("1")));
    let merged = |now: &[(&str, &str)]| {
        let made = edits.merged(&seen, &state(now), false);
        made.map(|made| made.map(|made| made.get("n").map(str::to_owned)))
    };
    assert_eq!(merged(&[("n", "1")]), Ok(Some(Some("2".to_owned()))));
    assert_eq!(merged(&[("b", "1"), ("n", "1")]), Ok(Some(Some("2".to_owned()))));
    assert_eq!(merged(&[("n", "5")]), Err(Overtaken));
    assert_eq!(merged(&[]), Err(Overtaken));
    // Other keys do not matter to an update of a key that was missing.
    let mut edits = PendingEdits::default();
    add(&mut edits, &state(&[]), 1);
    assert!(edits.merged(&state(&[]), &state(&[("a", "5")]), false).is_ok());
    assert_eq!(edits.merged(&state(&[]), &state(&[("n", "5")]), false), Err(Overtaken));
}
