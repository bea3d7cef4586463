//! Calls that arrive after their sender gave up.

use std::{
    collections::VecDeque,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::Semaphore;

use super::sent::Arrival;

/// Holds back the calls that arrive late. [`Rule::arrives_late`](super::Rule::arrives_late) and
/// [`Rule::arrives_twice`](super::Rule::arrives_twice) return it. It works in any runtime.
///
/// A call that is still held back when this is dropped never arrives.
#[must_use = "the calls never arrive if it is dropped"]
pub struct Late {
    held: Held,
}

#[derive(Clone)]
pub(super) struct Held {
    calls: Arc<Mutex<VecDeque<Arrival>>>,
    /// Has a permit for each held call.
    count: Arc<Semaphore>,
}

impl Late {
    pub(super) fn new() -> (Self, Held) {
        let held = Held { calls: Arc::default(), count: Arc::new(Semaphore::new(0)) };
        (Self { held: held.clone() }, held)
    }

    /// Lets the oldest held call arrive, and returns after it took effect. If no call is held back yet, waits for one.
    ///
    /// The arrival obeys no rules and is not recorded.
    pub async fn arrives(&self) {
        if let Ok(permit) = self.held.count.acquire().await {
            permit.forget();
        }
        // The lock is released before the await.
        let call = self.held.with(VecDeque::pop_front);
        if let Some(call) = call {
            call.await;
        }
    }

    /// Returns the number of calls that are held back.
    #[must_use]
    pub fn held_back(&self) -> usize {
        self.held.with(|calls| calls.len())
    }
}

impl Held {
    pub(super) fn hold(&self, call: Arrival) {
        self.with(|calls| calls.push_back(call));
        self.count.add_permits(1);
    }

    fn with<T>(&self, work: impl FnOnce(&mut VecDeque<Arrival>) -> T) -> T {
        work(&mut self.calls.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl fmt::Debug for Late {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Late").field("held_back", &self.held_back()).finish()
    }
}
