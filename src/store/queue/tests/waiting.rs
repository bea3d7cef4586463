//! Members that wait for their turn, in a full line, and up to their time limit.

use std::{pin::pin, time::Duration};

use tokio::time;

use super::{
    all_done, assert_done, paused, poll_once,
    process::Process,
    shelf::{ID, with},
    single, within,
};
use crate::store::queue::{
    TURN, Written,
    line::{MOST_RIDERS, MOST_WAITING},
};

#[test]
fn a_member_that_is_not_polled_loses_its_turn_and_gets_another_one() {
    paused().block_on(within(async {
        // The member that is not polled stands before the others, between them, and behind them.
        for place in 0..3 {
            let process = Process::new(false);
            let first = process.first("a").await;
            let mut idle = pin!(process.clone().set("idle"));
            let mut others = Vec::new();
            for (at, key) in ["b", "c"].into_iter().enumerate() {
                if at == place {
                    assert!(poll_once(idle.as_mut()).is_pending());
                }
                others.push(process.seat(key).await);
            }
            if place == 2 {
                assert!(poll_once(idle.as_mut()).is_pending());
            }
            let begun = time::Instant::now();
            process.shelf.open();
            all_done([first].into_iter().chain(others)).await;
            assert!(process.shelf.has("a b c"), "place {place}: {:?}", process.shelf.record());
            assert!(begun.elapsed() >= TURN && begun.elapsed() < 3 * TURN, "place {place}: {:?}", begun.elapsed());
            // The others do not wait for it a second time.
            let begun = time::Instant::now();
            assert_done(process.clone().set("d").await);
            assert!(begun.elapsed() < TURN, "place {place}: {:?}", begun.elapsed());
            assert_done(idle.await);
            assert!(process.shelf.has("a b c d idle"), "place {place}: {:?}", process.shelf.record());
            process.assert_empty();
        }
    }));
}

#[test]
fn a_member_that_is_not_polled_and_then_dropped_leaves_nothing() {
    paused().block_on(within(async {
        let process = Process::new(false);
        let first = process.first("a").await;
        let mut idle = Box::pin(process.clone().set("idle"));
        assert!(poll_once(idle.as_mut()).is_pending());
        let mut alone = Box::pin(process.clone().alone());
        assert!(poll_once(alone.as_mut()).is_pending());
        let last = process.seat("b").await;
        process.shelf.open();
        all_done([first, last]).await;
        assert!(process.queue.is_busy(&ID));
        drop((idle, alone));
        process.assert_empty();
    }));
}

#[test]
fn a_line_takes_so_many_and_no_more() {
    single().block_on(within(async {
        let process = Process::new(false);
        let first = process.first("a").await;
        let mut waiting: Vec<_> = (1..MOST_WAITING).map(|_| Box::pin(process.clone().add("n"))).collect();
        assert!(waiting.iter_mut().all(|member| poll_once(member.as_mut()).is_pending()));
        assert_eq!(process.members(), MOST_WAITING);
        assert!(matches!(process.clone().set("late").await, Ok(Written::Late)));
        assert!(process.clone().alone().await.is_none());
        assert_eq!(process.members(), MOST_WAITING);
        process.shelf.open();
        all_done([first]).await;
        all_done(waiting.into_iter().map(tokio::spawn).collect::<Vec<_>>()).await;
        assert_eq!(process.shelf.get("n"), Some((MOST_WAITING - 1).to_string()));
        assert!(process.shelf.count() >= MOST_WAITING.div_ceil(MOST_RIDERS));
        process.assert_empty();
    }));
}

#[test]
fn a_member_waits_no_longer_than_it_wants_to() {
    paused().block_on(within(async {
        let process = Process::new(false);
        // The change is being stored, so the member has to wait for its outcome.
        let a_while = Duration::from_millis(1);
        let rider = process.seated(process.clone().change(a_while, |record| Some(with(record, "a", "1")))).await;
        process.shelf.arrival().await;
        let begun = time::Instant::now();
        let patience = Duration::from_secs(1);
        let late = process.clone().change(patience, |_| panic!("it has no turn"));
        assert!(matches!(late.await, Ok(Written::Late)));
        assert!(begun.elapsed() >= patience && begun.elapsed() <= patience + TURN, "{:?}", begun.elapsed());
        let alone = process.queue.alone(&process.store, ID, process.shelf.record(), patience).await;
        assert!(alone.is_none());
        assert!(!rider.is_finished());
        process.shelf.open();
        all_done([rider]).await;
        process.assert_empty();
    }));
}
