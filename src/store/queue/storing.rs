//! The call that stores a batch.

use std::{sync::Arc, time::Duration};

use tokio::runtime::Handle;

use super::line::{Batch, Line, Seat};
use crate::store::{DynStore, Record, SessionId, StoreError, certain, certain::Certain, random_nonce};

/// The time for which a call is repeated while its outcome is unknown.
const CALL: Duration = Duration::from_secs(2);

impl Call {
    /// Sends the batch. If it was sent before, first looks for the batch's nonce in the stored record.
    pub(super) async fn send(&self, store: &dyn DynStore) -> Result<Certain, StoreError> {
        let Self { id, base, record, is_sent } = self;
        let now = record.last_used();
        if *is_sent {
            let unknown = StoreError::new("the task that stored this change was dropped");
            certain::again(store, id, base, record, now, CALL, unknown).await
        } else {
            certain::replace(store, id, base, record, now, CALL).await
        }
    }
}

/// The call that stores a batch.
#[derive(Clone)]
pub(super) struct Call {
    pub(super) id: SessionId,
    pub(super) base: Record,
    pub(super) record: Record,
    /// True if it may have reached the store.
    pub(super) is_sent: bool,
}

/// A batch that is being stored. The call belongs to the line, so it goes on when every request of the batch is
/// dropped.
pub(super) struct Storing {
    pub(super) line: Arc<Line>,
    /// Taken when its outcome is known.
    pub(super) batch: Option<(Vec<Arc<Seat>>, Call)>,
}

impl Storing {
    pub(super) fn new(line: Arc<Line>, riders: Vec<Arc<Seat>>, call: Call) -> Self {
        Self { line, batch: Some((riders, call)) }
    }

    pub(super) fn begin(line: Arc<Line>, batch: Batch) {
        let Batch { base, record, riders, .. } = batch;
        let record = record.written(random_nonce(), &base);
        let call = Call { id: line.id, base, record, is_sent: false };
        let storing = Self::new(line, riders, call);
        // If the runtime shuts down, or if there is none, a rider takes over the call.
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(storing.run());
        }
    }

    pub(super) async fn run(mut self) {
        let Some((_, sent)) = &mut self.batch else { return };
        let call = sent.clone();
        sent.is_sent = true;
        let outcome = call.send(&*self.line.store).await;
        self.settle(Some(outcome));
    }

    pub(super) fn settle(&mut self, outcome: Option<Result<Certain, StoreError>>) {
        if let Some((riders, call)) = self.batch.take() {
            self.line.drive(|state| state.settle(riders, call, outcome));
        }
    }
}

impl Drop for Storing {
    fn drop(&mut self) {
        self.settle(None);
    }
}
