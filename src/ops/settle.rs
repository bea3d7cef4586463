//! Operations and their commits: what is begun, what is done, and what nobody knows.

use std::sync::Arc;

use smallvec::SmallVec;

use super::{Act, KeyOp, Ops, What};
use crate::{
    error::Error,
    state::State,
    token::{Secret, random},
};

/// How many commits without an answer are remembered: more in a row are a store that is down.
const UNANSWERED: usize = 4;

impl Ops {
    /// Begins a commit of what was asked for so far: it gets a name of its own, and a secret. Until it is settled it may
    /// be done or not: its answer may be an error, or nobody may wait for it any more.
    pub(crate) fn begin(&mut self) -> Arc<Self> {
        self.nonce = u64::from_le_bytes(random());
        if self.act == Act::Renew {
            self.secret.get_or_insert_with(Secret::random);
        }
        let asked = Arc::new(Self { unanswered: SmallVec::new(), ..self.clone() });
        self.unanswered.push(Arc::clone(&asked));
        if self.unanswered.len() > UNANSWERED {
            self.unanswered.remove(0);
        }
        asked
    }

    /// The random number that names this commit.
    pub(crate) fn nonce(&self) -> u64 {
        self.nonce
    }

    /// What a renewal makes current.
    pub(crate) fn secret(&self) -> Secret {
        self.secret.clone().unwrap_or_else(Secret::random)
    }

    /// The commit of this name, if it is one of ours whose answer never came.
    pub(crate) fn unanswered(&self, nonce: u64) -> Option<Arc<Self>> {
        self.unanswered.iter().find(|tried| tried.nonce == nonce).cloned()
    }

    /// Forgets what a commit of `done` has stored, and all that there was to remember until it was answered.
    pub(crate) fn settle(&mut self, done: &Self, loaded: &State) {
        self.settle_part(done, loaded);
        self.secret = None;
        self.unanswered.clear();
    }

    /// Forgets what a commit of `done`, an earlier clone of these operations, has stored; `loaded` is the state since.
    pub(crate) fn settle_part(&mut self, done: &Self, loaded: &State) {
        let is_done = |at: u64| at <= done.clock;
        if self.act == done.act {
            self.act = Act::Keep;
        }
        self.owner.take_if(|owner| Some(&*owner) == done.owner.as_ref());
        self.label.take_if(|label| Some(&*label) == done.label.as_ref());
        self.lifetime.take_if(|lifetime| Some(&*lifetime) == done.lifetime.as_ref());
        self.started &= !done.started;
        self.cleared.take_if(|at| is_done(*at));
        if self.keys().iter().all(|op| is_done(op.at)) {
            self.keys = None;
        } else {
            let keys = self.keys_mut();
            keys.retain(|op| !is_done(op.at));
            keys.iter_mut().for_each(|op| op.settle(done, loaded));
        }
        self.clock += 1;
    }

    /// Takes the keys of `rebased`, an earlier clone of these operations; nothing was done to keys since.
    pub(crate) fn adopt(&mut self, rebased: Self) {
        (self.keys, self.clock) = (rebased.keys, rebased.clock);
    }

    /// Makes every update again of what is there now.
    pub(crate) fn rebase(&mut self, loaded: &State) -> Result<(), Error> {
        self.clock += 1;
        self.resolve(loaded).map(drop)
    }
}

impl KeyOp {
    /// Forgets the steps that a commit of `done` has taken.
    fn settle(&mut self, done: &Ops, loaded: &State) {
        let What::Update { seen, steps, .. } = &mut self.what else { return };
        let count = steps.len();
        steps.retain(|step| step.at > done.clock);
        // What is left was made of what the done steps had made; the commit may have run them again.
        let base = match done.what(&self.key) {
            _ if steps.len() == count => seen.take(),
            Some(What::Update { made, .. }) => Some(made.clone()),
            _ => None,
        };
        *seen = base.filter(|base| base.as_deref() == loaded.get(&self.key));
    }
}
