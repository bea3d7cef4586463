//! The pending operations, shared with the commits that are under way.

use std::ops::{Deref, DerefMut};

use smallvec::SmallVec;

use super::{Act, Ops, SharedOps};
use crate::store::State;

/// The operations of a request's handlers that no store has yet.
///
/// A commit shares it, so that either side copies it before a change, and [settles](Pending::settle) it afterwards: a commit
/// that fails, or is dropped, loses nothing. Most requests ask for nothing, and allocate nothing.
#[derive(Default)]
pub(crate) struct Pending {
    ops: Option<SharedOps>,
    /// The clock of the last `ops`, if there are none.
    clock: u64,
}

impl Pending {
    /// Returns a number that changes when the value that the request sees under a key may have changed.
    pub(crate) fn version(&self) -> u64 {
        self.ops.as_ref().map_or(self.clock, |ops| ops.clock)
    }

    /// Returns the operations as they are now.
    pub(crate) fn share(&mut self) -> SharedOps {
        SharedOps::clone(self.block())
    }

    /// Forgets what a commit of `done` has stored; `loaded` is the state since.
    pub(crate) fn settle(&mut self, done: &SharedOps, loaded: &State) {
        match &self.ops {
            Some(ops) if SharedOps::ptr_eq(ops, done) => (self.ops, self.clock) = (None, done.clock + 1),
            Some(_) => self.settle_part(done, loaded),
            None => {}
        }
    }

    /// Takes the keys of `rebased`, which were these; nothing was done to keys since.
    pub(crate) fn adopt(&mut self, rebased: SharedOps) {
        let Ops { keys, clock, .. } = SharedOps::unwrap_or_clone(rebased);
        let ops = &mut **self;
        (ops.keys, ops.clock) = (keys, clock);
    }

    fn block(&mut self) -> &mut SharedOps {
        let clock = self.clock;
        self.ops.get_or_insert_with(|| SharedOps::new(Ops { clock, ..Ops::default() }))
    }
}

impl Deref for Pending {
    type Target = Ops;

    fn deref(&self) -> &Ops {
        static NOTHING: Ops = Ops {
            act: Act::Keep,
            owner: None,
            label: None,
            lifetime: None,
            admitted: None,
            started: false,
            cleared: None,
            keys: SmallVec::new_const(),
            clock: 0,
        };
        self.ops.as_deref().unwrap_or(&NOTHING)
    }
}

impl DerefMut for Pending {
    fn deref_mut(&mut self) -> &mut Ops {
        SharedOps::make_mut(self.block())
    }
}
