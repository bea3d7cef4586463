//! One shard of the records.

use super::{expiry::Expiries, kept::Kept, table::Table};
use crate::store::{Created, Record, Replaced, SessionId, Timestamp, millis};

/// The number of slots that a writing call looks at. The sweep passes all slots while a table grows by an eighth, so
/// expired entries are removed before the table would have to double.
const SWEEP: usize = 8;

/// The records of one shard, and its part of the clean-up. Calls that write put the expired entries that they remove
/// into `expired`.
#[derive(Default)]
pub(super) struct Shard {
    table: Table,
    /// The next slot to sweep.
    hand: usize,
    /// The order in which entries expire, `Some` if the store is bounded: a full one ends the next one that expired.
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

    pub(super) fn create(&mut self, new: Kept, expired: &mut Vec<Kept>) -> Created {
        if self.table.get(&new.id).is_some() {
            return Created::Taken;
        }
        let over = over(new.record());
        self.make_room(over, expired);
        if let Some(expiries) = &mut self.expiries {
            expiries.add(new.expires_at(), new.id);
        }
        self.table.insert(new);
        self.sweep(over, expired);
        Created::Done
    }

    /// Replaces `base`, if it is stored, and returns it.
    pub(super) fn replace(
        &mut self,
        id: &SessionId,
        base: &Record,
        record: &Record,
        expired: &mut Vec<Kept>,
    ) -> (Replaced, Option<Record>) {
        let replaced = match self.table.get_mut(id) {
            None => (Replaced::Gone, None),
            Some(kept) if kept.record().nonce() != base.nonce() => (Replaced::Changed(kept.record().clone()), None),
            Some(kept) => {
                if let Some(expiries) = &mut self.expiries {
                    expiries.move_to(record.expires_at(), kept.expires_at(), *id);
                }
                (Replaced::Done, Some(kept.put(record.clone())))
            }
        };
        self.sweep(over(record), expired);
        replaced
    }

    pub(super) fn remove(&mut self, id: &SessionId) -> Option<Kept> {
        let kept = self.table.remove(id)?;
        self.removed(&kept);
        Some(kept)
    }

    /// Keeps the order of what is left.
    fn removed(&mut self, kept: &Kept) {
        if let Some(expiries) = &mut self.expiries {
            expiries.remove(kept.expires_at(), kept.id);
        }
    }

    pub(super) fn remove_if(&mut self, id: &SessionId, is_meant: impl FnOnce(&Kept) -> bool) -> Option<Kept> {
        if self.get(id).is_some_and(is_meant) { self.remove(id) } else { None }
    }

    /// Removes the entry that expired first, if the store is bounded and the entry has expired at `now`.
    pub(super) fn remove_expired(&mut self, now: Timestamp) -> Option<Kept> {
        let id = self.expiries.as_ref()?.expired(now)?;
        self.remove(&id)
    }

    /// Removes expired entries in the next few slots.
    fn sweep(&mut self, now: Timestamp, expired: &mut Vec<Kept>) {
        let slots = self.table.slots();
        for _ in 0..SWEEP.min(slots) {
            if self.hand >= slots {
                self.hand = 0;
            }
            if let Some(kept) = self.table.remove_at(self.hand, |kept| !kept.is_live(now)) {
                self.removed(&kept);
                expired.push(kept);
            }
            self.hand += 1;
        }
    }

    /// Makes room for one more entry. The table grows only if it is full of live entries.
    fn make_room(&mut self, now: Timestamp, expired: &mut Vec<Kept>) {
        if !self.table.is_used_up() {
            return;
        }
        if !self.table.is_worth_a_rebuild() {
            let before = expired.len();
            expired.extend(self.table.remove_all(|kept| !kept.is_live(now)));
            expired.iter().skip(before).for_each(|kept| self.removed(kept));
        }
        if self.table.is_worth_a_rebuild() {
            self.table.rebuild();
        } else {
            self.table.grow();
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

/// Returns the time whose expired entries a write of `record` removes. The last use of `record` sets it.
fn over(record: &Record) -> Timestamp {
    Timestamp::from_millis(record.last_used().as_millis().saturating_sub(millis(Record::GRACE)))
}
