//! A store that was written for tower-sessions, under the contract of this crate's stores.

use std::{
    collections::HashMap,
    fmt,
    hash::{BuildHasher, RandomState},
    sync::Arc,
};

use serde_json::Value;
use time::OffsetDateTime;
use tokio::sync::{Mutex, MutexGuard};

use super::{Error, SessionStore};
use crate::{
    SessionId, StoreError,
    store::{Created, Deleted, Record, Replaced},
    tower_sessions::session::{self, Id},
};

/// The key of a stored record's data under which the whole session is.
const KEY: &str = "cloakroom";

/// The time for which a session that never ends is kept: 10 years. The type `timestamp` of some databases ends in 2038.
const LONGEST: time::Duration = time::Duration::days(3650);

/// Writers of different sessions rarely wait for each other.
const TURNS: usize = 256;

/// A store that was written for tower-sessions, as a [`cloakroom::store::SessionStore`](crate::store::SessionStore) whose guarantees hold
/// **within one process**.
///
/// Such a store overwrites whole records. This adapter compares before it writes, under a lock for each session. A second
/// process, or a second `OneProcessStore` over the same database, does not know of that lock. With several processes:
///
/// - of two requests that write at the same time in two processes, one request's writes can be lost, `update`s and renewals
///   included;
/// - a request that writes while a logout runs in another process can bring the session back.
///
/// Within one process all other guarantees hold, except these:
///
/// - A deleted record leaves no tombstone. If the store goes on with a write after it has reported an error, that write can
///   bring a deleted session back.
/// - There is no index of owners: no "log out everywhere", and no `max_per_owner`.
///
/// For several processes use `RedisStore`, or a store with a conditional write: it needs four verbs, see
/// [`cloakroom::store::SessionStore`](crate::store::SessionStore).
///
/// A stored record's `data` has one key, `cloakroom`, with the text of the whole session ([`Record::to_bytes`]). So every value
/// comes back as it went in, whatever encoding the store uses. Records that tower-sessions itself has stored are no sessions
/// here, and are left alone. A record's `expiry_date` is 10 minutes after the session's deadline: see [`Record::GRACE`].
pub struct OneProcessStore<S: ?Sized> {
    turns: Arc<[Mutex<()>]>,
    hasher: RandomState,
    store: Arc<S>,
}

impl<S: SessionStore> OneProcessStore<S> {
    /// Adapts `store`. Clones of the result are one store. Two results are two, even over one database.
    #[must_use]
    pub fn new(store: S) -> Self {
        Arc::new(store).into()
    }
}

impl<S: SessionStore + ?Sized> OneProcessStore<S> {
    async fn turn(&self, id: SessionId) -> Option<MutexGuard<'_, ()>> {
        let at = usize::try_from(self.hasher.hash_one(id)).unwrap_or(usize::MAX) % TURNS;
        match self.turns.get(at) {
            Some(turn) => Some(turn.lock().await),
            None => None,
        }
    }

    /// Loads a record, for a verb that has written nothing yet.
    async fn find(&self, id: SessionId) -> Result<Option<Record>, StoreError> {
        match self.store.load(&id.into()).await.map_err(unwritten)? {
            Some(found) => read(&found),
            None => Ok(None),
        }
    }
}

impl<S: SessionStore + ?Sized> From<Arc<S>> for OneProcessStore<S> {
    fn from(store: Arc<S>) -> Self {
        let turns = (0..TURNS).map(|_| Mutex::default()).collect();
        Self { turns, hasher: RandomState::new(), store }
    }
}

impl<S: SessionStore + ?Sized> crate::store::SessionStore for OneProcessStore<S> {
    async fn load(&self, id: &SessionId) -> Result<Option<Record>, StoreError> {
        self.find(*id).await
    }

    async fn create(&self, id: &SessionId, record: &Record) -> Result<Created, StoreError> {
        let _turn = self.turn(*id).await;
        let own = Id::from(*id);
        match self.store.load(&own).await {
            Ok(None) => {}
            Ok(Some(_)) | Err(Error::Decode(_)) => return Ok(Created::Taken),
            Err(error) => return Err(unwritten(error)),
        }
        let mut written = write(*id, record);
        self.store.create(&mut written).await.map_err(StoreError::new)?;
        if written.id == own {
            return Ok(Created::Done);
        }
        // The store has drawn another id. Its token would open nothing.
        self.store.delete(&written.id).await.map_err(StoreError::new)?;
        Ok(Created::Taken)
    }

    async fn replace(&self, id: &SessionId, base: &Record, record: &Record) -> Result<Replaced, StoreError> {
        let _turn = self.turn(*id).await;
        match self.find(*id).await? {
            None => Ok(Replaced::Gone),
            Some(found) if found.nonce() != base.nonce() => Ok(Replaced::Changed(found)),
            Some(_) => {
                self.store.save(&write(*id, record)).await.map_err(StoreError::new)?;
                Ok(Replaced::Done)
            }
        }
    }

    async fn delete(&self, id: &SessionId, base: Option<&Record>) -> Result<Deleted, StoreError> {
        let _turn = self.turn(*id).await;
        let found = match (self.find(*id).await, base) {
            (Ok(Some(found)), Some(base)) if found.nonce() != base.nonce() => return Ok(Deleted::Changed(found)),
            (Ok(None), Some(_)) => return Ok(Deleted::Gone),
            (Ok(found), _) => found.is_some(),
            (Err(error), None) if error.is_undecodable() => true,
            (Err(error), _) => return Err(error),
        };
        self.store.delete(&(*id).into()).await.map_err(StoreError::new)?;
        Ok(if found { Deleted::Done } else { Deleted::Gone })
    }
}

impl<S: ?Sized> Clone for OneProcessStore<S> {
    fn clone(&self) -> Self {
        Self { turns: Arc::clone(&self.turns), hasher: self.hasher.clone(), store: Arc::clone(&self.store) }
    }
}

impl<S: fmt::Debug + ?Sized> fmt::Debug for OneProcessStore<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("OneProcessStore").field(&&*self.store).finish()
    }
}

fn write(id: SessionId, record: &Record) -> session::Record {
    let text = String::from_utf8_lossy(&record.to_bytes()).into_owned();
    let ttl = record.ttl().and_then(|ttl| ttl.try_into().ok()).unwrap_or(LONGEST);
    let expiry_date = OffsetDateTime::now_utc().saturating_add(LONGEST.min(ttl));
    session::Record { id: id.into(), data: HashMap::from([(KEY.to_owned(), Value::String(text))]), expiry_date }
}

/// Reads a record. `None`: it is one of tower-sessions itself.
fn read(found: &session::Record) -> Result<Option<Record>, StoreError> {
    let Some(text) = found.data.get(KEY) else { return Ok(None) };
    let text = text.as_str().ok_or_else(|| StoreError::undecodable("the session's text is missing"))?;
    Record::from_bytes(text.as_bytes()).map(Some).map_err(StoreError::undecodable)
}

/// Makes the error of a call before which nothing was written.
fn unwritten(error: Error) -> StoreError {
    match error {
        Error::Decode(_) => StoreError::undecodable(error),
        Error::Encode(_) | Error::Backend(_) => StoreError::not_done(error),
    }
}
