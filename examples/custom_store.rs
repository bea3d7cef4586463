//! A store of your own, over whatever keeps blobs and can compare and set.
//!
//! `cargo run --features testing --example custom_store` checks it against the contract.

use std::{collections::HashMap, sync::Mutex};

use cloakroom::{Changes, Created, Record, SessionId, SessionStore, StoreError, Updated};

/// Stands for your database: keys, blobs, and a write that says `where blob = ?`.
#[derive(Default)]
pub struct Blobs(Mutex<HashMap<SessionId, Vec<u8>>>);

impl Blobs {
    fn read(&self, id: &SessionId) -> Result<Option<(Vec<u8>, Record)>, StoreError> {
        let Some(blob) = self.0.lock().unwrap().get(id).cloned() else { return Ok(None) };
        let record = Record::from_bytes(&blob).map_err(StoreError::undecodable)?;
        Ok(Some((blob, record)))
    }

    fn compare_and_set(&self, id: &SessionId, seen: Option<&Vec<u8>>, record: &Record) -> bool {
        let mut blobs = self.0.lock().unwrap();
        let is_unchanged = blobs.get(id) == seen;
        if is_unchanged {
            blobs.insert(*id, record.to_bytes());
        }
        is_unchanged
    }
}

impl SessionStore for Blobs {
    async fn load(&self, id: &SessionId) -> Result<Option<Record>, StoreError> {
        Ok(self.read(id)?.map(|(_, record)| record))
    }

    async fn create(&self, id: &SessionId, record: &Record) -> Result<Created, StoreError> {
        loop {
            let found = self.read(id)?;
            if found.as_ref().is_some_and(|(_, found)| found.is_live(record.created_at())) {
                return Ok(Created::Taken);
            }
            if self.compare_and_set(id, found.as_ref().map(|(blob, _)| blob), record) {
                return Ok(Created::Done);
            }
        }
    }

    async fn update(&self, id: &SessionId, changes: &Changes) -> Result<Updated, StoreError> {
        while let Some((blob, found)) = self.read(id)?.filter(|(_, found)| found.is_live(changes.now())) {
            let Ok(after) = changes.apply(&found) else { return Ok(Updated::Conflict(Box::new(found))) };
            if self.compare_and_set(id, Some(&blob), &after) {
                return Ok(Updated::Done);
            }
        }
        Ok(Updated::Gone)
    }

    async fn delete(&self, id: &SessionId) -> Result<(), StoreError> {
        self.0.lock().unwrap().remove(id);
        Ok(())
    }
}

#[tokio::main]
async fn main() {
    cloakroom::testing::contract(async || Blobs::default()).await;
    println!("the store keeps the contract");
}
