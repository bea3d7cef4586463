//! The queue without a runtime.

use std::{
    future::Future,
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Wake, Waker},
    thread,
};

use super::{assert_done, poll_once, process::Process, shelf::Fault};

/// Runs a future without a runtime.
fn block_on<F: Future>(future: F) -> F::Output {
    struct Unpark(thread::Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}

#[test]
fn it_works_without_a_runtime() {
    let process = Process::new(true);
    assert_done(block_on(process.clone().set("a")));
    assert!(block_on(process.clone().alone()).is_some());
    process.assert_empty();

    let threads: Vec<_> = (0..8)
        .map(|n| {
            let process = process.clone();
            thread::spawn(move || {
                for round in 0..20 {
                    assert_done(block_on(process.clone().set(format!("key{n}.{round}"))));
                    assert_done(block_on(process.clone().add("n")));
                }
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
    assert_eq!(process.shelf.get("n").as_deref(), Some("160"));
    assert_eq!(process.shelf.record().state().len(), 1 + 1 + 160);
    process.assert_empty();
}

/// Without a runtime, a rider makes the call. If that rider is dropped, the next one makes it again.
#[test]
fn a_call_whose_rider_is_dropped_goes_to_the_next_rider() {
    for fault in [Fault::HangsDone, Fault::Hangs] {
        let process = Process::new(false);
        let mut first = Box::pin(process.clone().set("a"));
        assert!(poll_once(first.as_mut()).is_pending());
        let mut riders: Vec<_> = ["b", "c", "d"].map(|key| Box::pin(process.clone().set(key))).into();
        assert!(riders.iter_mut().all(|rider| poll_once(rider.as_mut()).is_pending()));
        assert_eq!(process.shelf.count(), 1);
        // It was the only rider of its batch, so the others go on without it.
        drop(first);
        process.shelf.fail([fault]);
        for _ in 0..2 {
            assert!(riders.iter_mut().all(|rider| poll_once(rider.as_mut()).is_pending()));
        }
        assert_eq!(process.shelf.count(), 2);
        drop(riders.remove(0));
        process.shelf.open();
        let mut outcomes = Vec::new();
        for _ in 0..100 {
            riders.retain_mut(|rider| match poll_once(rider.as_mut()) {
                Poll::Ready(outcome) => {
                    outcomes.push(outcome);
                    false
                }
                Poll::Pending => true,
            });
        }
        assert_eq!(outcomes.len(), 2);
        for outcome in outcomes {
            assert_done(outcome);
        }
        assert!(process.shelf.has("b c d"), "{fault:?}: {:?}", process.shelf.record());
        drop(riders);
        process.assert_empty();
    }
}
