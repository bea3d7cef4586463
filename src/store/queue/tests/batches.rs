//! Writers that are written together.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use super::{
    all_done, assert_done, on_both,
    process::{PATIENCE, Process},
    shelf::{ID, number, with},
};
use crate::store::{Record, queue::Written};

#[test]
fn a_hundred_writers_of_a_key_each_are_written_in_a_few_calls() {
    on_both(|| async {
        let process = Process::new(false);
        let writers: Vec<_> = (0..100).map(|n| tokio::spawn(process.clone().set(format!("key{n}")))).collect();
        process.until(100).await;
        assert!(process.queue.is_busy(&ID));
        process.shelf.open();
        for (n, writer) in writers.into_iter().enumerate() {
            let stored = assert_done(writer.await.unwrap());
            assert!(stored.state().contains_key(&format!("key{n}")));
        }
        assert_eq!(process.shelf.record().state().len(), 100);
        assert!(process.shelf.count() <= 10, "{} calls", process.shelf.count());
        process.assert_empty();
    });
}

#[test]
fn a_hundred_counters_count_a_hundred() {
    on_both(|| async {
        let process = Process::new(true);
        let writers: Vec<_> = (0..100).map(|_| tokio::spawn(process.clone().add("n"))).collect();
        all_done(writers).await;
        assert_eq!(process.shelf.get("n").as_deref(), Some("100"));
        process.assert_empty();
    });
}

/// Another process writes too, so that batches are applied again.
#[test]
fn a_function_runs_only_in_the_task_of_its_own_request() {
    on_both(|| async {
        let process = Process::new(false);
        let runs = Arc::new(AtomicUsize::new(0));
        let writer = |process: Process, runs: Arc<AtomicUsize>| async move {
            let own = tokio::task::id();
            let change = move |record: &Record| {
                assert_eq!(tokio::task::id(), own, "it runs in the task of another request");
                runs.fetch_add(1, Ordering::SeqCst);
                Some(with(record, "n", &(number(record, "n") + 1).to_string()))
            };
            process.change(PATIENCE, change).await
        };
        let writers: Vec<_> = (0..50).map(|_| tokio::spawn(writer(process.clone(), Arc::clone(&runs)))).collect();
        process.until(50).await;
        for n in 0..5 {
            process.shelf.arrival().await;
            process.shelf.write_from_afar(&format!("far{n}"));
            process.shelf.let_one();
        }
        process.shelf.open();
        all_done(writers).await;
        assert_eq!(process.shelf.get("n").as_deref(), Some("50"));
        assert_eq!(process.shelf.record().state().len(), 6);
        assert!(runs.load(Ordering::SeqCst) > 50, "no batch was applied again");
        process.assert_empty();
    });
}

#[test]
fn a_member_that_declines_does_not_disturb_the_others() {
    on_both(|| async {
        let process = Process::new(false);
        let first = process.first("a").await;
        let declines = process.seated(process.clone().change(PATIENCE, |_| None)).await;
        let last = process.seat("b").await;
        process.shelf.open();
        all_done([first]).await;
        assert!(matches!(declines.await.unwrap(), Ok(Written::Declined)));
        all_done([last]).await;
        assert!(process.shelf.has("a b"));
        process.assert_empty();
        // The only member there is.
        let declined = process.clone().change(PATIENCE, |_| None).await;
        assert!(matches!(declined, Ok(Written::Declined)));
        assert_eq!(process.shelf.count(), 2);
        process.assert_empty();
    });
}

#[test]
fn a_function_that_panics_in_its_turn_hands_the_batch_on_as_it_was() {
    on_both(|| async {
        let process = Process::new(false);
        let first = process.first("a").await;
        let before = process.seat("b").await;
        let panics = process.seated(process.clone().change(PATIENCE, |_| panic!("of the application's"))).await;
        let last = process.seat("c").await;
        process.shelf.open();
        assert!(panics.await.unwrap_err().is_panic());
        all_done([first, before, last]).await;
        assert!(process.shelf.has("a b c"));
        process.assert_empty();
    });
}

#[test]
fn a_batch_that_another_process_overtakes_is_applied_again_in_its_order() {
    on_both(|| async {
        let process = Process::new(false);
        let first = process.first("a").await;
        let push = |name: &'static str| {
            process.clone().change(PATIENCE, move |record| {
                let before = record.state().get("list").unwrap_or_default();
                Some(with(record, "list", &format!("{before}{name}")))
            })
        };
        let riders = [process.seated(push("1")).await, process.seated(push("2")).await];
        process.shelf.let_one();
        all_done([first]).await;
        process.shelf.arrival().await;
        let later = process.seated(push("3")).await;
        process.shelf.write_from_afar("far");
        process.shelf.open();
        all_done(riders.into_iter().chain([later])).await;
        assert_eq!(process.shelf.get("list").as_deref(), Some("123"));
        assert!(process.shelf.has("a far list"));
        process.assert_empty();
    });
}
