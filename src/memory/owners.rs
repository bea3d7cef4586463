//! The sessions of each owner.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use crate::store::SessionId;

/// Every session of an owner is in its table. An entry's session may be gone, or belong to another owner now.
///
/// The map's hash is keyed, because users choose the names of owners.
#[derive(Default)]
pub(super) struct OwnerTable {
    sessions: HashMap<Arc<str>, Ids>,
}

/// Most owners have one session, which needs no allocation.
enum Ids {
    One(SessionId),
    /// At least two.
    Many(BTreeSet<SessionId>),
}

impl OwnerTable {
    pub(super) fn add(&mut self, owner: &Arc<str>, id: SessionId) {
        let ids = self.sessions.entry(Arc::clone(owner)).or_insert(Ids::One(id));
        match ids {
            Ids::One(only) if *only == id => {}
            Ids::One(first) => *ids = Ids::Many(BTreeSet::from([*first, id])),
            Ids::Many(ids) => drop(ids.insert(id)),
        }
    }

    pub(super) fn remove(&mut self, owner: &str, id: &SessionId) {
        let Some(ids) = self.sessions.get_mut(owner) else { return };
        match ids {
            Ids::One(only) if only == id => drop(self.sessions.remove(owner)),
            Ids::One(_) => {}
            Ids::Many(many) => {
                many.remove(id);
                if let (1, Some(only)) = (many.len(), many.first().copied()) {
                    *ids = Ids::One(only);
                }
            }
        }
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.sessions.is_empty()
    }

    pub(super) fn ids(&self, owner: &str) -> Vec<SessionId> {
        match self.sessions.get(owner) {
            Some(Ids::One(only)) => vec![*only],
            Some(Ids::Many(ids)) => ids.iter().copied().collect(),
            None => Vec::new(),
        }
    }
}
