//! Which calls are disturbed, and how.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use super::{
    call::{Call, Verb},
    gate::{Gate, Posts},
};
use crate::store::StoreError;

/// The calls that came, and what is to happen to those that come.
#[derive(Default)]
pub(super) struct Script {
    pub(super) calls: Vec<Call>,
    entries: Vec<Entry>,
}

struct Entry {
    verb: Verb,
    /// How many calls go undisturbed before.
    skip: usize,
    /// How many are then disturbed.
    times: usize,
    fault: Fault,
}

#[derive(Clone)]
pub(super) enum Fault {
    Fail,
    Undecodable,
    LostReply,
    Latency(Duration),
    Wait(Posts),
    AnswerLate(Posts),
}

impl Script {
    /// Records a call and says what is to happen to it.
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
    pub(super) async fn before(&self) -> Result<(), StoreError> {
        match self {
            Self::Fail => Err(StoreError::new("injected: the store failed")),
            Self::Undecodable => Err(StoreError::undecodable("injected: the record is damaged")),
            Self::Latency(span) => {
                tokio::time::sleep(*span).await;
                Ok(())
            }
            Self::Wait(gate) => {
                gate.wait().await;
                Ok(())
            }
            Self::LostReply | Self::AnswerLate(_) => Ok(()),
        }
    }

    pub(super) async fn after(&self) -> Result<(), StoreError> {
        match self {
            Self::LostReply => Err(StoreError::new("injected: the reply was lost")),
            Self::AnswerLate(gate) => {
                gate.wait().await;
                Ok(())
            }
            Self::Fail | Self::Undecodable | Self::Latency(_) | Self::Wait(_) => Ok(()),
        }
    }
}

/// Which calls a [`FaultStore`](super::FaultStore) disturbs; its last method says how. Several rules for one call all
/// hold, in the order in which they were made.
#[must_use = "a rule needs to know what is to happen"]
pub struct Rule {
    script: Arc<Mutex<Script>>,
    verb: Verb,
    skip: usize,
    times: usize,
}

impl Rule {
    pub(super) fn new(script: Arc<Mutex<Script>>, verb: Verb, skip: usize, times: usize) -> Self {
        Self { script, verb, skip, times }
    }

    /// Holds for so many calls in a row. Default: one, or all for [`FaultStore::every`](super::FaultStore::every).
    pub fn times(self, n: usize) -> Self {
        Self { times: n, ..self }
    }

    /// The call is an error, and the inner store is not asked.
    pub fn fails(self) {
        self.add(Fault::Fail);
    }

    /// The call is the error of a damaged record ([`StoreError::is_undecodable`]), and the inner store is not asked.
    pub fn is_undecodable(self) {
        self.add(Fault::Undecodable);
    }

    /// The inner store does the call, and the answer is an error all the same.
    pub fn loses_its_reply(self) {
        self.add(Fault::LostReply);
    }

    /// The call waits so long before it comes to the inner store, by the clock of `tokio`, which a test may pause.
    pub fn takes(self, span: Duration) {
        self.add(Fault::Latency(span));
    }

    /// The call stands at a gate before it comes to the inner store.
    pub fn waits(self) -> Gate {
        let (gate, posts) = Gate::new();
        self.add(Fault::Wait(posts));
        gate
    }

    /// The inner store does the call, and the answer stands at a gate.
    pub fn answers_late(self) -> Gate {
        let (gate, posts) = Gate::new();
        self.add(Fault::AnswerLate(posts));
        gate
    }

    fn add(self, fault: Fault) {
        let Self { script, verb, skip, times } = self;
        if times > 0 {
            lock(&script).entries.push(Entry { verb, skip, times, fault });
        }
    }
}

impl fmt::Debug for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { script: _, verb, skip, times } = self;
        f.debug_struct("Rule").field("verb", verb).field("skip", skip).field("times", times).finish_non_exhaustive()
    }
}

/// No code of others runs under this lock, so a poisoned one is still whole.
pub(super) fn lock(script: &Mutex<Script>) -> MutexGuard<'_, Script> {
    script.lock().unwrap_or_else(PoisonError::into_inner)
}
