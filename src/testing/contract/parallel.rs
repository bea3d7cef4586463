//! Calls at the same time.

use std::{
    future::Future,
    pin::pin,
    sync::{Arc, Barrier},
    task::{Context, Poll, Wake, Waker},
    thread::{self, Thread},
};

use tokio::{runtime::Handle, sync::oneshot};

use super::bench::{Broken, Outcome};

/// Runs every job on a thread of its own. All start at the same time. On one thread, a store that never waits would
/// never be interrupted, and its races would not show.
pub(super) async fn parallel<T, J>(jobs: impl IntoIterator<Item = J>) -> Outcome<Vec<T>>
where
    T: Send + 'static,
    J: AsyncFnOnce() -> Outcome<T> + Send + 'static,
{
    let jobs: Vec<J> = jobs.into_iter().collect();
    let start = Arc::new(Barrier::new(jobs.len()));
    let handle = Handle::try_current().ok();
    let run = |job: J| {
        let (start, handle) = (Arc::clone(&start), handle.clone());
        let (sender, receiver) = oneshot::channel();
        thread::spawn(move || {
            start.wait();
            let outcome = match handle {
                Some(handle) => handle.block_on(job()),
                None => block_on(job()),
            };
            // The check may have ended with another job's error.
            let _ = sender.send(outcome);
        });
        receiver
    };
    let running: Vec<_> = jobs.into_iter().map(run).collect();
    let mut ended = Vec::new();
    for job in running {
        ended.push(job.await.unwrap_or_else(|_| Err(Broken("the store panicked".to_owned()))));
    }
    ended.into_iter().collect()
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Runs a future of a store that needs no runtime.
fn block_on<F: Future>(future: F) -> F::Output {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}
