//! Commits under way, and those that nobody knows the end of.

use smallvec::SmallVec;

use super::{Act, SharedOps};
use crate::token::{Secret, random};

/// How many commits without an answer are remembered: more in a row are a store that is down.
const UNANSWERED: usize = 4;

/// The commits of a session since the last one that was answered. Their answers may be errors, or nobody may wait for them
/// any more: each may be done or not.
#[derive(Default)]
pub(crate) struct Attempts {
    secret: Option<Secret>,
    begun: Begun,
}

type Begun = SmallVec<[(u64, SharedOps); 1]>;

/// The one that is under way.
pub(crate) struct Attempt {
    /// Names it.
    nonce: u64,
    /// What a renewal makes current: the same one until a commit is answered.
    secret: Option<Secret>,
    /// Those before it.
    unanswered: Begun,
}

impl Attempts {
    /// Begins a commit of what was asked for so far: it gets a name of its own, and a secret.
    pub(crate) fn begin(&mut self, asked: &SharedOps) -> Attempt {
        let nonce = u64::from_le_bytes(random());
        if asked.act == Act::Renew {
            self.secret.get_or_insert_with(Secret::random);
        }
        let attempt = Attempt { nonce, secret: self.secret.clone(), unanswered: self.begun.clone() };
        if self.begun.len() == UNANSWERED {
            self.begun.remove(0);
        }
        self.begun.push((nonce, SharedOps::clone(asked)));
        attempt
    }
}

impl Attempt {
    /// The random number that names the commit.
    pub(crate) fn nonce(&self) -> u64 {
        self.nonce
    }

    /// What a renewal makes current.
    pub(crate) fn secret(&self) -> Secret {
        self.secret.clone().unwrap_or_else(Secret::random)
    }

    /// What the commit of this name was asked for, if it is one of ours whose answer never came.
    pub(crate) fn unanswered(&self, nonce: u64) -> Option<SharedOps> {
        self.unanswered.iter().find(|(name, _)| *name == nonce).map(|(_, asked)| SharedOps::clone(asked))
    }
}
