//! Members whose requests are dropped.

use tokio::{task::yield_now, time};

use super::{all_done, on_both, paused, process::Process, within};
use crate::store::queue::TURN;

#[test]
fn a_member_that_is_dropped_while_it_waits_does_not_disturb_the_others() {
    on_both(|| async {
        let process = Process::new(false);
        let first = process.first("a").await;
        let waits = process.seat("dropped").await;
        let last = process.seat("b").await;
        waits.abort();
        assert!(waits.await.unwrap_err().is_cancelled());
        process.until(2).await;
        process.shelf.open();
        all_done([first, last]).await;
        assert!(process.shelf.has("a b"));
        process.assert_empty();
    });
}

#[test]
fn a_rider_that_is_dropped_leaves_its_change_behind() {
    on_both(|| async {
        let process = Process::new(false);
        let rider = process.first("a").await;
        rider.abort();
        assert!(rider.await.unwrap_err().is_cancelled());
        // The line is empty, and the call goes on.
        process.assert_empty();
        process.shelf.open();
        while !process.shelf.has("a") {
            yield_now().await;
        }
        process.assert_empty();

        let process = Process::new(false);
        let rider = process.first("a").await;
        let waits = process.seat("b").await;
        rider.abort();
        process.until(1).await;
        process.shelf.open();
        all_done([waits]).await;
        assert!(process.shelf.has("a b"));
        process.assert_empty();
    });
}

#[test]
fn a_rider_that_was_dropped_is_not_waited_for_if_its_batch_is_applied_again() {
    paused().block_on(within(async {
        let process = Process::new(false);
        let rider = process.first("a").await;
        let waits = process.seat("b").await;
        rider.abort();
        process.until(1).await;
        process.shelf.write_from_afar("far");
        let begun = time::Instant::now();
        process.shelf.open();
        all_done([waits]).await;
        assert!(begun.elapsed() < TURN, "{:?}", begun.elapsed());
        assert!(process.shelf.has("b far"));
        process.assert_empty();
    }));
}
