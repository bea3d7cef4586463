//! The operations that are left after a commit.

use super::{Act, Edits, SharedEdits};
use crate::{error::Error, store::State};

impl Edits {
    /// Forgets what a commit of `done`, an earlier copy of these operations, has stored. `loaded` is the state since.
    pub(crate) fn settle_part(&mut self, done: &Self, loaded: &State) {
        let is_done = |at: u64| at <= done.clock;
        if self.act == done.act {
            self.act = Act::Keep;
        }
        self.owner.take_if(|owner| Some(&*owner) == done.owner.as_ref());
        self.label.take_if(|label| Some(&*label) == done.label.as_ref());
        self.lifetime.take_if(|lifetime| Some(&*lifetime) == done.lifetime.as_ref());
        self.admitted.take_if(|admitted| Some(&*admitted) == done.admitted.as_ref());
        self.started &= !done.started;
        self.cleared.take_if(|at| is_done(*at));
        self.keys.retain(|op| !is_done(op.at));
        self.keys.iter_mut().for_each(|op| op.settle(done, loaded));
        self.clock += 1;
    }

    /// Runs every update again, from the values that are stored now.
    pub(crate) fn rebase(this: &mut SharedEdits, loaded: &State) -> Result<(), Error> {
        SharedEdits::make_mut(this).clock += 1;
        Self::replay(this, loaded)
    }
}
