//! Closures that call their own session, panic or fail.

use super::*;

#[test]
fn a_closure_that_calls_itself_is_a_conflict_and_no_deadlock() {
    let place: Arc<OnceLock<Replay>> = Arc::default();
    let inner = Arc::clone(&place);
    let replay = Replay::with(move |_| inner.get().unwrap().run("n", None).map(|_| Some(raw("1"))));
    let _ = place.set(replay.clone());
    assert!(replay.run("n", Some("0")).unwrap_err().is_conflict());
    // The closure was put back.
    assert!(replay.run("n", Some("0")).unwrap_err().is_conflict());

    let place: Arc<OnceLock<Replay>> = Arc::default();
    let inner = Arc::clone(&place);
    let replay = Replay::with(move |_| {
        assert!(inner.get().unwrap().run("n", None).is_err());
        Ok(Some(raw("1")))
    });
    let _ = place.set(replay.clone());
    for _ in 0..2 {
        assert_eq!(replay.run("n", None).unwrap(), Some(raw("1")));
    }
}

#[test]
fn a_closure_that_panics_is_a_conflict_from_then_on_and_no_deadlock() {
    let replay = Replay::with(|_| panic!("a closure of the application's"));
    let run = || replay.run("n", None);
    assert!(panic::catch_unwind(panic::AssertUnwindSafe(run)).is_err());
    assert!(run().unwrap_err().is_conflict());

    let loaded = state(&[("n", "1")]);
    let mut edits = PendingEdits::default();
    edits.update("n", Some(raw("1")), Some(raw("2")), replay.clone());
    assert!(resolved(&mut edits.share(), &loaded).is_ok(), "its value was made");
    assert!(resolved(&mut edits.share(), &state(&[("n", "2")])).unwrap_err().is_conflict());
}

#[test]
fn a_closure_that_fails_fails_the_commit_and_can_run_again() {
    let replay = Replay::with(|raw| raw.map(|value| Some(value.into())).ok_or_else(|| Error::conflict_on("n")));
    assert!(replay.run("n", None).is_err());
    assert_eq!(replay.run("n", Some("1")).unwrap(), Some(raw("1")));
}
