//! What the checks are written with.

use std::{fmt, sync::Arc, time::Duration, time::SystemTime};

use crate::{
    changes::Changes,
    credentials::Credentials,
    record::Record,
    state::State,
    store::{Created, SessionStore, StoreError, Updated},
    testing::ChangesBuilder,
    time::Timestamp,
    token::{self, SecretHash, SessionId},
};

/// How a check ends.
pub(super) type Outcome<T = ()> = Result<T, Broken>;

/// What a store did that it must not do.
pub(super) struct Broken(pub(super) String);

impl From<StoreError> for Broken {
    fn from(error: StoreError) -> Self {
        Self(format!("the store answered with an error: {error:?}"))
    }
}

/// Asks for `is_kept`, or says what was found.
pub(super) fn ensure(is_kept: bool, found: impl FnOnce() -> String) -> Outcome {
    if is_kept { Ok(()) } else { Err(Broken(found())) }
}

/// Asks for equality.
pub(super) fn same<T: PartialEq + fmt::Debug>(what: &str, found: T, expected: T) -> Outcome {
    ensure(found == expected, || format!("{what}: {found:?} instead of {expected:?}"))
}

/// How long the records of the suite live. Stores with an expiry of their own go by the machine's clock, so every
/// record is live by that, and time passes in `Changes::now` and `Record::created_at` only.
pub(super) const LIFE: Duration = Duration::from_secs(60 * 60);
pub(super) const MILLI: Duration = Duration::from_millis(1);
/// The last moment of such a life.
pub(super) const LAST: Duration = LIFE.saturating_sub(MILLI);

/// A store under test, at a point in time.
pub(super) struct Bench<S> {
    pub(super) store: Arc<S>,
    pub(super) now: Timestamp,
}

impl<S> Clone for Bench<S> {
    fn clone(&self) -> Self {
        Self { store: Arc::clone(&self.store), now: self.now }
    }
}

impl<S: SessionStore> Bench<S> {
    pub(super) fn new(store: Arc<S>) -> Self {
        Self { store, now: SystemTime::now().into() }
    }

    /// A record with these keys and random credentials.
    pub(super) fn record(&self, entries: &[(&str, &str)]) -> Record {
        self.record_at(self.now, entries)
    }

    #[allow(clippy::unused_self)] // It reads as its neighbour does.
    pub(super) fn record_at(&self, now: Timestamp, entries: &[(&str, &str)]) -> Record {
        let state: State = entries.iter().copied().collect();
        Record::new(credentials(), state, now, now.plus(LIFE))
    }

    /// A record of an owner, with all that a record can have.
    pub(super) fn record_of(&self, owner: &str, entries: &[(&str, &str)]) -> Outcome<Record> {
        let record = self.record(entries);
        let rotated = record.credentials().rotated(hash(), self.now);
        let changes = self.changes().rotate(&record.credentials(), &rotated).owner(Some(owner)).label(Some("laptop"));
        apply(&changes.build(), &record)
    }

    pub(super) fn changes(&self) -> ChangesBuilder {
        ChangesBuilder::new(self.now)
    }

    /// Stores a record under an id of its own.
    pub(super) async fn created(&self, record: &Record) -> Outcome<SessionId> {
        let id = SessionId::random();
        self.creates(&id, record).await?;
        Ok(id)
    }

    pub(super) async fn creates(&self, id: &SessionId, record: &Record) -> Outcome {
        same("`create`", self.store.create(id, record).await?, Created::Done)?;
        self.holds(id, record).await
    }

    /// The store has exactly this record.
    pub(super) async fn holds(&self, id: &SessionId, expected: &Record) -> Outcome {
        match self.store.load(id).await? {
            Some(found) => same_record("`load` gave", &found, expected),
            None => Err(Broken("`load` found nothing".to_owned())),
        }
    }

    pub(super) async fn holds_nothing(&self, id: &SessionId) -> Outcome {
        ensure(self.store.load(id).await?.is_none(), || "`load` found a record".to_owned())
    }

    /// The changes are made to `before`, and nothing else.
    pub(super) async fn applies(&self, id: &SessionId, before: &Record, changes: &Changes) -> Outcome<Record> {
        let after = apply(changes, before)?;
        match self.store.update(id, changes).await? {
            Updated::Done => {}
            other => return Err(Broken(format!("`update` answered {other:?} instead of Done"))),
        }
        self.holds(id, &after).await?;
        Ok(after)
    }

    /// The changes conflict with `kept`, which comes back and stays as it is.
    pub(super) async fn conflicts(&self, id: &SessionId, kept: &Record, changes: &Changes) -> Outcome {
        match self.store.update(id, changes).await? {
            Updated::Conflict(found) => same_record("the Conflict carried", &found, kept)?,
            other => return Err(Broken(format!("`update` answered {other:?} instead of Conflict"))),
        }
        self.holds(id, kept).await
    }

    /// There is nothing to change.
    pub(super) async fn is_gone(&self, id: &SessionId, changes: &Changes) -> Outcome {
        match self.store.update(id, changes).await? {
            Updated::Gone => Ok(()),
            other => Err(Broken(format!("`update` answered {other:?} instead of Gone"))),
        }
    }
}

pub(super) fn apply(changes: &Changes, record: &Record) -> Outcome<Record> {
    changes.apply(record).map_err(|_| Broken("the suite itself is wrong: these changes cannot apply".to_owned()))
}

pub(super) fn hash() -> SecretHash {
    SecretHash::from_bytes(token::random())
}

pub(super) fn credentials() -> Credentials {
    Credentials::new(hash())
}

/// Names the first difference: a record's `Debug` shows neither values nor hashes.
pub(super) fn same_record(what: &str, found: &Record, expected: &Record) -> Outcome {
    if found == expected {
        return Ok(());
    }
    for (key, value) in expected.state().iter() {
        let other = found.state().get(key);
        same(&format!("{what} under the key {key:?}"), other.map(short), Some(short(value)))?;
        ensure(other == Some(value), || format!("{what} another value under the key {key:?}"))?;
    }
    for (key, _) in found.state().iter() {
        ensure(expected.state().contains_key(key), || format!("{what} the key {key:?}, which should not be there"))?;
    }
    same(&format!("{what} the owner"), found.owner(), expected.owner())?;
    same(&format!("{what} the label"), found.label(), expected.label())?;
    same(&format!("{what} the lifetime"), found.lifetime(), expected.lifetime())?;
    same(&format!("{what} `created_at`"), found.created_at(), expected.created_at())?;
    same(&format!("{what} `last_used`"), found.last_used(), expected.last_used())?;
    same(&format!("{what} `expires_at`"), found.expires_at(), expected.expires_at())?;
    same(&format!("{what} the nonce"), found.nonce(), expected.nonce())?;
    ensure(found.credentials() == expected.credentials(), || format!("{what} other credentials"))?;
    Err(Broken(format!("{what} a record that is different")))
}

fn short(value: &str) -> String {
    value.chars().take(60).collect()
}
