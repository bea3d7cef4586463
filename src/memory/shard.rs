//! One part of the records.

use hashbrown::{HashTable, hash_table::Entry};

use super::compact::Compact;
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

#[derive(Default)]
pub(super) struct Shard {
    table: HashTable<(SessionId, Box<Compact>)>,
    /// The next slot to sweep.
    hand: usize,
}

impl Shard {
    pub(super) fn len(&self) -> usize {
        self.table.len()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (SessionId, Record)> {
        self.table.iter().map(|(id, kept)| (*id, kept.to_record()))
    }

    pub(super) fn get(&self, id: &SessionId) -> Option<&Compact> {
        self.table.find(hash(id), |(known, _)| known == id).map(|(_, kept)| &**kept)
    }

    /// Gives back what it replaced, where that had expired.
    pub(super) fn create(&mut self, id: SessionId, record: &Record) -> Result<Option<Compact>, Created> {
        let compact = Compact::from(record.clone());
        match self.table.entry(hash(&id), |(known, _)| *known == id, |(known, _)| hash(known)) {
            Entry::Occupied(found) if found.get().1.is_live(record.created_at()) => Err(Created::Taken),
            Entry::Occupied(mut found) => Ok(Some(std::mem::replace(&mut *found.get_mut().1, compact))),
            Entry::Vacant(place) => {
                place.insert((id, Box::new(compact)));
                Ok(None)
            }
        }
    }

    /// Gives back what was there before, where it was changed.
    pub(super) fn update(&mut self, id: &SessionId, changes: &Changes) -> (Updated, Option<Compact>) {
        let found = self.table.find_mut(hash(id), |(known, _)| known == id);
        let Some((_, kept)) = found.filter(|(_, kept)| kept.is_live(changes.now())) else {
            return (Updated::Gone, None);
        };
        let record = kept.to_record();
        match changes.apply(&record) {
            Ok(after) => (Updated::Done, Some(std::mem::replace(&mut **kept, after.into()))),
            Err(_) => (Updated::Conflict(Box::new(record)), None),
        }
    }

    pub(super) fn remove(&mut self, id: &SessionId) -> Option<Compact> {
        let found = self.table.find_entry(hash(id), |(known, _)| known == id).ok()?;
        let ((_, kept), _) = found.remove();
        Some(*kept)
    }

    pub(super) fn remove_if(&mut self, id: &SessionId, is_meant: impl FnOnce(&Compact) -> bool) -> Option<Compact> {
        if self.get(id).is_some_and(is_meant) { self.remove(id) } else { None }
    }

    /// Removes everything that has expired.
    pub(super) fn sweep_all(&mut self, now: Timestamp) -> Vec<(SessionId, Compact)> {
        let expired = self.table.extract_if(|(_, kept)| !kept.is_live(now));
        expired.map(|(id, kept)| (id, *kept)).collect()
    }

    /// When the next one expires.
    pub(super) fn next_expiry(&self) -> Option<Timestamp> {
        self.table.iter().map(|(_, kept)| kept.expires_at()).min()
    }

    /// Removes what has expired in the next few slots.
    pub(super) fn sweep(&mut self, now: Timestamp) -> Vec<(SessionId, Compact)> {
        let mut expired = Vec::new();
        for _ in 0..SWEEP.min(self.table.num_buckets()) {
            if self.hand >= self.table.num_buckets() {
                self.hand = 0;
            }
            if let Ok(entry) = self.table.get_bucket_entry(self.hand)
                && !entry.get().1.is_live(now)
            {
                let ((id, kept), _) = entry.remove();
                expired.push((id, *kept));
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
