//! A hash table that does not grow because of removed entries.

use hashbrown::HashTable;

use super::kept::Kept;
use crate::store::SessionId;

/// The number of entries of the first table. Every shard has a table; smaller ones would all grow at the same time.
const FIRST: usize = 14;

/// A hash table of records.
///
/// hashbrown often leaves a mark in the place of a removed entry, which takes room until the table is rebuilt. It
/// doubles a table that is over half full instead of rebuilding it. After a sweep, most of a table is such marks.
#[derive(Default)]
pub(super) struct Table {
    entries: HashTable<Kept>,
    /// The number of entries that fit without marks.
    whole: usize,
    /// The number of inserts since the table was last rebuilt.
    inserted: usize,
    #[cfg(test)]
    pub(super) rebuilds: usize,
}

impl Table {
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Returns the number of slots, of which an eighth stays free.
    pub(super) fn slots(&self) -> usize {
        self.entries.num_buckets()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Kept> {
        self.entries.iter()
    }

    pub(super) fn get(&self, id: &SessionId) -> Option<&Kept> {
        self.entries.find(hash(id), |kept| kept.id == *id)
    }

    pub(super) fn get_mut(&mut self, id: &SessionId) -> Option<&mut Kept> {
        self.entries.find_mut(hash(id), |kept| kept.id == *id)
    }

    /// Inserts an entry whose id is not in the table.
    pub(super) fn insert(&mut self, new: Kept) {
        self.inserted += 1;
        self.entries.insert_unique(hash(&new.id), new, hash_of);
    }

    pub(super) fn remove(&mut self, id: &SessionId) -> Option<Kept> {
        let found = self.entries.find_entry(hash(id), |kept| kept.id == *id).ok()?;
        Some(found.remove().0)
    }

    /// Removes the entry in that slot if `is_meant` returns true for it.
    pub(super) fn remove_at(&mut self, slot: usize, is_meant: impl FnOnce(&Kept) -> bool) -> Option<Kept> {
        let entry = self.entries.get_bucket_entry(slot).ok().filter(|entry| is_meant(entry.get()))?;
        Some(entry.remove().0)
    }

    pub(super) fn remove_all(&mut self, is_meant: impl Fn(&Kept) -> bool) -> impl Iterator<Item = Kept> {
        self.entries.extract_if(move |kept| is_meant(kept))
    }

    /// Returns true if another entry may need a larger table or a rebuild.
    pub(super) fn is_used_up(&self) -> bool {
        self.entries.len() >= self.entries.capacity()
    }

    /// Returns true if a rebuild makes enough room, or comes long enough after the last one, that each insert pays for
    /// few moves.
    pub(super) fn is_worth_a_rebuild(&self) -> bool {
        let room = self.whole.saturating_sub(self.entries.len());
        let worth = self.whole.div_ceil(4);
        room > 0 && (room >= worth || self.inserted >= worth)
    }

    /// Rebuilds the table without marks, at the same size.
    pub(super) fn rebuild(&mut self) {
        let mut entries = HashTable::with_capacity(self.whole);
        for kept in self.entries.drain() {
            entries.insert_unique(hash(&kept.id), kept, hash_of);
        }
        self.entries = entries;
        self.renewed();
    }

    pub(super) fn grow(&mut self) {
        self.entries.reserve(if self.whole == 0 { FIRST } else { 1 }, hash_of);
        self.renewed();
    }

    fn renewed(&mut self) {
        self.whole = self.entries.capacity();
        self.inserted = 0;
        #[cfg(test)]
        {
            self.rebuilds += 1;
        }
    }
}

fn hash_of(kept: &Kept) -> u64 {
    hash(&kept.id)
}

/// Returns bytes of the id as its hash: ids are random, and only this process makes those that are stored.
fn hash(id: &SessionId) -> u64 {
    let [_, _, _, _, _, _, _, _, random @ ..] = *id.as_bytes();
    u64::from_le_bytes(random)
}
