//! A store with one fault, of the kinds that people really write.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard},
    time::Duration,
};

use cloakroom::{
    Changes, Created, Credentials, DynOwnerIndex, Expected, OwnedSession, OwnerIndex, Record, SecretHash, SessionId,
    SessionStore, State, StoreError, Timestamp, Updated, testing::ChangesBuilder,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    None,
    LoadsThenOverwrites,
    RecreatesOnUpdate,
    IgnoresCredentials,
    IgnoresKeys,
    OverwritesOnCreate,
    NeverExpires,
    KeepsExpiredIds,
    OneMilliLate,
    ForgetsNonce,
    MovesDeadlinesIn,
    SignsDeadlines,
    ClearsLast,
    ReparsesNumbers,
    TrimsKeys,
    WritesHalves,
    DeletesTooMuch,
    ListsExpired,
    RevokesAnybodys,
    KeepsNone,
}

pub(crate) struct Careless {
    fault: Fault,
    records: Mutex<BTreeMap<SessionId, Record>>,
}

impl Careless {
    pub(crate) fn new(fault: Fault) -> Self {
        Self { fault, records: Mutex::default() }
    }

    fn records(&self) -> MutexGuard<'_, BTreeMap<SessionId, Record>> {
        self.records.lock().expect("nothing panics under it")
    }

    /// A database's round trip: what lies between a read and a write that are two.
    async fn round_trip(&self) {
        if self.fault == Fault::LoadsThenOverwrites {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    fn is_live(&self, record: &Record, now: Timestamp) -> bool {
        match self.fault {
            Fault::NeverExpires => true,
            Fault::OneMilliLate => now <= record.expires_at(),
            _ => record.is_live(now),
        }
    }

    /// The changes as this store understands them, made for `record`.
    fn understood(&self, changes: &Changes, record: &Record) -> Changes {
        let mut built = ChangesBuilder::new(changes.now()).nonce(changes.nonce()).expires_at(changes.expires_at());
        if self.fault == Fault::ForgetsNonce {
            built = built.nonce(record.nonce());
        }
        if changes.clears() {
            built = built.clear();
        }
        let clears_last = self.fault == Fault::ClearsLast && changes.clears();
        for change in changes.keys() {
            let expected = if self.fault == Fault::IgnoresKeys { Expected::Anything } else { change.expected() };
            let key = if self.fault == Fault::TrimsKeys { change.key().trim() } else { change.key() };
            built = match change.value().filter(|_| !clears_last) {
                Some(raw) => built.set_if(key, expected, &self.kept(raw)),
                None => built.remove_if(key, expected),
            };
        }
        if let Some(expected) = changes.expected_credentials().filter(|_| self.fault != Fault::IgnoresCredentials) {
            built = built.expect_credentials(expected);
        }
        if let Some(new) = changes.credentials() {
            let from = match changes.expected_credentials() {
                Some(expected) if self.fault != Fault::IgnoresCredentials => expected.clone(),
                _ => record.credentials(),
            };
            built = built.rotate(&from, new);
        }
        if let Some(owner) = changes.owner() {
            built = built.owner(owner);
        }
        if let Some(label) = changes.label() {
            built = built.label(label);
        }
        if let Some(lifetime) = changes.lifetime() {
            built = built.lifetime(lifetime.clone());
        } else if self.fault == Fault::MovesDeadlinesIn && changes.expires_at() > changes.now() {
            built = built.lifetime(cloakroom::Lifetime::default());
        }
        built.build()
    }

    fn kept(&self, raw: &str) -> String {
        if self.fault != Fault::ReparsesNumbers {
            return raw.to_owned();
        }
        serde_json::from_str::<serde_json::Value>(raw).map_or_else(|_| raw.to_owned(), |value| value.to_string())
    }
}

impl SessionStore for Careless {
    async fn load(&self, id: &SessionId) -> Result<Option<Record>, StoreError> {
        Ok(self.records().get(id).cloned())
    }

    async fn create(&self, id: &SessionId, record: &Record) -> Result<Created, StoreError> {
        if self.fault == Fault::SignsDeadlines {
            i64::try_from(record.expires_at().as_millis()).map_err(StoreError::new)?;
        }
        let is_taken = |found: &Record| match self.fault {
            Fault::OverwritesOnCreate => false,
            Fault::KeepsExpiredIds => true,
            _ => self.is_live(found, record.created_at()),
        };
        if self.fault == Fault::LoadsThenOverwrites {
            if self.load(id).await?.as_ref().is_some_and(is_taken) {
                return Ok(Created::Taken);
            }
            self.round_trip().await;
        }
        let mut records = self.records();
        if self.fault != Fault::LoadsThenOverwrites && records.get(id).is_some_and(is_taken) {
            return Ok(Created::Taken);
        }
        records.insert(*id, record.clone());
        Ok(Created::Done)
    }

    async fn update(&self, id: &SessionId, changes: &Changes) -> Result<Updated, StoreError> {
        if self.fault == Fault::LoadsThenOverwrites {
            let Some(found) = self.load(id).await?.filter(|found| found.is_live(changes.now())) else {
                return Ok(Updated::Gone);
            };
            let Ok(after) = changes.apply(&found) else { return Ok(Updated::Conflict(Box::new(found))) };
            self.round_trip().await;
            self.records().insert(*id, after);
            return Ok(Updated::Done);
        }
        if self.fault == Fault::WritesHalves && changes.owner().is_some() {
            let owner = ChangesBuilder::new(changes.now()).owner(changes.owner().flatten()).build();
            if let Some(record) = self.records().get_mut(id)
                && let (true, Ok(after)) = (changes.apply(record).is_ok(), owner.apply(record))
            {
                *record = after;
            }
            tokio::task::yield_now().await;
        }
        let mut records = self.records();
        if self.fault == Fault::RecreatesOnUpdate {
            let credentials = Credentials::new(SecretHash::from_bytes([0; 32]));
            let empty = Record::new(credentials, State::default(), changes.now(), Timestamp::MAX);
            records.entry(*id).or_insert(empty);
        }
        let Some(record) = records.get_mut(id).filter(|found| self.is_live(found, changes.now())) else {
            return Ok(Updated::Gone);
        };
        match self.understood(changes, record).apply(record) {
            Ok(after) => *record = after,
            Err(_) => return Ok(Updated::Conflict(Box::new(record.clone()))),
        }
        Ok(Updated::Done)
    }

    async fn delete(&self, id: &SessionId) -> Result<(), StoreError> {
        let mut records = self.records();
        let removed = records.remove(id);
        if let Some(owner) = removed.as_ref().and_then(Record::owner).filter(|_| self.fault == Fault::DeletesTooMuch) {
            records.retain(|_, record| record.owner() != Some(owner));
        }
        Ok(())
    }

    fn owner_index(&self) -> Option<&dyn DynOwnerIndex> {
        Some(self)
    }
}

impl OwnerIndex for Careless {
    async fn list(&self, owner: &str, now: Timestamp) -> Result<Vec<OwnedSession>, StoreError> {
        let is_listed = |record: &Record| self.fault == Fault::ListsExpired || record.is_live(now);
        let records = self.records();
        let owned = records.iter().filter(|(_, record)| record.owner() == Some(owner) && is_listed(record));
        Ok(owned.map(|(id, record)| OwnedSession::new(*id, record)).collect())
    }

    async fn revoke(&self, owner: &str, id: &SessionId) -> Result<bool, StoreError> {
        let mut records = self.records();
        let is_owners = |record: &Record| self.fault == Fault::RevokesAnybodys || record.owner() == Some(owner);
        Ok(records.get(id).is_some_and(is_owners) && records.remove(id).is_some())
    }

    async fn revoke_all(&self, owner: &str, but: Option<&SessionId>) -> Result<Vec<SessionId>, StoreError> {
        let but = but.filter(|_| self.fault != Fault::KeepsNone);
        let mut records = self.records();
        let is_ended = |id: &SessionId, record: &Record| Some(id) != but && record.owner() == Some(owner);
        let ended: Vec<_> = records.iter().filter(|(id, record)| is_ended(id, record)).map(|(id, _)| *id).collect();
        records.retain(|id, _| !ended.contains(id));
        Ok(ended)
    }
}
