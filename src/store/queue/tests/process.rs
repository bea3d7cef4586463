//! One process: a queue over a store.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use tokio::task::{JoinHandle, yield_now};

use super::shelf::{ID, Shelf, number, with};
use crate::store::{
    DynStore, Record, StoreError,
    queue::{Alone, Queue, Written},
};

pub(super) const PATIENCE: Duration = Duration::from_secs(60);

pub(super) type Outcome = Result<Written, StoreError>;

/// A queue over a store, as one layer has it.
#[derive(Clone)]
pub(super) struct Process {
    pub(super) queue: Arc<Queue>,
    pub(super) shelf: Arc<Shelf>,
    pub(super) store: Arc<dyn DynStore>,
}

impl Process {
    pub(super) fn new(is_open: bool) -> Self {
        let shelf = Shelf::new(is_open);
        let store = Arc::clone(&shelf) as Arc<dyn DynStore>;
        Self { queue: Arc::default(), shelf, store }
    }

    pub(super) async fn change(self, patience: Duration, change: impl FnMut(&Record) -> Option<Record>) -> Outcome {
        let base = self.shelf.record();
        self.queue.combine(&self.store, ID, base, patience, change).await
    }

    pub(super) async fn set(self, key: impl Into<String>) -> Outcome {
        let key = key.into();
        self.change(PATIENCE, move |record| Some(with(record, &key, "1"))).await
    }

    pub(super) async fn add(self, key: &'static str) -> Outcome {
        self.change(PATIENCE, move |record| Some(with(record, key, &(number(record, key) + 1).to_string()))).await
    }

    /// Spawns a writer of `key`, and waits until it is in the line. If no other member is there, it has the first turn.
    pub(super) async fn seat(&self, key: &'static str) -> JoinHandle<Outcome> {
        self.seated(self.clone().set(key)).await
    }

    pub(super) async fn seated<T: Send + 'static>(
        &self,
        future: impl Future<Output = T> + Send + 'static,
    ) -> JoinHandle<T> {
        let before = self.members();
        let task = tokio::spawn(future);
        self.until(before + 1).await;
        task
    }

    /// Spawns a writer of `key` whose call is held at the gate.
    pub(super) async fn first(&self, key: &'static str) -> JoinHandle<Outcome> {
        let task = self.seat(key).await;
        self.shelf.arrival().await;
        task
    }

    pub(super) async fn alone(self) -> Option<Alone> {
        let base = self.shelf.record();
        self.queue.alone(&self.store, ID, base, PATIENCE).await
    }

    pub(super) fn members(&self) -> usize {
        self.queue.lines().get(&ID).map_or(0, |line| line.state().members)
    }

    /// Waits until the line has this many members.
    pub(super) async fn until(&self, members: usize) {
        while self.members() != members {
            yield_now().await;
        }
    }

    /// Asserts that the queue keeps nothing for a session that is not being written.
    pub(super) fn assert_empty(&self) {
        assert!(self.queue.lines().is_empty());
        assert_eq!(self.queue.count.load(Ordering::SeqCst), 0);
        assert!(!self.queue.is_busy(&ID));
    }
}
