//! The operations on one key.

use std::sync::{Arc, Mutex, PoisonError};

use smallvec::SmallVec;

use super::Edits;
use crate::{
    error::Error,
    store::{Raw, State},
};

/// A key and the last operation on it.
#[derive(Clone)]
pub(super) struct KeyOp {
    pub(super) key: Raw,
    /// The time of the operation, by the clock of [`Edits`].
    pub(super) at: u64,
    pub(super) what: What,
}

impl KeyOp {
    /// Forgets the steps that a commit of `done` has stored. `loaded` is the state since.
    pub(super) fn settle(&mut self, done: &Edits, loaded: &State) {
        let What::Update(update) = &mut self.what else { return };
        let Update { seen, steps, .. } = &mut **update;
        let count = steps.len();
        steps.retain(|step| step.at > done.clock);
        // The remaining steps started from the result of the done ones, which the commit may have run again.
        let base = match done.what(&self.key) {
            _ if steps.len() == count => seen.take(),
            Some(What::Update(done)) => Some(done.made.clone()),
            _ => None,
        };
        *seen = base.filter(|base| base.as_deref() == loaded.get(&self.key));
    }
}

/// The operation on one key.
#[derive(Clone)]
pub(super) enum What {
    Set(Raw),
    /// An insert of the loaded value. It is a change only if a renewal ends in a new record.
    Affirm(Raw),
    Remove,
    Update(Box<Update>),
}

/// A read-modify-write.
#[derive(Clone)]
pub(super) struct Update {
    /// The value that was read: `Some(None)` if the key was absent, `None` if the value was never stored.
    pub(super) seen: Option<Option<Raw>>,
    pub(super) made: Option<Raw>,
    /// The steps that make the new value again from another value.
    pub(super) steps: SmallVec<[Step; 1]>,
}

/// One step of an update.
#[derive(Clone)]
pub(super) struct Step {
    pub(super) at: u64,
    pub(super) replay: Replay,
}

/// Says how a step runs again.
#[derive(Clone)]
pub(crate) enum Replay {
    /// Its closure runs again.
    With(Arc<dyn Rerun>),
    /// It cannot run again.
    Never,
}

impl Replay {
    pub(crate) fn with(make: impl FnMut(Option<&str>) -> Result<Option<Raw>, Error> + Send + 'static) -> Self {
        Self::With(Arc::new(Mutex::new(Some(make))))
    }

    /// Returns true if nothing else holds the closure.
    pub(crate) fn is_last(&self) -> bool {
        matches!(self, Self::With(place) if Arc::strong_count(place) == 1)
    }

    /// Runs the closure on the raw value under `key`.
    pub(crate) fn run(&self, key: &str, raw: Option<&str>) -> Result<Option<Raw>, Error> {
        match self {
            Self::With(closure) => closure.rerun(key, raw),
            Self::Never => Err(Error::conflict_on(key)),
        }
    }
}

/// The place of a closure that makes a raw value from the current raw value. It is one block of memory.
pub(crate) trait Rerun: Send + Sync {
    fn rerun(&self, key: &str, raw: Option<&str>) -> Result<Option<Raw>, Error>;
}

/// The closure is taken out while it runs, so that no lock is held.
impl<F: FnMut(Option<&str>) -> Result<Option<Raw>, Error> + Send> Rerun for Mutex<Option<F>> {
    fn rerun(&self, key: &str, raw: Option<&str>) -> Result<Option<Raw>, Error> {
        let taken = self.lock().unwrap_or_else(PoisonError::into_inner).take();
        // The closure is running and has used its own session, or it has panicked.
        let Some(mut make) = taken else { return Err(Error::conflict_on(key)) };
        let made = make(raw);
        *self.lock().unwrap_or_else(PoisonError::into_inner) = Some(make);
        made
    }
}
