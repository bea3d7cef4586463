//! What comes of operations, over the state that is there.

use std::sync::PoisonError;

use smallvec::SmallVec;

use super::{Act, KeyOp, Ops, Replay, SharedOps, Step, What};
use crate::{
    changes::{Delta, KeyChange, Seen},
    error::Error,
    raw::Raw,
    state::{Run, State},
};

impl Ops {
    /// Runs updates again that had seen another value than `base` has.
    pub(crate) fn replay(this: &mut SharedOps, base: &State) -> Result<(), Error> {
        let base = if this.cleared.is_some() { State::empty() } else { base };
        for at in 0..this.keys.len() {
            let Some(KeyOp { key, what: What::Update(update), .. }) = this.keys.get(at) else { continue };
            let found = base.get(key);
            if update.seen.as_ref().map(Option::as_deref) == Some(found) {
                continue;
            }
            let again = replay(key, found, &update.steps)?;
            if let Some(KeyOp { what: What::Update(update), .. }) = SharedOps::make_mut(this).keys.get_mut(at) {
                (update.seen, update.made) = (Some(found.map(Raw::new)), again);
            }
        }
        Ok(())
    }

    /// Whether anything becomes of the keys of `base`.
    pub(crate) fn changes(&self, base: &State) -> bool {
        self.cleared.is_some() || self.results().any(|(op, value)| !base.has(&op.key, value))
    }

    /// What becomes of them.
    pub(crate) fn delta(&self, base: &State) -> Delta {
        let clear = self.cleared.is_some();
        let base = if clear { State::empty() } else { base };
        let mut keys = SmallVec::with_capacity(self.keys.len());
        for (KeyOp { key, what, .. }, value) in self.results() {
            if base.has(key, value) {
                continue;
            }
            let seen = match what {
                What::Update(update) => Seen::Exactly(update.seen.clone().flatten()),
                What::Set(_) | What::Affirm(_) | What::Remove => Seen::Anything,
            };
            keys.push(KeyChange { key: key.clone(), seen, value: value.cloned() });
        }
        Delta { clear, keys }
    }

    /// The state of a session of which nothing was there before.
    pub(crate) fn alone(&self) -> State {
        let mut runs = SmallVec::<[_; 16]>::new();
        for (op, value) in self.results() {
            if let Some(value) = value {
                runs.push(Run::New(op.key.as_bytes(), value.as_bytes()));
            }
        }
        State::pack(&runs)
    }

    /// Everything that was written, with what is to be there.
    fn results(&self) -> impl Iterator<Item = (&KeyOp, Option<&Raw>)> {
        self.keys.iter().filter_map(|op| match &op.what {
            What::Set(value) => Some((op, Some(value))),
            What::Affirm(value) => (self.act == Act::Renew).then_some((op, Some(value))),
            What::Remove => Some((op, None)),
            What::Update(update) => Some((op, update.made.as_ref())),
        })
    }
}

/// Takes every step again, from the value that is there now.
fn replay(key: &str, found: Option<&str>, steps: &[Step]) -> Result<Option<Raw>, Error> {
    let mut made = found.map(Raw::new);
    for step in steps {
        made = match &step.replay {
            Replay::With(make) => make.lock().unwrap_or_else(PoisonError::into_inner)(made.as_deref())?,
            Replay::Never => return Err(Error::conflict_on(key)),
        };
    }
    Ok(made)
}
