//! The operations on one key.

use std::sync::{Arc, Mutex, PoisonError};

use smallvec::SmallVec;

use super::Edits;
use crate::{
    error::Error,
    store::{Raw, State},
};

/// A key, with the last operation on it.
#[derive(Clone)]
pub(super) struct KeyOp {
    pub(super) key: Raw,
    /// The time of the operation, by [`Edits`]' clock.
    pub(super) at: u64,
    pub(super) what: What,
}

impl KeyOp {
    /// Forgets the steps that a commit of `done` has taken; `loaded` is the state since.
    pub(super) fn settle(&mut self, done: &Edits, loaded: &State) {
        let What::Update(update) = &mut self.what else { return };
        let Update { seen, steps, .. } = &mut **update;
        let count = steps.len();
        steps.retain(|step| step.at > done.clock);
        // What is left was made of what the done steps had made; the commit may have run them again.
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
    /// An insert of the value that was loaded. It is a change only if a renewal ends in a new record.
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
    /// The steps that make it again from another value.
    pub(super) steps: SmallVec<[Step; 1]>,
}

/// One step of an update.
#[derive(Clone)]
pub(super) struct Step {
    pub(super) at: u64,
    pub(super) replay: Replay,
}

/// Makes a raw value from the raw value that is there.
pub(crate) type Make = dyn FnMut(Option<&str>) -> Result<Option<Raw>, Error> + Send;

/// The way in which a step is taken again.
#[derive(Clone)]
pub(crate) enum Replay {
    /// Its closure runs again. It is taken out while it runs: no lock is held then.
    With(Arc<Mutex<Option<Box<Make>>>>),
    /// Its closure cannot run again.
    Never,
}

impl Replay {
    pub(crate) fn with(make: impl FnMut(Option<&str>) -> Result<Option<Raw>, Error> + Send + 'static) -> Self {
        Self::With(Arc::new(Mutex::new(Some(Box::new(make)))))
    }

    /// Returns whether nothing else holds the closure.
    pub(crate) fn is_last(&self) -> bool {
        matches!(self, Self::With(place) if Arc::strong_count(place) == 1)
    }

    /// Runs the closure on the raw value under `key`.
    pub(crate) fn run(&self, key: &str, raw: Option<&str>) -> Result<Option<Raw>, Error> {
        let Self::With(place) = self else { return Err(Error::conflict_on(key)) };
        let taken = place.lock().unwrap_or_else(PoisonError::into_inner).take();
        // The closure is running and has called back into its own session, or it has panicked.
        let Some(mut make) = taken else { return Err(Error::conflict_on(key)) };
        let made = make(raw);
        *place.lock().unwrap_or_else(PoisonError::into_inner) = Some(make);
        made
    }
}
