//! The pending operations, shared with the commits that are in progress.

use std::ops::{Deref, DerefMut};

use smallvec::SmallVec;

use super::{Act, Edits, SharedEdits};
use crate::store::State;

/// The operations of a request's handlers that are not stored yet.
///
/// A commit shares them: each side copies them before it changes them, and [`settle`](PendingEdits::settle) drops the
/// stored ones afterwards. So a commit that fails or is dropped loses nothing. Most requests have no operations, and
/// allocate nothing.
#[derive(Default)]
pub(crate) struct PendingEdits {
    edits: Option<SharedEdits>,
    /// The clock of the last `edits`, if there are none.
    clock: u64,
}

impl PendingEdits {
    /// Returns a number that changes whenever the value that the request sees under a key may have changed.
    pub(crate) fn version(&self) -> u64 {
        self.edits.as_ref().map_or(self.clock, |edits| edits.clock)
    }

    /// Returns the operations as they are now.
    pub(crate) fn share(&mut self) -> SharedEdits {
        SharedEdits::clone(self.block())
    }

    /// Forgets what a commit of `done` has stored. `loaded` is the state since.
    pub(crate) fn settle(&mut self, done: &SharedEdits, loaded: &State) {
        match &self.edits {
            Some(edits) if SharedEdits::ptr_eq(edits, done) => (self.edits, self.clock) = (None, done.clock + 1),
            Some(_) => self.settle_part(done, loaded),
            None => {}
        }
    }

    /// Returns true if there are no operations, and no commit shares any.
    pub(crate) fn is_settled(&self) -> bool {
        self.edits.is_none()
    }

    /// Takes over the keys of `rebased`, a copy of these operations. No key was changed since.
    pub(crate) fn adopt(&mut self, rebased: SharedEdits) {
        let Edits { keys, clock, .. } = SharedEdits::unwrap_or_clone(rebased);
        let edits = &mut **self;
        (edits.keys, edits.clock) = (keys, clock);
    }

    fn block(&mut self) -> &mut SharedEdits {
        let clock = self.clock;
        self.edits.get_or_insert_with(|| SharedEdits::new(Edits { clock, ..Edits::default() }))
    }
}

impl Deref for PendingEdits {
    type Target = Edits;

    fn deref(&self) -> &Edits {
        static NOTHING: Edits = Edits {
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
        self.edits.as_deref().unwrap_or(&NOTHING)
    }
}

impl DerefMut for PendingEdits {
    fn deref_mut(&mut self) -> &mut Edits {
        SharedEdits::make_mut(self.block())
    }
}
