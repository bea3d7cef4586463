//! A store as it was written for tower-sessions.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use cloakroom::tower_sessions::{
    SessionStore,
    session::{Id, Record},
    session_store::{Error, Result},
};
use time::OffsetDateTime;
use tokio::task::yield_now;

/// Overwrites whole records. Each verb lets other tasks run before it acts, as one that goes over a network does.
#[derive(Clone, Debug, Default)]
pub(crate) struct ForeignStore {
    pub(crate) records: Arc<Mutex<HashMap<Id, Record>>>,
    fails: Arc<Mutex<bool>>,
}

impl ForeignStore {
    pub(crate) fn fails(&self, fails: bool) {
        *self.fails.lock().unwrap() = fails;
    }

    async fn acts(&self) -> Result<()> {
        yield_now().await;
        if *self.fails.lock().unwrap() { Err(Error::Backend("the database is away".to_owned())) } else { Ok(()) }
    }
}

#[async_trait]
impl SessionStore for ForeignStore {
    async fn create(&self, record: &mut Record) -> Result<()> {
        self.acts().await?;
        let mut records = self.records.lock().unwrap();
        while records.contains_key(&record.id) {
            record.id = Id::default();
        }
        records.insert(record.id, record.clone());
        Ok(())
    }

    async fn save(&self, record: &Record) -> Result<()> {
        self.acts().await?;
        self.records.lock().unwrap().insert(record.id, record.clone());
        Ok(())
    }

    async fn load(&self, id: &Id) -> Result<Option<Record>> {
        self.acts().await?;
        let found = self.records.lock().unwrap().get(id).cloned();
        Ok(found.filter(|record| record.expiry_date > OffsetDateTime::now_utc()))
    }

    async fn delete(&self, id: &Id) -> Result<()> {
        self.acts().await?;
        self.records.lock().unwrap().remove(id);
        Ok(())
    }
}
