//! A future that runs to its end even if it is dropped.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use tokio::runtime::Handle;

type Boxed<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// A future that goes on as a task if it is dropped before it is ready: a commit must not stay half done because the
/// client disconnected.
pub(crate) struct Outlives<T: Send + 'static> {
    /// Taken out while it is polled, because after a panic it cannot go on.
    future: Option<Boxed<T>>,
}

impl<T: Send + 'static> Outlives<T> {
    pub(crate) fn new(future: impl Future<Output = T> + Send + 'static) -> Self {
        Self { future: Some(Box::pin(future)) }
    }
}

impl<T: Send + 'static> Future for Outlives<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        // A future that is polled again after it was ready stays pending, as `Future` allows.
        let Some(mut future) = self.future.take() else { return Poll::Pending };
        let polled = future.as_mut().poll(cx);
        if polled.is_pending() {
            self.future = Some(future);
        }
        polled
    }
}

impl<T: Send + 'static> Drop for Outlives<T> {
    fn drop(&mut self) {
        let Some(future) = self.future.take() else { return };
        match Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn(future)),
            Err(_) => tracing::warn!("a session's commit was dropped outside of a runtime, so its outcome is unknown"),
        }
    }
}

impl<T: Send + 'static> fmt::Debug for Outlives<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outlives").finish_non_exhaustive()
    }
}
