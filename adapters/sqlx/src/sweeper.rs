//! Clean-up in the background.

use std::time::Duration;

use cloakroom::{SessionId, StoreError};
use tokio::{
    sync::watch,
    task::{JoinError, JoinHandle},
    time::{Instant, sleep, timeout},
};

use crate::{SqlStore, database::Database};

/// The rows that one statement deletes: it takes a few milliseconds, and holds its locks no longer.
const BATCH: u32 = 500;

/// Sweeps a store until it is dropped or stopped: see [`SqlStore::sweep_every`].
#[derive(Debug)]
#[must_use = "a dropped sweeper stops"]
pub struct Sweeper {
    /// Dropped, it tells the task to end.
    stop: watch::Sender<()>,
    task: JoinHandle<()>,
}

impl Sweeper {
    /// Stops, and waits until the statement that is under way has ended.
    ///
    /// # Panics
    ///
    /// The task of the sweeper panicked.
    pub async fn stop(self) {
        let Self { stop, task } = self;
        drop(stop);
        // Another error says that the runtime ends, and its tasks with it.
        if let Err(Ok(panic)) = task.await.map_err(JoinError::try_into_panic) {
            std::panic::resume_unwind(panic);
        }
    }
}

impl<DB: Database> SqlStore<DB> {
    /// Deletes the rows of sessions that ended, once in each `period`, until the [`Sweeper`] is dropped or stopped.
    ///
    /// Each process may have one. The pauses are random, between half of `period` and one and a half, so that the processes
    /// of a fleet do not sweep at once. The store deletes rows in batches of 500, and pauses between two batches for three
    /// times as long as the last one took. An error is logged, and does not stop it.
    ///
    /// # Panics
    ///
    /// There is no `tokio` runtime.
    pub fn sweep_every(&self, period: Duration) -> Sweeper {
        let (stop, mut stopped) = watch::channel(());
        let store = self.clone();
        let task = tokio::spawn(async move {
            while timeout(jittered(period), stopped.changed()).await.is_err() {
                if let Err(error) = store.sweep_until_empty(&stopped).await {
                    tracing::warn!(error = &error as &dyn std::error::Error, "expired sessions could not be deleted");
                }
            }
        });
        Sweeper { stop, task }
    }

    async fn sweep_until_empty(&self, stopped: &watch::Receiver<()>) -> Result<(), StoreError> {
        // It is an error once the sender is dropped.
        while stopped.has_changed().is_ok() {
            let started = Instant::now();
            if self.sweep(BATCH).await? < u64::from(BATCH) {
                break;
            }
            // Requests have three quarters of the time for themselves. A writer of SQLite finds no lock free by itself: it tries
            // now and then.
            sleep(started.elapsed() * 3).await;
        }
        Ok(())
    }
}

/// Returns a random time between half of `period` and one and a half.
fn jittered(period: Duration) -> Duration {
    // An id is 16 random bytes.
    let [byte, ..] = *SessionId::random().as_bytes();
    let period = period.min(Duration::from_hours(365 * 24));
    period / 2 + period * u32::from(byte) / 255
}
