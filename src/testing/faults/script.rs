//! The faults of later calls.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use super::{
    call::{Call, Verb},
    gate::Posts,
    late::Held,
    sent::Arrival,
};
use crate::store::StoreError;

/// The calls that were made, and the faults of later ones.
#[derive(Default)]
pub(super) struct Script {
    pub(super) calls: Vec<Call>,
    entries: Vec<Entry>,
}

pub(super) struct Entry {
    pub(super) verb: Verb,
    /// The number of calls that are not disturbed first.
    pub(super) skip: usize,
    /// The number of calls that are disturbed after those.
    pub(super) times: usize,
    pub(super) fault: Fault,
}

#[derive(Clone)]
pub(super) enum Fault {
    Fail,
    Undecodable,
    LoseReply,
    ArriveLate(Held),
    ArriveTwice(Held),
    Take(Duration),
    Wait(Posts),
    AnswerLate(Posts),
}

impl Script {
    pub(super) fn add(&mut self, entry: Entry) {
        self.entries.push(entry);
    }

    /// Records a call, and returns its faults.
    pub(super) fn enter(&mut self, call: Call) -> Vec<Fault> {
        let mut faults = Vec::new();
        for entry in self.entries.iter_mut().filter(|entry| entry.verb == call.verb) {
            if entry.skip > 0 {
                entry.skip -= 1;
            } else {
                entry.times = entry.times.saturating_sub(1);
                faults.push(entry.fault.clone());
            }
        }
        self.entries.retain(|entry| entry.times > 0);
        self.calls.push(call);
        faults
    }

    pub(super) fn heal(&mut self) {
        self.entries.clear();
    }
}

impl Fault {
    /// Runs before the call is done. `copy` makes the call that arrives later.
    pub(super) async fn before(&self, copy: impl Fn() -> Arrival) -> Result<(), StoreError> {
        match self {
            Self::Fail => return Err(StoreError::not_done("injected: the store failed")),
            Self::Undecodable => return Err(StoreError::undecodable("injected: the record is damaged")),
            Self::ArriveLate(held) => {
                held.hold(copy());
                return Err(StoreError::new("injected: the call is late"));
            }
            Self::Take(span) => tokio::time::sleep(*span).await,
            Self::Wait(gate) => gate.wait().await,
            Self::LoseReply | Self::ArriveTwice(_) | Self::AnswerLate(_) => {}
        }
        Ok(())
    }

    /// Runs after the call is done.
    pub(super) async fn after(&self, copy: impl Fn() -> Arrival) -> Result<(), StoreError> {
        match self {
            Self::LoseReply => return Err(StoreError::new("injected: the reply was lost")),
            Self::ArriveTwice(held) => held.hold(copy()),
            Self::AnswerLate(gate) => gate.wait().await,
            Self::Fail | Self::Undecodable | Self::ArriveLate(_) | Self::Take(_) | Self::Wait(_) => {}
        }
        Ok(())
    }
}

/// Only this module's code runs under this lock, so the data under a poisoned lock is intact.
pub(super) fn lock(script: &Mutex<Script>) -> MutexGuard<'_, Script> {
    script.lock().unwrap_or_else(PoisonError::into_inner)
}
