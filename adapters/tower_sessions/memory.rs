//! Sessions in memory.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use time::OffsetDateTime;

use super::{
    SessionStore,
    session::{Id, Record},
    session_store::{Result, native},
};
use crate::SessionLayer;

/// Keeps sessions in memory: a [`cloakroom::MemoryStore`](crate::MemoryStore), with all its guarantees.
///
/// Clones are one store. Records that the application itself stores, by [`create`](SessionStore::create) or
/// [`save`](SessionStore::save), are kept beside the sessions, so that it can be the cache of a
/// [`CachingSessionStore`](super::CachingSessionStore). They are no sessions: the id of such a record, sent as a cookie, opens
/// nothing.
#[derive(Clone, Debug, Default)]
pub struct MemoryStore {
    sessions: crate::MemoryStore,
    records: Arc<Mutex<HashMap<Id, Record>>>,
}

impl MemoryStore {
    /// Returns the store of the sessions, for a [`SessionLayer`] beside this one.
    #[must_use]
    pub fn sessions(&self) -> crate::MemoryStore {
        self.sessions.clone()
    }

    fn records(&self) -> MutexGuard<'_, HashMap<Id, Record>> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl SessionStore for MemoryStore {
    async fn create(&self, record: &mut Record) -> Result<()> {
        let mut records = self.records();
        while records.contains_key(&record.id) {
            record.id = Id::default();
        }
        records.insert(record.id, record.clone());
        Ok(())
    }

    async fn save(&self, record: &Record) -> Result<()> {
        self.records().insert(record.id, record.clone());
        Ok(())
    }

    /// Loads a record that the application stored, or else a session.
    async fn load(&self, id: &Id) -> Result<Option<Record>> {
        let record = self.records().get(id).cloned();
        match record {
            Some(record) => Ok(Some(record).filter(|record| record.expiry_date > OffsetDateTime::now_utc())),
            None => native::load(&self.sessions, id).await,
        }
    }

    async fn delete(&self, id: &Id) -> Result<()> {
        self.records().remove(id);
        native::delete(&self.sessions, id).await
    }

    fn into_session_layer(self: Arc<Self>) -> SessionLayer {
        SessionLayer::new(self.sessions())
    }
}
