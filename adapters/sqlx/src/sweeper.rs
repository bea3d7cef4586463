//! Clean-up in the background.

use std::time::Duration;

use cloakroom::{SessionId, StoreError};
use tokio::{
    sync::oneshot,
    task::JoinHandle,
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
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Sweeper {
    /// Stops, and waits until the statement that is under way has ended.
    pub async fn stop(self) {
        let Self { stop, task } = self;
        drop(stop);
        if let Err(error) = task.await {
            tracing::error!(%error, "the sweeper of sessions ended early");
        }
    }
}

impl<DB: Database> SqlStore<DB> {
    /// Deletes the rows of sessions that ended, once in each `period`, until the [`Sweeper`] is dropped or stopped.
    ///
    /// Each process may have one. The pauses are random, between half of `period` and one and a half, so that the processes of a
    /// fleet do not sweep at once. Rows are deleted in batches of 500, with pauses between them. An error is logged, and
    /// does not stop it.
    ///
    /// # Panics
    ///
    /// There is no `tokio` runtime.
    pub fn sweep_every(&self, period: Duration) -> Sweeper {
        let (stop, mut stopped) = oneshot::channel();
        let store = self.clone();
        let task = tokio::spawn(async move {
            while timeout(jittered(period), &mut stopped).await.is_err() {
                if let Err(error) = store.sweep_until_empty(&mut stopped).await {
                    tracing::warn!(error = &error as &dyn std::error::Error, "expired sessions could not be deleted");
                }
            }
        });
        Sweeper { stop, task }
    }

    async fn sweep_until_empty(&self, stopped: &mut oneshot::Receiver<()>) -> Result<(), StoreError> {
        let is_open =
            |stopped: &mut oneshot::Receiver<()>| stopped.try_recv() == Err(oneshot::error::TryRecvError::Empty);
        while is_open(stopped) {
            let started = Instant::now();
            if self.sweep(BATCH).await? < u64::from(BATCH) {
                break;
            }
            // As long as the statement took: requests have half of the time for themselves.
            sleep(started.elapsed()).await;
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
