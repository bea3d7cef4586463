//! The rules that say which calls are disturbed, and how.

use std::{
    fmt,
    sync::{Arc, Mutex},
    time::Duration,
};

use super::{
    call::Verb,
    gate::Gate,
    late::Late,
    script::{Entry, Fault, Script, lock},
};
#[cfg(doc)]
use crate::store::StoreError;

/// Selects the calls that a [`FaultStore`](super::FaultStore) disturbs. The last method sets the fault.
///
/// If several rules select one call, all of them apply, in the order in which they were made, until one of them returns
/// an error.
#[must_use = "a rule has no effect until one of its last methods is called"]
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

    /// Applies to `n` calls in a row. Default: one, or all for [`FaultStore::every`](super::FaultStore::every).
    pub fn times(self, n: usize) -> Self {
        Self { times: n, ..self }
    }

    /// Fails the call before it is sent. The error promises that nothing was done ([`StoreError::not_done`]).
    pub fn fails(self) {
        self.add(Fault::Fail);
    }

    /// Fails the call with the error for a damaged record ([`StoreError::undecodable`]). Nothing is done.
    pub fn is_undecodable(self) {
        self.add(Fault::Undecodable);
    }

    /// Does the call, and returns an error of unknown outcome ([`StoreError::new`]).
    pub fn loses_its_reply(self) {
        self.add(Fault::LoseReply);
    }

    /// Holds the call back, and returns an error of unknown outcome at once ([`StoreError::new`]). The call is done
    /// when the test calls [`Late::arrives`].
    pub fn arrives_late(self) -> Late {
        let (late, held) = Late::new();
        self.add(Fault::ArriveLate(held));
        late
    }

    /// Does the call, and returns its reply. A copy of it is done when the test calls [`Late::arrives`].
    pub fn arrives_twice(self) -> Late {
        let (late, held) = Late::new();
        self.add(Fault::ArriveTwice(held));
        late
    }

    /// Waits for `span` before the call is done, by the clock of `tokio`, which a test may pause.
    pub fn takes(self, span: Duration) {
        self.add(Fault::Take(span));
    }

    /// Holds the call at a gate before it is done.
    pub fn waits(self) -> Gate {
        let (gate, posts) = Gate::new();
        self.add(Fault::Wait(posts));
        gate
    }

    /// Does the call, and holds its reply at a gate.
    pub fn answers_late(self) -> Gate {
        let (gate, posts) = Gate::new();
        self.add(Fault::AnswerLate(posts));
        gate
    }

    fn add(self, fault: Fault) {
        let Self { script, verb, skip, times } = self;
        if times > 0 {
            lock(&script).add(Entry { verb, skip, times, fault });
        }
    }
}

impl fmt::Debug for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { script: _, verb, skip, times } = self;
        f.debug_struct("Rule").field("verb", verb).field("skip", skip).field("times", times).finish_non_exhaustive()
    }
}
