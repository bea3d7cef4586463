//! A cache before a store.

use async_trait::async_trait;

use super::{Result, SessionStore};
use crate::tower_sessions::session::{Id, Record};

/// A cache before a store, as tower-sessions has it.
///
/// It runs through [`OneProcessStore`](super::OneProcessStore), whose limits are worse here: a second process does not see that a
/// cached session has changed or ended.
#[derive(Clone, Debug)]
pub struct CachingSessionStore<Cache: SessionStore, Store: SessionStore> {
    cache: Cache,
    store: Store,
}

impl<Cache: SessionStore, Store: SessionStore> CachingSessionStore<Cache, Store> {
    /// Puts `cache` before `store`.
    pub fn new(cache: Cache, store: Store) -> Self {
        Self { cache, store }
    }
}

/// The store is written first: what it refuses must not be in the cache.
#[async_trait]
impl<Cache: SessionStore, Store: SessionStore> SessionStore for CachingSessionStore<Cache, Store> {
    async fn create(&self, record: &mut Record) -> Result<()> {
        self.store.create(record).await?;
        self.cache.create(record).await
    }

    async fn save(&self, record: &Record) -> Result<()> {
        self.store.save(record).await?;
        self.cache.save(record).await
    }

    async fn load(&self, id: &Id) -> Result<Option<Record>> {
        if let Some(record) = self.cache.load(id).await? {
            return Ok(Some(record));
        }
        let record = self.store.load(id).await?;
        if let Some(record) = &record {
            self.cache.save(record).await?;
        }
        Ok(record)
    }

    /// The cache goes first: if the store fails, a session must not stay alive in the cache alone.
    async fn delete(&self, id: &Id) -> Result<()> {
        self.cache.delete(id).await?;
        self.store.delete(id).await
    }
}
