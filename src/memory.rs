//! Sessions in memory.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use self::{owners::OwnerTable, shard::Shard};
use crate::{
    changes::Changes,
    owners::{DynOwnerIndex, OwnedSession, OwnerIndex},
    record::Record,
    store::{Created, SessionStore, StoreError, Updated},
    time::Timestamp,
    token::SessionId,
};

mod owners;
mod shard;

/// How many parts there are, each with a lock of its own. A power of two.
const SHARDS: usize = 64;

/// Keeps sessions in memory: for one process, for development and for tests. Clones share one set of sessions.
///
/// Expired records are given back by small steps of the calls that write, a few table slots each: there is no task, and
/// no pass over everything under one lock.
#[derive(Clone)]
pub struct MemoryStore {
    tables: Arc<Tables>,
}

/// Where both kinds of locks are held, an owners' lock is taken first.
struct Tables {
    shards: [Mutex<Shard>; SHARDS],
    owners: [Mutex<OwnerTable>; SHARDS],
}

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        let shards = std::array::from_fn(|_| Mutex::default());
        let owners = std::array::from_fn(|_| Mutex::default());
        Self { tables: Arc::new(Tables { shards, owners }) }
    }

    /// How many records there are, expired ones that are not yet given back among them.
    #[must_use]
    pub fn len(&self) -> usize {
        self.tables.shards.iter().map(|shard| lock(shard).len()).sum()
    }

    /// Whether there is no record.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl SessionStore for MemoryStore {
    async fn load(&self, id: &SessionId) -> Result<Option<Record>, StoreError> {
        Ok(self.tables.shard(id).get(id).cloned())
    }

    async fn create(&self, id: &SessionId, record: &Record) -> Result<Created, StoreError> {
        let index = record.owner().map(|owner| (owner, self.tables.owners(owner)));
        let (created, before) = self.tables.shard(id).create(*id, record);
        if let (Created::Done, Some((owner, mut table))) = (created, index) {
            table.add(owner, *id);
        }
        if let Some(before) = before.as_ref().and_then(Record::owner) {
            self.tables.forget(before, id);
        }
        self.tables.give_back(id, record.created_at());
        Ok(created)
    }

    async fn update(&self, id: &SessionId, changes: &Changes) -> Result<Updated, StoreError> {
        let index = changes.owner().flatten().map(|owner| (owner, self.tables.owners(owner)));
        let (updated, before) = self.tables.shard(id).update(id, changes);
        if let (Updated::Done, Some((owner, mut table))) = (&updated, index) {
            table.add(owner, *id);
        }
        if let Some(before) = before.as_ref().filter(|_| changes.owner().is_some()).and_then(Record::owner) {
            self.tables.forget(before, id);
        }
        self.tables.give_back(id, changes.now());
        Ok(updated)
    }

    async fn delete(&self, id: &SessionId) -> Result<(), StoreError> {
        let removed = self.tables.shard(id).remove(id);
        if let Some(owner) = removed.as_ref().and_then(Record::owner) {
            self.tables.forget(owner, id);
        }
        Ok(())
    }

    fn owner_index(&self) -> Option<&dyn DynOwnerIndex> {
        Some(self)
    }
}

impl OwnerIndex for MemoryStore {
    async fn list(&self, owner: &str, now: Timestamp) -> Result<Vec<OwnedSession>, StoreError> {
        let ids = self.tables.owners(owner).ids(owner);
        let owned = |id: SessionId| {
            let shard = self.tables.shard(&id);
            shard
                .get(&id)
                .filter(|record| record.owner() == Some(owner) && record.is_live(now))
                .map(|record| OwnedSession::new(id, record))
        };
        Ok(ids.into_iter().filter_map(owned).collect())
    }

    async fn revoke(&self, owner: &str, id: &SessionId) -> Result<bool, StoreError> {
        Ok(self.tables.revoke(owner, id))
    }

    async fn revoke_all(&self, owner: &str, but: Option<&SessionId>) -> Result<usize, StoreError> {
        let ids = self.tables.owners(owner).ids(owner);
        Ok(ids.iter().filter(|id| Some(*id) != but && self.tables.revoke(owner, id)).count())
    }
}

impl Tables {
    fn shard(&self, id: &SessionId) -> MutexGuard<'_, Shard> {
        let [first, ..] = id.as_bytes();
        lock(&self.shards[usize::from(*first) % SHARDS])
    }

    fn owners(&self, owner: &str) -> MutexGuard<'_, OwnerTable> {
        let sum = owner.bytes().fold(0_usize, |sum, byte| sum.wrapping_mul(31).wrapping_add(usize::from(byte)));
        lock(&self.owners[sum % SHARDS])
    }

    fn revoke(&self, owner: &str, id: &SessionId) -> bool {
        let is_revoked = self.shard(id).remove_if(id, |record| record.owner() == Some(owner));
        self.forget(owner, id);
        is_revoked
    }

    /// Takes a session out of its owner's table, unless it is that owner's (again).
    fn forget(&self, owner: &str, id: &SessionId) {
        let mut table = self.owners(owner);
        if self.shard(id).get(id).and_then(Record::owner) != Some(owner) {
            table.remove(owner, id);
        }
    }

    /// Frees what has expired in the next few slots of the shard where `id` lives.
    fn give_back(&self, id: &SessionId, now: Timestamp) {
        let expired = self.shard(id).sweep(now);
        for (id, record) in expired {
            if let Some(owner) = record.owner() {
                self.forget(owner, &id);
            }
        }
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

/// No code of others runs under these locks, so a poisoned one is still whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
