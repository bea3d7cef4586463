//! Calls that fail, and sessions that end.

use super::{
    all_done, multi, on_both,
    process::Process,
    shelf::{Fault, ID},
    within,
};
use crate::store::{SessionStore, queue::Written};

/// The calls of the second batch fail. Its riders get the error, and the member that waits goes on.
#[test]
fn the_riders_of_a_call_that_fails_are_told_and_the_others_go_on() {
    let always = |fault| vec![fault; 4];
    let table = [
        (vec![Fault::Refuses], true, "a d"),
        (always(Fault::LosesCall), false, "a d"),
        (always(Fault::LosesReply), false, "a b c d"),
    ];
    for (faults, is_not_done, keys) in table {
        let faults = &faults;
        on_both(|| {
            let faults = faults.clone();
            async move {
                let process = Process::new(false);
                let first = process.first("a").await;
                process.shelf.fail(faults);
                let riders = [process.seat("b").await, process.seat("c").await];
                process.shelf.let_one();
                all_done([first]).await;
                process.shelf.arrival().await;
                let waits = process.seat("d").await;
                process.shelf.open();
                for rider in riders {
                    let error = rider.await.unwrap().unwrap_err();
                    assert_eq!(error.is_not_done(), is_not_done);
                }
                all_done([waits]).await;
                assert!(process.shelf.has(keys), "{:?}", process.shelf.record());
                process.assert_empty();
            }
        });
    }
}

#[test]
fn a_lost_reply_counts_once() {
    for fault in [Fault::LosesReply, Fault::LosesCall] {
        on_both(|| async move {
            let process = Process::new(false);
            process.shelf.fail([fault; 3]);
            let writers: Vec<_> = (0..10).map(|_| tokio::spawn(process.clone().add("n"))).collect();
            process.until(10).await;
            process.shelf.open();
            all_done(writers).await;
            assert_eq!(process.shelf.get("n").as_deref(), Some("10"));
            process.assert_empty();
        });
    }
}

#[test]
fn the_writers_of_a_session_that_ends_are_all_told() {
    on_both(|| async {
        let process = Process::new(false);
        let mut writers = vec![process.first("a").await];
        for key in ["b", "c", "d"] {
            writers.push(process.seat(key).await);
        }
        SessionStore::delete(&*process.shelf, &ID, None).await.unwrap();
        process.shelf.open();
        for writer in writers {
            assert!(matches!(writer.await.unwrap(), Ok(Written::Gone)));
        }
        process.assert_empty();
    });
}

/// The runtime that made the call is dropped, before or after the call took effect.
#[test]
fn a_rider_whose_call_is_lost_with_another_runtime_asks_the_record() {
    for fault in [Fault::HangsDone, Fault::Hangs] {
        let (away, here) = (multi(), multi());
        here.block_on(within(async {
            let process = Process::new(false);
            let first = process.first("a").await;
            let rider = process.seated(process.clone().add("n")).await;
            // The last member to have its turn stores the batch, on the runtime that is dropped.
            let before = process.members();
            let dropped = away.spawn(process.clone().set("c"));
            process.until(before + 1).await;
            process.shelf.fail([fault]);
            process.shelf.let_one();
            all_done([first]).await;
            process.shelf.open();
            process.shelf.arrival().await;
            let waits = process.seat("d").await;
            assert!(!rider.is_finished() && !waits.is_finished());
            if fault == Fault::HangsDone {
                process.shelf.write_from_afar("far");
            }
            away.shutdown_background();
            assert!(dropped.await.is_err());
            all_done([rider, waits]).await;
            let keys = if fault == Fault::HangsDone { "a c d far n" } else { "a c d n" };
            assert!(process.shelf.has(keys), "{fault:?}: {:?}", process.shelf.record());
            assert_eq!(process.shelf.get("n").as_deref(), Some("1"), "{fault:?}");
            process.assert_empty();
        }));
    }
}
