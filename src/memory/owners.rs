//! Which sessions are an owner's.

use std::collections::{BTreeSet, HashMap};

use crate::token::SessionId;

/// Every session of an owner is here; what is here may be gone, or another owner's by now.
#[derive(Default)]
pub(super) struct OwnerTable {
    sessions: HashMap<Box<str>, BTreeSet<SessionId>>,
}

impl OwnerTable {
    pub(super) fn add(&mut self, owner: &str, id: SessionId) {
        if let Some(ids) = self.sessions.get_mut(owner) {
            ids.insert(id);
        } else {
            self.sessions.insert(owner.into(), BTreeSet::from([id]));
        }
    }

    pub(super) fn remove(&mut self, owner: &str, id: &SessionId) {
        if let Some(ids) = self.sessions.get_mut(owner) {
            ids.remove(id);
            if ids.is_empty() {
                self.sessions.remove(owner);
            }
        }
    }

    pub(super) fn ids(&self, owner: &str) -> Vec<SessionId> {
        self.sessions.get(owner).into_iter().flatten().copied().collect()
    }
}
