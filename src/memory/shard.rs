//! One part of the records.

use hashbrown::{HashTable, hash_table::Entry};

use crate::{
    changes::Changes,
    record::Record,
    store::{Created, Updated},
    time::Timestamp,
    token::SessionId,
};

/// How many slots of the table a writing call looks at. A table is at most 16 times as large as its live part wants
/// before the sweep has come around; two a call would already keep up with one new record a call.
const SWEEP: usize = 8;

#[derive(Default)]
pub(super) struct Shard {
    table: HashTable<(SessionId, Box<Record>)>,
    /// The next slot to sweep.
    hand: usize,
}

impl Shard {
    pub(super) fn len(&self) -> usize {
        self.table.len()
    }

    pub(super) fn get(&self, id: &SessionId) -> Option<&Record> {
        self.table.find(hash(id), |(known, _)| known == id).map(|(_, record)| &**record)
    }

    /// Gives back the expired record whose place it took, if any.
    pub(super) fn create(&mut self, id: SessionId, record: &Record) -> (Created, Option<Record>) {
        let before = match self.table.entry(hash(&id), |(known, _)| *known == id, |(known, _)| hash(known)) {
            Entry::Occupied(found) if found.get().1.is_live(record.created_at()) => return (Created::Taken, None),
            Entry::Occupied(mut found) => Some(std::mem::replace(&mut *found.get_mut().1, record.clone())),
            Entry::Vacant(place) => {
                place.insert((id, Box::new(record.clone())));
                None
            }
        };
        (Created::Done, before)
    }

    /// Gives back the record as it was before, where it was changed.
    pub(super) fn update(&mut self, id: &SessionId, changes: &Changes) -> (Updated, Option<Record>) {
        let found = self.table.find_mut(hash(id), |(known, _)| known == id);
        let Some((_, record)) = found.filter(|(_, record)| record.is_live(changes.now())) else {
            return (Updated::Gone, None);
        };
        match changes.apply(record) {
            Ok(after) => (Updated::Done, Some(std::mem::replace(&mut **record, after))),
            Err(_) => (Updated::Conflict(record.clone()), None),
        }
    }

    pub(super) fn remove(&mut self, id: &SessionId) -> Option<Record> {
        let found = self.table.find_entry(hash(id), |(known, _)| known == id).ok()?;
        let ((_, record), _) = found.remove();
        Some(*record)
    }

    pub(super) fn remove_if(&mut self, id: &SessionId, condition: impl FnOnce(&Record) -> bool) -> bool {
        self.get(id).is_some_and(condition) && self.remove(id).is_some()
    }

    /// Removes what has expired in the next few slots.
    pub(super) fn sweep(&mut self, now: Timestamp) -> Vec<(SessionId, Record)> {
        let mut expired = Vec::new();
        for _ in 0..SWEEP.min(self.table.num_buckets()) {
            if self.hand >= self.table.num_buckets() {
                self.hand = 0;
            }
            if let Ok(entry) = self.table.get_bucket_entry(self.hand)
                && !entry.get().1.is_live(now)
            {
                let ((id, record), _) = entry.remove();
                expired.push((id, *record));
            }
            self.hand += 1;
        }
        expired
    }
}

/// Ids are random already: nobody but this process chooses those that are stored.
fn hash(id: &SessionId) -> u64 {
    let [_, _, _, _, _, _, _, _, random @ ..] = *id.as_bytes();
    u64::from_le_bytes(random)
}
