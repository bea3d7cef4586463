//! Applies a request's operations to a state.

use std::collections::BTreeMap;

use smallvec::SmallVec;

use super::{Edits, KeyOp, SharedEdits, Step, What};
use crate::{
    error::Error,
    store::{Raw, Run, State},
};

/// Another request changed the key that an update read, and the update must not see the new value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Overtaken;

impl Edits {
    /// Runs those updates again that read a value that `base` does not have.
    pub(crate) fn replay(this: &mut SharedEdits, base: &State) -> Result<(), Error> {
        let base = if this.hides_keys() { State::empty() } else { base };
        for at in 0..this.keys.len() {
            let Some(KeyOp { key, what: What::Update(update), .. }) = this.keys.get(at) else { continue };
            if update.seen.as_ref().is_some_and(|seen| base.has(key, seen.as_ref())) {
                continue;
            }
            let found = base.get(key);
            let again = replay(key, found, &update.steps)?;
            if let Some(KeyOp { what: What::Update(update), .. }) = SharedEdits::make_mut(this).keys.get_mut(at) {
                (update.seen, update.made) = (Some(found.map(Raw::new)), again);
            }
        }
        Ok(())
    }

    /// Returns `base` with these operations applied, or `None` if it does not change. With `affirms`, an insert of the
    /// loaded value counts as a write.
    pub(crate) fn applied(&self, base: &State, affirms: bool) -> Option<State> {
        let hides = self.hides_keys();
        let mut changed = Changed::of(if hides { State::empty() } else { base });
        self.written_keys(affirms).for_each(|(key, value)| changed.write(key, value));
        (changed.differs || (hides && !base.is_empty())).then(|| changed.packed())
    }

    /// Returns `now` with these operations applied, if a renewal overtook the request, which had loaded `seen`. Keys
    /// that changed since keep their newer value. A clear removes the keys that the request saw.
    pub(crate) fn merged(&self, seen: &State, now: &State, affirms: bool) -> Result<Option<State>, Overtaken> {
        let is_unchanged = |key: &str| seen.get(key) == now.get(key);
        let mut changes: BTreeMap<&str, Option<&Raw>> = BTreeMap::new();
        if self.hides_keys() {
            changes.extend(seen.iter().map(|(key, _)| key).filter(|key| is_unchanged(key)).map(|key| (key, None)));
        }
        for op in &self.keys {
            if matches!(op.what, What::Update(_)) && !is_unchanged(&op.key) {
                return Err(Overtaken);
            }
        }
        changes.extend(
            self.written_keys(affirms).map(|(key, value)| (&**key, value)).filter(|(key, _)| is_unchanged(key)),
        );
        let mut merged = Changed::of(now);
        for (key, value) in changes {
            merged.write(key, value);
        }
        Ok(merged.differs.then(|| merged.packed()))
    }

    /// Returns true if a new session would get a key.
    pub(crate) fn inserts(&self, affirms: bool) -> bool {
        self.written_keys(affirms).any(|(_, value)| value.is_some())
    }

    /// Returns the state of a new session: the request's own inserts.
    pub(crate) fn alone(&self) -> State {
        let mut runs = SmallVec::<[Run<'_>; 16]>::new();
        for (key, value) in self.written_keys(true) {
            runs.extend(value.map(|value| Run::New(key.as_bytes(), value.as_bytes())));
        }
        State::pack(&runs)
    }

    /// Returns every key that was written, with its new value, in the order of the keys.
    fn written_keys(&self, affirms: bool) -> impl Iterator<Item = (&Raw, Option<&Raw>)> {
        self.keys.iter().filter_map(move |op| match &op.what {
            What::Set(value) => Some((&op.key, Some(value))),
            What::Affirm(value) => affirms.then_some((&op.key, Some(value))),
            What::Remove => Some((&op.key, None)),
            What::Update(update) => Some((&op.key, update.made.as_ref())),
        })
    }
}

/// A state with changes, which come in the order of the keys, each key once.
struct Changed<'a> {
    kept: &'a State,
    /// The place of the first kept entry that is not in `runs` yet.
    next: usize,
    runs: SmallVec<[Run<'a>; 8]>,
    differs: bool,
}

impl<'a> Changed<'a> {
    fn of(kept: &'a State) -> Self {
        Self { kept, next: 0, runs: SmallVec::new(), differs: false }
    }

    /// Sets a key, or removes it. A value that the state has is no change.
    fn write(&mut self, key: &'a str, value: Option<&'a Raw>) {
        let place = self.kept.place(key.as_bytes());
        if self.kept.value_at(place) == value.map(|value| value.as_bytes()) {
            return;
        }
        self.differs = true;
        let (Ok(at) | Err(at)) = place;
        self.keep_until(at);
        self.next = at + usize::from(place.is_ok());
        if let Some(value) = value {
            self.runs.push(Run::New(key.as_bytes(), value.as_bytes()));
        }
    }

    fn keep_until(&mut self, at: usize) {
        if self.next < at {
            self.runs.push(self.kept.run(self.next, at));
        }
    }

    fn packed(&mut self) -> State {
        self.keep_until(self.kept.len());
        State::pack(&self.runs)
    }
}

/// Runs all steps again, from the value that is stored now.
fn replay(key: &str, found: Option<&str>, steps: &[Step]) -> Result<Option<Raw>, Error> {
    let mut made = found.map(Raw::new);
    for step in steps {
        made = step.replay.run(key, made.as_deref())?;
    }
    Ok(made)
}
