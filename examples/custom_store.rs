//! A custom store.
//!
//! `cargo run --features testing --example custom_store` tests it against the contract.

use std::collections::HashMap;
use std::sync::Mutex;

use cloakroom::{
    SessionId, StoreError,
    store::{Created, Deleted, Record, Replaced, SessionStore},
};

/// Stands for your database. The lock makes each verb atomic; SQL does it by `where nonce = ?`.
#[derive(Default)]
pub struct Records(Mutex<HashMap<SessionId, Record>>);

impl SessionStore for Records {
    async fn load(&self, id: &SessionId) -> Result<Option<Record>, StoreError> {
        Ok(self.0.lock().unwrap().get(id).cloned())
    }

    async fn create(&self, id: &SessionId, record: &Record) -> Result<Created, StoreError> {
        let mut records = self.0.lock().unwrap();
        let is_taken = records.contains_key(id);
        records.entry(*id).or_insert_with(|| record.clone());
        Ok(if is_taken { Created::Taken } else { Created::Done })
    }

    async fn replace(&self, id: &SessionId, base: &Record, record: &Record) -> Result<Replaced, StoreError> {
        match self.0.lock().unwrap().get_mut(id) {
            None => return Ok(Replaced::Gone),
            Some(stored) if stored.nonce() != base.nonce() => return Ok(Replaced::Changed(stored.clone())),
            Some(stored) => *stored = record.clone(),
        }
        Ok(Replaced::Done)
    }

    async fn delete(&self, id: &SessionId, base: Option<&Record>) -> Result<Deleted, StoreError> {
        let mut records = self.0.lock().unwrap();
        match (records.get(id), base) {
            (Some(stored), Some(base)) if stored.nonce() != base.nonce() => Ok(Deleted::Changed(stored.clone())),
            _ => Ok(records.remove(id).map_or(Deleted::Gone, |_| Deleted::Done)),
        }
    }
}

#[tokio::main]
async fn main() {
    cloakroom::testing::contract(async || Records::default()).await;
    println!("the store keeps the contract");
}
