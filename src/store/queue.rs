//! The queue of the writers of one session, in one process.
//!
//! Compare-and-set alone makes no progress under load: of a hundred writers one succeeds, and the others come back. Writers
//! that lost a race wait here, and are written together: each applies its change to the record that the one before it left,
//! by its own function, when its turn comes; the last one's record is sent. The batch has one nonce and one fate.

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
use crate::{record::Record, token::SessionId};

mod line;
mod storing;

/// The queues of a layer's sessions. Clones of the layer share it; a session that is not written twice at once has none.
#[derive(Default)]
pub(crate) struct Queue {
    lines: Mutex<HashMap<SessionId, Arc<Line>>>,
    count: AtomicUsize,
}

/// What became of a member of the queue.
#[derive(Clone, Debug)]
pub(crate) enum Written {
    /// Its change is stored, in this record. It may be older than the one that the store has.
    Done(Record),
    /// It declined to change the record that its turn came with. That one may never have been stored: the member has to
    /// load before it decides.
    Declined,
    /// There is no record any more.
    Gone,
    /// Its turn did not come in time, or too many wait.
    Late,
}

impl Queue {
    /// Whether writers of this session wait already. Costs one atomic read where nobody waits at all.
    pub(crate) fn is_busy(&self, id: &SessionId) -> bool {
        self.count.load(Ordering::Acquire) > 0 && self.lines().contains_key(id)
    }

    /// Writes `change` of the record that is there when its turn comes, together with the changes of others. `change` runs
    /// once for each record that it is asked about; it answers `None` to decline.
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
                        // It comes back to decide on a stored record, so this one is stored before others ride along.
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

    /// Waits until nobody else of this process writes this session; `None` if that took too long. It lasts until the turn is
    /// dropped.
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
        // Under the lock of the lines: a line is taken out only when nobody is in it.
        let is_seated = line.state().seat(&seat);
        drop(lines);
        line.drive(|_| ());
        is_seated.then(|| Member { line, seat, until: Instant::now() + patience.min(Duration::from_secs(3600)) })
    }

    fn lines(&self) -> MutexGuard<'_, HashMap<SessionId, Arc<Line>>> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The turn of a writer that goes alone. The others wait until it is dropped.
pub(crate) struct Alone {
    turn: Turn,
    _member: Member,
}

impl Alone {
    /// The record that was stored last, as far as the queue knows.
    pub(crate) fn base(&self) -> &Record {
        &self.turn.batch.base
    }

    /// Tells those who wait which record was stored last.
    pub(crate) fn leave(&mut self, record: Record) {
        self.turn.batch = Batch::of(record);
    }
}

/// A writer in a line. Dropped, it leaves.
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
                    // Writers of other processes may be faster each time: a turn that comes too late goes on to the next one.
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

/// Waits, but not for longer than this: if there is a runtime, which has timers then.
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

/// A member's turn with the batch. Dropped, the batch goes on to the next one, or to the store.
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
