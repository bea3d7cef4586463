//! One part of the records.

use std::sync::Arc;

use super::{expiry::Expiries, kept::Kept, table::Table};
use crate::{
    changes::Changes,
    record::Record,
    store::{Created, Updated},
    time::Timestamp,
    token::SessionId,
};

/// How many slots of the table a writing call looks at. The sweep comes around while a table grows by an eighth, so what
/// has expired makes room before the table would have to double.
const SWEEP: usize = 8;
/// How many that have expired it removes where their order is known: more than it adds, and no more, for each costs time.
const IN_ORDER: usize = 2;

/// Calls that write also clean up: what they found expired is in the `expired` that they are given.
#[derive(Default)]
pub(super) struct Shard {
    table: Table,
    /// The next slot to sweep.
    hand: usize,
    /// Where the store is bounded.
    expiries: Option<Expiries>,
}

impl Shard {
    pub(super) fn new(expiries: Option<Expiries>) -> Self {
        Self { expiries, ..Self::default() }
    }

    pub(super) fn len(&self) -> usize {
        self.table.len()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (SessionId, Record)> {
        self.table.iter().map(|kept| (kept.id, kept.record().clone()))
    }

    pub(super) fn get(&self, id: &SessionId) -> Option<&Kept> {
        self.table.get(id)
    }

    /// Gives back what it replaced, where that had expired.
    pub(super) fn create(&mut self, mut new: Kept, expired: &mut Vec<Kept>) -> Result<Option<Kept>, Created> {
        let (id, now, ends) = (new.id, new.created_at(), new.expires_at());
        let replaced = match self.table.get_mut(&id) {
            Some(kept) if kept.is_live(now) => return Err(Created::Taken),
            Some(kept) => {
                std::mem::swap(kept, &mut new);
                Some(new)
            }
            None => {
                self.make_room(now, expired);
                self.table.insert(new);
                None
            }
        };
        if let Some(expiries) = &mut self.expiries {
            if let Some(replaced) = &replaced {
                expiries.remove(replaced.expires_at(), id);
            }
            expiries.add(ends, id);
        }
        self.sweep(now, expired);
        Ok(replaced)
    }

    /// Gives back the owner from before.
    pub(super) fn update(
        &mut self,
        id: &SessionId,
        changes: &Changes,
        expired: &mut Vec<Kept>,
    ) -> (Updated, Option<Arc<str>>) {
        let updated = self.apply(id, changes);
        self.sweep(changes.now(), expired);
        updated
    }

    fn apply(&mut self, id: &SessionId, changes: &Changes) -> (Updated, Option<Arc<str>>) {
        let Some(kept) = self.table.get_mut(id).filter(|kept| kept.is_live(changes.now())) else {
            return (Updated::Gone, None);
        };
        match changes.apply(kept.record()) {
            Ok(after) => {
                if let Some(expiries) = &mut self.expiries {
                    expiries.move_to(after.expires_at(), kept.expires_at(), *id);
                }
                let before = kept.put(after);
                (Updated::Done, before.body().rest.owner.clone())
            }
            Err(_) => (Updated::Conflict(Box::new(kept.record().clone())), None),
        }
    }

    pub(super) fn remove(&mut self, id: &SessionId) -> Option<Kept> {
        let kept = self.table.remove(id)?;
        if let Some(expiries) = &mut self.expiries {
            expiries.remove(kept.expires_at(), *id);
        }
        Some(kept)
    }

    pub(super) fn remove_if(&mut self, id: &SessionId, is_meant: impl FnOnce(&Kept) -> bool) -> Option<Kept> {
        if self.get(id).is_some_and(is_meant) { self.remove(id) } else { None }
    }

    /// Where the store is bounded: removes the one that expired first.
    pub(super) fn remove_expired(&mut self, now: Timestamp) -> Option<Kept> {
        let id = self.expiries.as_ref()?.expired(now)?;
        self.remove(&id)
    }

    /// Removes what has expired in the next few slots; where the order is known, the next few that have expired.
    fn sweep(&mut self, now: Timestamp, expired: &mut Vec<Kept>) {
        if self.expiries.is_some() {
            expired.extend((0..IN_ORDER).map_while(|_| self.remove_expired(now)));
            return;
        }
        let slots = self.table.slots();
        for _ in 0..SWEEP.min(slots) {
            if self.hand >= slots {
                self.hand = 0;
            }
            expired.extend(self.table.remove_at(self.hand, |kept| !kept.is_live(now)));
            self.hand += 1;
        }
    }

    /// For one more. The table grows only where it is full of what lives.
    fn make_room(&mut self, now: Timestamp, expired: &mut Vec<Kept>) {
        if !self.table.is_used_up() {
            return;
        }
        if !self.table.is_worth_a_rebuild() {
            self.remove_all_expired(now, expired);
        }
        if self.table.is_worth_a_rebuild() {
            self.table.rebuild();
        } else {
            self.table.grow();
        }
    }

    fn remove_all_expired(&mut self, now: Timestamp, expired: &mut Vec<Kept>) {
        if self.expiries.is_some() {
            expired.extend(std::iter::from_fn(|| self.remove_expired(now)));
        } else {
            expired.extend(self.table.remove_all(|kept| !kept.is_live(now)));
        }
    }

    #[cfg(test)]
    pub(super) fn slots(&self) -> usize {
        self.table.slots()
    }

    #[cfg(test)]
    pub(super) fn rebuilds(&self) -> usize {
        self.table.rebuilds
    }

    #[cfg(test)]
    pub(super) fn expiries(&self) -> Option<&Expiries> {
        self.expiries.as_ref()
    }
}
