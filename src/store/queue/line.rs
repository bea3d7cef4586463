//! The writers of one session, as a state machine without I/O.
//!
//! [`State::poll`], [`State::full_batch`] and [`State::settle`] return the next step.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::{sync::Notify, time::Instant};

use super::{
    Queue,
    storing::{Call, Storing},
};
use crate::store::{DynStore, Record, SessionId, StoreError, certain::Certain};

/// The largest number of changes in one write.
pub(super) const MOST_RIDERS: usize = 256;
/// The largest number of members that wait for one session.
pub(super) const MOST_WAITING: usize = 4096;
/// The time that the queue waits for a member to take its turn. A request that is not polled must not stop the others.
pub(super) const TURN: Duration = Duration::from_millis(250);

/// The writers of one session.
pub(super) struct Line {
    pub(super) queue: Arc<Queue>,
    pub(super) store: Arc<dyn DynStore>,
    pub(super) id: SessionId,
    pub(super) state: Mutex<State>,
}

pub(super) struct State {
    /// In the order in which they get their turns.
    pub(super) waiting: VecDeque<Arc<Seat>>,
    /// Members that did not take their turn. They wait again when they are polled.
    pub(super) idle: Vec<Arc<Seat>>,
    /// The batch that waits for its next member, and since when. `None` while a member has the batch, or while it is
    /// being stored.
    pub(super) batch: Option<(Batch, Instant)>,
    /// The fates of members whose batch has ended.
    pub(super) fates: Vec<(Arc<Seat>, Fate)>,
    /// The number of members in the line.
    pub(super) members: usize,
}

/// A place in a line.
pub(super) struct Seat {
    pub(super) rides: Rides,
    pub(super) wake: Notify,
    /// Read and written under the lock of the line.
    pub(super) has_left: AtomicBool,
}

impl Seat {
    pub(super) fn is_taken(&self) -> bool {
        !self.has_left.load(Ordering::Relaxed)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rides {
    Together,
    Alone,
}

/// Changes that are stored together.
pub(super) struct Batch {
    /// The record to be replaced.
    pub(super) base: Record,
    /// The record that the last rider left.
    pub(super) record: Record,
    /// The members whose changes are in the record.
    pub(super) riders: Vec<Arc<Seat>>,
    /// True if no other member can join.
    pub(super) is_closed: bool,
}

impl Batch {
    pub(super) fn of(base: Record) -> Self {
        Self { record: base.clone(), base, riders: Vec::new(), is_closed: false }
    }
}

/// The outcome of a batch.
#[derive(Clone)]
pub(super) enum Fate {
    Done(Record),
    Gone,
    Failed(StoreError),
    /// The task that made the call was dropped. One of these riders makes the call again, for all of them.
    Lost(Vec<Arc<Seat>>, Call),
}

impl Line {
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the state, and does the next step.
    pub(super) fn drive(self: &Arc<Self>, change: impl FnOnce(&mut State)) {
        let batch = {
            let mut state = self.state();
            change(&mut state);
            state.full_batch()
        };
        if let Some(batch) = batch {
            Storing::begin(Arc::clone(self), batch);
        }
    }

    /// Removes the line from the queue if it has no members.
    pub(super) fn close(&self) {
        let mut lines = self.queue.lines();
        if self.state().members == 0 && lines.get(&self.id).is_some_and(|line| std::ptr::eq(Arc::as_ptr(line), self)) {
            lines.remove(&self.id);
            self.queue.count.fetch_sub(1, Ordering::Release);
        }
    }
}

impl State {
    pub(super) fn new(base: Record) -> Self {
        let batch = Some((Batch::of(base), Instant::now()));
        Self { waiting: VecDeque::new(), idle: Vec::new(), batch, fates: Vec::new(), members: 0 }
    }

    pub(super) fn seat(&mut self, seat: &Arc<Seat>) -> bool {
        let has_room = self.members < MOST_WAITING;
        if has_room {
            self.members += 1;
            self.waiting.push_back(Arc::clone(seat));
        }
        has_room
    }

    /// Returns the member's fate, or the batch if it is the member's turn.
    pub(super) fn poll(&mut self, seat: &Arc<Seat>) -> Option<Result<Batch, Fate>> {
        if let Some(at) = self.fates.iter().position(|(other, _)| Arc::ptr_eq(other, seat)) {
            return Some(Err(self.fates.swap_remove(at).1));
        }
        if let Some(at) = self.idle.iter().position(|other| Arc::ptr_eq(other, seat)) {
            self.waiting.push_back(self.idle.swap_remove(at));
        }
        let is_first = self.waiting.front().is_some_and(|first| Arc::ptr_eq(first, seat));
        let (batch, _) = if is_first { self.batch.take()? } else { return None };
        self.waiting.pop_front();
        Some(Ok(batch))
    }

    /// Starts or continues a batch.
    pub(super) fn put(&mut self, batch: Batch) {
        self.batch = Some((batch, Instant::now()));
    }

    /// Takes the batch if no other member can join it, so that it must be stored. Otherwise wakes the first member,
    /// whose turn it is.
    pub(super) fn full_batch(&mut self) -> Option<Batch> {
        let (batch, _) = self.batch.as_ref()?;
        let is_followed = self.waiting.front().is_some_and(|next| next.rides == Rides::Together);
        let takes_more = is_followed && !batch.is_closed && batch.riders.len() < MOST_RIDERS;
        if !batch.riders.is_empty() && !takes_more {
            return self.batch.take().map(|(batch, _)| batch);
        }
        self.wake_first();
        None
    }

    /// Records the outcome of a batch, and begins the next batch.
    pub(super) fn settle(
        &mut self,
        mut riders: Vec<Arc<Seat>>,
        call: Call,
        outcome: Option<Result<Certain, StoreError>>,
    ) {
        riders.retain(|rider| rider.is_taken());
        let Some(outcome) = outcome else { return self.hand_over(riders, call) };
        let base = match &outcome {
            Ok(Certain::Done(None)) => call.record.clone(),
            Ok(Certain::Done(Some(found)) | Certain::Changed(found)) => found.clone(),
            Ok(Certain::Gone) | Err(_) => call.base,
        };
        let fate = match outcome {
            Ok(Certain::Done(_)) => Fate::Done(call.record),
            Ok(Certain::Changed(_)) => {
                // They apply their changes again, before members that came later.
                for rider in riders.into_iter().rev() {
                    self.waiting.push_front(rider);
                }
                self.put(Batch::of(base));
                return;
            }
            Ok(Certain::Gone) => Fate::Gone,
            Err(error) => Fate::Failed(error),
        };
        for rider in riders {
            rider.wake.notify_one();
            self.fates.push((rider, fate.clone()));
        }
        self.put(Batch::of(base));
    }

    /// Lets the first of these members make the call. If all of them have left, the batch is dropped, because no
    /// response waits for it.
    pub(super) fn hand_over(&mut self, mut riders: Vec<Arc<Seat>>, call: Call) {
        riders.retain(|rider| rider.is_taken());
        match riders.first().cloned() {
            Some(first) => {
                first.wake.notify_one();
                self.fates.push((first, Fate::Lost(riders, call)));
            }
            None => self.put(Batch::of(call.base)),
        }
    }

    /// Takes the turn from the first member if it does not use it. The batch may then have to be stored.
    pub(super) fn skip_idle(&mut self, seat: &Arc<Seat>) {
        let Some((_, since)) = self.batch.as_mut().filter(|(_, since)| since.elapsed() >= TURN) else { return };
        if self.waiting.front().is_some_and(|first| !Arc::ptr_eq(first, seat)) {
            *since = Instant::now();
            self.idle.extend(self.waiting.pop_front());
        }
    }

    /// Removes a member from the line.
    pub(super) fn leave(&mut self, seat: &Arc<Seat>) {
        seat.has_left.store(true, Ordering::Relaxed);
        self.members -= 1;
        self.waiting.retain(|other| !Arc::ptr_eq(other, seat));
        self.idle.retain(|other| !Arc::ptr_eq(other, seat));
        let fate = self.fates.iter().position(|(other, _)| Arc::ptr_eq(other, seat));
        if let Some((_, Fate::Lost(riders, call))) = fate.map(|at| self.fates.swap_remove(at)) {
            self.hand_over(riders, call);
        }
    }

    pub(super) fn wake_first(&self) {
        if let (Some(_), Some(first)) = (&self.batch, self.waiting.front()) {
            first.wake.notify_one();
        }
    }
}
