//! The queue of the writers of one session, in one process.
//!
//! Compare-and-set alone makes little progress under load: of a hundred writers one succeeds, and the others try again.
//! So writers that lost a race wait here, and are written together in a batch. Each writer gets its turn, and applies
//! its own function to the record that the previous writer left. The store gets the last record only. The batch has one
//! nonce and one outcome.

use std::{
    collections::HashMap,
    future::Future,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{
    runtime::Handle,
    sync::Notify,
    time::{Instant, timeout},
};

use self::{
    line::{Batch, Fate, Line, Rides, Seat, State, TURN},
    storing::Storing,
};
use super::{DynStore, StoreError};
use crate::store::{Record, SessionId};

mod line;
mod storing;

/// The queues of a layer's sessions. Clones of the layer share it. A session without concurrent writers has no queue.
#[derive(Default)]
pub(crate) struct Queue {
    lines: Mutex<HashMap<SessionId, Arc<Line>>>,
    count: AtomicUsize,
}

/// The outcome for a member of the queue.
#[derive(Clone, Debug)]
pub(crate) enum Written {
    /// Its change is stored, in this record. The stored record may be a later one.
    Done(Record),
    /// The member declined to change the record that it was given. That record may never have been stored, so the member must
    /// load before it decides.
    Declined,
    /// The record does not exist any more.
    Gone,
    /// The member's turn did not come in time, or the queue is full.
    Late,
}

impl Queue {
    /// Returns whether writers of this session wait already. Costs one atomic read if none wait for any session.
    pub(crate) fn is_busy(&self, id: &SessionId) -> bool {
        self.count.load(Ordering::Acquire) > 0 && self.lines().contains_key(id)
    }

    /// Waits for the member's turn, applies `change` to the record of the batch, and waits until the batch is stored. `change`
    /// runs again if the batch lost its race. It returns `None` to decline.
    pub(crate) async fn combine(
        self: &Arc<Self>,
        store: &Arc<dyn DynStore>,
        id: SessionId,
        base: Record,
        patience: Duration,
        mut change: impl FnMut(&Record) -> Option<Record>,
    ) -> Result<Written, StoreError> {
        let Some(mut member) = self.join(store, id, base, Rides::Together, patience) else {
            return Ok(Written::Late);
        };
        loop {
            match member.next().await {
                Next::Turn(mut turn) => {
                    let batch = &mut turn.batch;
                    let Some(record) = change(&batch.record) else {
                        // This member must decide on a stored record, so the batch is stored before another member
                        // joins.
                        batch.is_closed = !batch.riders.is_empty();
                        return Ok(Written::Declined);
                    };
                    batch.record = record;
                    batch.riders.push(Arc::clone(&member.seat));
                }
                Next::Fate(Fate::Done(record)) => return Ok(Written::Done(record)),
                Next::Fate(Fate::Gone) => return Ok(Written::Gone),
                Next::Fate(Fate::Failed(error)) => return Err(error),
                Next::Fate(Fate::Lost(riders, call)) => {
                    Storing::new(Arc::clone(&member.line), riders, call).run().await;
                }
                Next::Late => return Ok(Written::Late),
            }
        }
    }

    /// Waits until no other member writes this session. Returns `None` if that takes longer than `patience`. The other
    /// members wait until the returned turn is dropped.
    pub(crate) async fn alone(
        self: &Arc<Self>,
        store: &Arc<dyn DynStore>,
        id: SessionId,
        base: Record,
        patience: Duration,
    ) -> Option<Alone> {
        let mut member = self.join(store, id, base, Rides::Alone, patience)?;
        match member.next().await {
            Next::Turn(turn) => Some(Alone { turn, _member: member }),
            Next::Fate(_) | Next::Late => None,
        }
    }

    fn join(
        self: &Arc<Self>,
        store: &Arc<dyn DynStore>,
        id: SessionId,
        base: Record,
        rides: Rides,
        patience: Duration,
    ) -> Option<Member> {
        let seat = Arc::new(Seat { rides, wake: Notify::new(), has_left: AtomicBool::new(false) });
        let mut lines = self.lines();
        let line = lines.entry(id).or_insert_with(|| {
            self.count.fetch_add(1, Ordering::Release);
            let (queue, store) = (Arc::clone(self), Arc::clone(store));
            Arc::new(Line { queue, store, id, state: Mutex::new(State::new(base)) })
        });
        let line = Arc::clone(line);
        // A line is taken out of the queue only while it is locked and has no members.
        let is_seated = line.state().seat(&seat);
        drop(lines);
        line.drive(|_| ());
        is_seated.then(|| Member { line, seat, until: Instant::now() + patience.min(Duration::from_secs(3600)) })
    }

    fn lines(&self) -> MutexGuard<'_, HashMap<SessionId, Arc<Line>>> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The turn of a writer whose change is not combined with others. The other members wait until it is dropped.
pub(crate) struct Alone {
    turn: Turn,
    _member: Member,
}

impl Alone {
    /// Returns the record that was stored last, as far as the queue knows.
    pub(crate) fn base(&self) -> &Record {
        &self.turn.batch.base
    }

    /// Tells the waiting members which record was stored last.
    pub(crate) fn leave(&mut self, record: Record) {
        self.turn.batch = Batch::of(record);
    }
}

/// A writer in a line. It leaves the line when it is dropped.
struct Member {
    line: Arc<Line>,
    seat: Arc<Seat>,
    until: Instant,
}

enum Next {
    Turn(Turn),
    Fate(Fate),
    Late,
}

impl Member {
    async fn next(&mut self) -> Next {
        loop {
            let found = self.line.state().poll(&self.seat);
            match found {
                Some(Ok(batch)) => {
                    let turn = Turn { line: Arc::clone(&self.line), batch };
                    // The turn may come too late, if writers of other processes are faster each time. It then goes on
                    // to the next member.
                    return if Instant::now() < self.until { Next::Turn(turn) } else { Next::Late };
                }
                Some(Err(fate)) => return Next::Fate(fate),
                None => {}
            }
            let is_waiting = self.line.state().waiting.iter().any(|other| Arc::ptr_eq(other, &self.seat));
            let left = if is_waiting { self.until.saturating_duration_since(Instant::now()) } else { TURN };
            if left.is_zero() {
                return Next::Late;
            }
            wait(self.seat.wake.notified(), left.min(TURN)).await;
            self.line.drive(|state| state.skip_idle(&self.seat));
        }
    }
}

/// Waits for a notification, for at most `longest`. Without a runtime there is no timer, and no limit.
async fn wait(notified: impl Future<Output = ()>, longest: Duration) {
    match Handle::try_current() {
        Ok(_) => drop(timeout(longest, notified).await),
        Err(_) => notified.await,
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        self.line.drive(|state| state.leave(&self.seat));
        self.line.close();
    }
}

/// A member's turn with the batch. When it is dropped, the batch goes to the next member, or to the store.
struct Turn {
    line: Arc<Line>,
    batch: Batch,
}

impl Drop for Turn {
    fn drop(&mut self) {
        let base = self.batch.base.clone();
        let batch = std::mem::replace(&mut self.batch, Batch::of(base));
        self.line.drive(|state| state.put(batch));
    }
}

#[cfg(test)]
#[path = "../model/queue.rs"]
mod model;
#[cfg(test)]
mod tests;
