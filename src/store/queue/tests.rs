//! Tests of the queue. Each test holds the store's calls at a gate until the members are in the state that it needs.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, Waker},
    time::Duration,
};

use tokio::{
    runtime::{Builder, Runtime},
    task::JoinHandle,
    time,
};

use self::process::Outcome;
use super::Written;
use crate::store::Record;

mod alone;
mod batches;
mod dropped;
mod failures;
mod no_runtime;
mod process;
mod shelf;
mod waiting;

fn single() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

fn multi() -> Runtime {
    Builder::new_multi_thread().worker_threads(3).enable_all().build().unwrap()
}

/// Returns a runtime whose clock moves only when all of its tasks wait.
fn paused() -> Runtime {
    Builder::new_current_thread().enable_all().start_paused(true).build().unwrap()
}

/// Runs a test on a single-threaded and on a multi-threaded runtime. A test that hangs fails.
fn on_both<F: Future<Output = ()> + Send + 'static>(test: impl Fn() -> F) {
    for runtime in [single(), multi()] {
        runtime.block_on(async { within(tokio::spawn(test())).await.unwrap() });
    }
}

async fn within<T>(future: impl Future<Output = T>) -> T {
    time::timeout(Duration::from_secs(30), future).await.expect("it hangs")
}

/// Polls a future once, without a waker.
fn poll_once<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

#[track_caller]
fn assert_done(outcome: Outcome) -> Record {
    match outcome {
        Ok(Written::Done(record)) => record,
        other => panic!("{other:?}"),
    }
}

/// Asserts that all of these writers get the outcome "stored".
async fn all_done(tasks: impl IntoIterator<Item = JoinHandle<Outcome>>) {
    for task in tasks {
        assert_done(task.await.unwrap());
    }
}
