//! A member of the queue: one request that writes.

use std::{
    cell::Cell,
    future::Future,
    pin::Pin,
    sync::{
        Arc, Weak,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
    time::Duration,
};

use super::{
    Bug, Does, STOP,
    gate::Gate,
    records::{add, marks, start},
};
use crate::{
    SessionId,
    store::{
        DynStore, Record, Timestamp,
        certain::{Certain, replace},
        dice,
        queue::{Queue, Seat, Written},
        random_nonce,
    },
};

const ID: SessionId = SessionId::from_bytes([7; 16]);
const PATIENCE: Duration = Duration::from_secs(600);

thread_local! {
    /// The member that is polled.
    static POLLED: Cell<Option<u8>> = const { Cell::new(None) };
    static HAS_STRAYED: Cell<bool> = const { Cell::new(false) };
}

/// Returns true if a closure ran while another member was polled, since the last call of this function.
pub(super) fn has_strayed() -> bool {
    HAS_STRAYED.replace(false)
}

/// The outcome of a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Outcome {
    Done,
    /// It decided against a change, on the record of this nonce.
    Declined(u64),
    Gone,
    Late,
    Failed {
        is_unknown: bool,
    },
}

/// A waker that notes that its member can go on.
#[derive(Default)]
struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

pub(super) struct Member {
    at: u8,
    future: Option<Pin<Box<dyn Future<Output = Outcome>>>>,
    flag: Arc<Flag>,
    pub(super) outcome: Option<Outcome>,
    pub(super) is_started: bool,
    /// Its place in the line, when it is known. It does not keep the place taken.
    seat: Option<Weak<Seat>>,
}

impl Member {
    pub(super) fn new(does: Does, at: u8, queue: Arc<Queue>, gate: Gate, bug: Option<Bug>) -> Self {
        Self {
            at,
            future: Some(Box::pin(commit(does, at, queue, gate, bug))),
            flag: Arc::default(),
            outcome: None,
            is_started: false,
            seat: None,
        }
    }

    /// Polls it once, if it has not ended.
    pub(super) fn poll(&mut self) {
        let Some(future) = &mut self.future else { return };
        self.is_started = true;
        self.flag.0.store(false, Ordering::Relaxed);
        let waker = Waker::from(Arc::clone(&self.flag));
        POLLED.set(Some(self.at));
        let polled = future.as_mut().poll(&mut Context::from_waker(&waker));
        POLLED.set(None);
        if let Poll::Ready(outcome) = polled {
            (self.outcome, self.future) = (Some(outcome), None);
        }
    }

    /// Drops its request.
    pub(super) fn drop_future(&mut self) {
        self.future = None;
    }

    /// Returns true if it has ended, or was dropped.
    pub(super) fn is_over(&self) -> bool {
        self.future.is_none()
    }

    pub(super) fn is_woken(&self) -> bool {
        self.flag.0.load(Ordering::Relaxed)
    }

    pub(super) fn has(&self, seat: &Arc<Seat>) -> bool {
        self.seat.as_ref().is_some_and(|known| known.as_ptr() == Arc::as_ptr(seat))
    }

    /// Returns true if it may be in the line, in a place that is not known yet.
    pub(super) fn lacks_seat(&self) -> bool {
        self.is_started && self.seat.is_none()
    }

    pub(super) fn take_seat(&mut self, seat: &Arc<Seat>) {
        self.seat = Some(Arc::downgrade(seat));
    }

    /// Forgets the place that it has left. If it begins again, it gets another one.
    pub(super) fn forget_left_seat(&mut self) {
        self.seat.take_if(|seat| seat.strong_count() == 0);
    }
}

/// A commit like the one of `commit/write.rs`, reduced to its place in the queue.
async fn commit(does: Does, at: u8, queue: Arc<Queue>, gate: Gate, bug: Option<Bug>) -> Outcome {
    let store: Arc<dyn DynStore> = Arc::new(gate);
    let (mut base, mut has_failed) = (start_again(), false);
    loop {
        if does == Does::Alone {
            return alone(at, base, &queue, &store).await;
        }
        let mut seen = None;
        let change = |found: &Record| {
            if POLLED.get() != Some(at) {
                HAS_STRAYED.set(true);
            }
            seen = Some(found.nonce());
            let declines = does == Does::Decline && marks(found).contains(&STOP);
            (!declines).then(|| add(found, at).written(random_nonce(), found))
        };
        match queue.combine(&store, ID, base, PATIENCE, change).await {
            Ok(Written::Done(_)) => return Outcome::Done,
            Ok(Written::Declined) if bug == Some(Bug::TrustsTheBatch) && does == Does::Decline => {
                return Outcome::Declined(seen.unwrap_or_default());
            }
            // A decision not to write must be made on a stored record.
            Ok(Written::Declined) => match store.load(&ID).await {
                Ok(Some(found)) if does == Does::Decline && marks(&found).contains(&STOP) => {
                    return Outcome::Declined(found.nonce());
                }
                Ok(Some(found)) => base = found,
                Ok(None) => return Outcome::Gone,
                Err(error) => return Outcome::Failed { is_unknown: error.is_unknown() },
            },
            Ok(Written::Gone) => return Outcome::Gone,
            Ok(Written::Late) => return Outcome::Late,
            // A later save of the same handle.
            Err(error) if does == Does::SaveAgain && error.is_not_done() && !has_failed => {
                has_failed = true;
                base = start_again();
            }
            Err(error) => return Outcome::Failed { is_unknown: error.is_unknown() },
        }
    }
}

/// Returns the record that the member had loaded at the beginning.
fn start_again() -> Record {
    dice::with(1, start)
}

async fn alone(at: u8, base: Record, queue: &Arc<Queue>, store: &Arc<dyn DynStore>) -> Outcome {
    let Some(mut turn) = queue.alone(store, ID, base, PATIENCE).await else { return Outcome::Late };
    loop {
        let base = turn.base().clone();
        let record = add(&base, at).written(random_nonce(), &base);
        match replace(&**store, &ID, &base, &record, Timestamp::default(), PATIENCE).await {
            Ok(Certain::Done(later)) => {
                turn.leave(later.unwrap_or(record));
                return Outcome::Done;
            }
            Ok(Certain::Changed(found)) => turn.leave(found),
            Ok(Certain::Gone) => return Outcome::Gone,
            Err(error) => return Outcome::Failed { is_unknown: error.is_unknown() },
        }
    }
}
