//! Writers whose changes are not combined with others.

use super::{all_done, on_both, process::Process, shelf::with};
use crate::store::{Replaced, random_nonce};

#[test]
fn a_writer_that_goes_alone_waits_for_the_batch_before_it_and_the_others_wait_for_it() {
    on_both(|| async {
        let process = Process::new(false);
        let first = process.first("a").await;
        let before = process.seat("b").await;
        let alone = process.seated(process.clone().alone()).await;
        let after = process.seat("c").await;
        process.shelf.open();
        all_done([first, before]).await;
        let mut alone = alone.await.unwrap().unwrap();
        let base = alone.base().clone();
        assert_eq!(base, process.shelf.record());
        assert!(process.shelf.has("a b"));
        assert!(!after.is_finished());
        let record = with(&base, "alone", "1").written(random_nonce(), &base);
        assert_eq!(process.shelf.swap(&base, &record), Replaced::Done);
        let calls = process.shelf.count();
        alone.leave(record);
        drop(alone);
        all_done([after]).await;
        assert!(process.shelf.has("a alone b c"));
        assert_eq!(process.shelf.count(), calls + 1, "it began with another record");
        process.assert_empty();
    });
}

#[test]
fn a_turn_alone_passes_on_however_it_ends() {
    on_both(|| async {
        // Its future is dropped while it waits.
        let process = Process::new(false);
        let first = process.first("a").await;
        let alone = process.seated(process.clone().alone()).await;
        let after = process.seat("b").await;
        alone.abort();
        process.until(2).await;
        process.shelf.open();
        all_done([first, after]).await;
        process.assert_empty();

        // The writer has the turn and writes nothing; or the store has a later record that it did not report.
        for is_stale in [false, true] {
            let alone = process.clone().alone().await.unwrap();
            let after = [process.seat("c").await, process.seat("d").await];
            if is_stale {
                process.shelf.write_from_afar("e");
            }
            drop(alone);
            all_done(after).await;
            process.assert_empty();
        }
        assert!(process.shelf.has("a b c d e"));

        // One after the other.
        let one = process.clone().alone().await.unwrap();
        let two = process.seated(process.clone().alone()).await;
        assert!(!two.is_finished());
        drop(one);
        assert!(two.await.unwrap().is_some());
        process.assert_empty();
    });
}
