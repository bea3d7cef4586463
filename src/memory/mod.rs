//! The store in memory.

use std::{
    fmt,
    hash::{BuildHasher as _, RandomState},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use self::{
    bound::{Bound, Ownerless},
    expiry::Expiries,
    kept::Kept,
    owners::OwnerTable,
    shard::Shard,
};
use crate::store::{
    Created, Deleted, DynOwnerIndex, OwnerIndex, Record, Replaced, SessionId, SessionStore, StoreError, Timestamp,
};

mod bound;
mod expiry;
mod kept;
mod owners;
mod scan;
mod shard;
mod snapshot;
#[cfg(test)]
mod stress;
mod table;

/// The number of shards, each with a lock of its own. It is a power of two.
const SHARDS: usize = 64;

/// Keeps sessions in memory, for one process. Clones share one set of sessions.
///
/// Each call that writes also removes some expired records, so there is no clean-up task, and no pause for a pass over
/// all records. A small session takes about 200 bytes.
#[derive(Clone)]
pub struct MemoryStore {
    tables: Arc<Tables>,
}

/// A thread that takes several locks takes them in this order: owners, ownerless, shard.
struct Tables {
    shards: [Mutex<Shard>; SHARDS],
    owners: [Mutex<OwnerTable>; SHARDS],
    /// Keyed, because users choose the names of owners and must not choose the shard.
    hasher: RandomState,
    bound: Option<Bound>,
}

/// The way in which a record gets room in a full store.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Room {
    /// Ends other sessions.
    Make,
    /// Uses free room only.
    Find,
}

impl MemoryStore {
    /// Makes an empty store without a limit.
    #[must_use]
    pub fn new() -> Self {
        Self::with(None)
    }

    /// Makes an empty store of at most `max` sessions.
    ///
    /// In a full store, a new session replaces an expired one. If none has expired, it replaces the oldest session that
    /// has no owner. Sessions with an owner are never ended for room: if all sessions have owners, the store refuses a
    /// new session with an error, and the client gets a 503.
    #[must_use]
    pub fn bounded(max: usize) -> Self {
        Self::with(Some(Bound::new(max)))
    }

    fn with(bound: Option<Bound>) -> Self {
        let expiries = |shard| bound.as_ref().map(|bound| Expiries::new(Arc::clone(&bound.firsts), shard));
        let shards = std::array::from_fn(|shard| Mutex::new(Shard::new(expiries(shard))));
        let owners = std::array::from_fn(|_| Mutex::default());
        Self { tables: Arc::new(Tables { shards, owners, hasher: RandomState::new(), bound }) }
    }

    /// Returns the number of records, including expired ones that are not removed yet.
    #[must_use]
    pub fn len(&self) -> usize {
        self.tables.shards.iter().map(|shard| lock(shard).len()).sum()
    }

    /// Returns true if there is no record.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// The four verbs. They never wait, so the core calls them without a future.
impl MemoryStore {
    pub(crate) fn find(&self, id: &SessionId) -> Option<Record> {
        self.tables.shard(id).get(id).map(|kept| kept.record().clone())
    }

    pub(crate) fn add(&self, id: &SessionId, record: &Record) -> Result<Created, StoreError> {
        self.tables.create(id, record)
    }

    pub(crate) fn swap(&self, id: &SessionId, base: &Record, record: &Record) -> Replaced {
        self.tables.replace(id, base, record)
    }

    pub(crate) fn end(&self, id: &SessionId, base: Option<&Record>) -> Deleted {
        self.tables.delete(id, base)
    }
}

impl SessionStore for MemoryStore {
    async fn load(&self, id: &SessionId) -> Result<Option<Record>, StoreError> {
        Ok(self.find(id))
    }

    async fn create(&self, id: &SessionId, record: &Record) -> Result<Created, StoreError> {
        self.add(id, record)
    }

    async fn replace(&self, id: &SessionId, base: &Record, record: &Record) -> Result<Replaced, StoreError> {
        Ok(self.swap(id, base, record))
    }

    async fn delete(&self, id: &SessionId, base: Option<&Record>) -> Result<Deleted, StoreError> {
        Ok(self.end(id, base))
    }

    fn owner_index(&self) -> Option<&dyn DynOwnerIndex> {
        Some(self)
    }
}

impl OwnerIndex for MemoryStore {
    async fn list(&self, owner: &str) -> Result<Vec<(SessionId, Record)>, StoreError> {
        let ids = self.tables.owners(owner).ids(owner);
        let of_owner = |id: SessionId| {
            let record = self.find(&id).filter(|record| record.owner() == Some(owner))?;
            Some((id, record))
        };
        Ok(ids.into_iter().filter_map(of_owner).collect())
    }
}

impl Tables {
    fn shard(&self, id: &SessionId) -> MutexGuard<'_, Shard> {
        let [first, ..] = id.as_bytes();
        lock(&self.shards[usize::from(*first) % SHARDS])
    }

    fn owners(&self, owner: &str) -> MutexGuard<'_, OwnerTable> {
        let [first, ..] = self.hasher.hash_one(owner).to_le_bytes();
        lock(&self.owners[usize::from(first) % SHARDS])
    }

    fn create(&self, id: &SessionId, record: &Record) -> Result<Created, StoreError> {
        let now = record.last_used();
        self.end_expired(now);
        loop {
            match self.put(id, record, Room::Make) {
                // Other sessions took the room.
                Err(_) if self.end_expired(now) => {}
                put => return put,
            }
        }
    }

    fn put(&self, id: &SessionId, record: &Record, room: Room) -> Result<Created, StoreError> {
        let mut expired = Vec::new();
        let created = self.place(id, record, room, &mut expired);
        self.all_unlisted(expired);
        created
    }

    /// Holds the owner's lock until the record is in place, so that "log out everywhere" never finds one without the
    /// other.
    fn place(
        &self,
        id: &SessionId,
        record: &Record,
        room: Room,
        expired: &mut Vec<Kept>,
    ) -> Result<Created, StoreError> {
        let kept = Kept::new(*id, record.clone());
        let owner = record.body().rest.owner.as_ref();
        let index = owner.map(|owner| (owner, self.owners(owner)));
        let ownerless = self.make_room(id, room)?;
        let created = {
            let mut shard = self.shard(id);
            let created = shard.create(kept, expired);
            self.count_out(expired.len());
            created
        };
        if created == Created::Taken {
            return Ok(created);
        }
        match (index, ownerless) {
            (Some((owner, mut table)), _) => table.add(owner, *id),
            (None, Some(mut ownerless)) => drop(ownerless.insert((record.created_at(), *id))),
            (None, None) => {}
        }
        if let Some(bound) = &self.bound {
            bound.added();
        }
        Ok(created)
    }

    /// Ends the oldest sessions without an owner until there is room for one more. Returns the lock that keeps other
    /// sessions from taking the room.
    fn make_room(&self, id: &SessionId, room: Room) -> Result<Option<MutexGuard<'_, Ownerless>>, StoreError> {
        let Some(bound) = &self.bound else { return Ok(None) };
        let mut ownerless = bound.ownerless();
        while bound.is_full() && self.shard(id).get(id).is_none() {
            let oldest = if room == Room::Make { ownerless.pop_first() } else { None };
            let (_, oldest) = oldest.ok_or_else(|| StoreError::not_done(bound.full()))?;
            let ended = self.shard(&oldest).remove_if(&oldest, |kept| kept.owner().is_none());
            if ended.is_some() {
                bound.removed();
            }
        }
        Ok(Some(ownerless))
    }

    fn replace(&self, id: &SessionId, base: &Record, record: &Record) -> Replaced {
        let owner = record.body().rest.owner.as_ref().filter(|owner| base.owner() != Some(owner));
        let index = owner.map(|owner| (owner, self.owners(owner)));
        let mut expired = Vec::new();
        let (replaced, before) = {
            let mut shard = self.shard(id);
            let replaced = shard.replace(id, base, record, &mut expired);
            self.count_out(expired.len());
            replaced
        };
        if let (Replaced::Done, Some((owner, mut table))) = (&replaced, index) {
            table.add(owner, *id);
        }
        if let Some(before) = before.filter(|before| before.owner() != record.owner()) {
            self.left(id, before.body().rest.owner.as_ref());
            self.note_ownerless(id);
        }
        self.all_unlisted(expired);
        replaced
    }

    fn delete(&self, id: &SessionId, base: Option<&Record>) -> Deleted {
        let removed = {
            let mut shard = self.shard(id);
            let changed = |kept: &&Kept| base.is_some_and(|base| base.nonce() != kept.record().nonce());
            match shard.get(id).filter(changed) {
                Some(kept) => return Deleted::Changed(kept.record().clone()),
                None => shard.remove(id),
            }
        };
        let Some(removed) = removed else { return Deleted::Gone };
        self.count_out(1);
        self.unlisted(&removed);
        Deleted::Done
    }

    /// Removes a deleted record from the indexes.
    fn unlisted(&self, kept: &Kept) {
        self.left(&kept.id, kept.owner());
        if let Some(bound) = &self.bound {
            bound.ownerless().remove(&(kept.created_at(), kept.id));
        }
    }

    fn all_unlisted(&self, gone: impl IntoIterator<Item = Kept>) {
        for kept in gone {
            self.unlisted(&kept);
        }
    }

    /// Subtracts deleted records. The caller holds their shard's lock: as long as they are counted, other sessions are
    /// ended for room.
    fn count_out(&self, count: usize) {
        if let Some(bound) = &self.bound {
            (0..count).for_each(|_| bound.removed());
        }
    }

    /// Records that a session does not belong to this owner any more.
    fn left(&self, id: &SessionId, owner: Option<&Arc<str>>) {
        if let Some(owner) = owner {
            self.forget(owner, id);
        }
    }

    /// Removes a session from an owner's table, unless it belongs to that owner again.
    fn forget(&self, owner: &str, id: &SessionId) {
        let mut table = self.owners(owner);
        if self.shard(id).get(id).and_then(Kept::owner).is_none_or(|known| **known != *owner) {
            table.remove(owner, id);
        }
    }

    /// Moves a session to its place in the order of eviction, after its owner has changed.
    fn note_ownerless(&self, id: &SessionId) {
        let Some(bound) = &self.bound else { return };
        let mut ownerless = bound.ownerless();
        let shard = self.shard(id);
        let Some(kept) = shard.get(id) else { return };
        let place = (kept.created_at(), *id);
        if kept.owner().is_none() {
            ownerless.insert(place);
        } else {
            ownerless.remove(&place);
        }
    }

    /// Ends expired sessions until there is room for one more. Returns true if there is.
    fn end_expired(&self, now: Timestamp) -> bool {
        let Some(bound) = &self.bound else { return true };
        while bound.is_full() {
            let Some(shard) = bound.firsts.expired(now).and_then(|shard| self.shards.get(shard)) else { return false };
            // Another thread may have ended it.
            let expired = {
                let mut shard = lock(shard);
                let expired = shard.remove_expired(now);
                self.count_out(usize::from(expired.is_some()));
                expired
            };
            self.all_unlisted(expired);
        }
        true
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore").field("len", &self.len()).finish_non_exhaustive()
    }
}

/// Only this module's code runs under these locks, so the data under a poisoned lock is intact.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
