//! The tools that the checks share.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, SystemTime},
};

use crate::{
    store::{
        Created, Credentials, Deleted, Lifetime, Record, Replaced, SecretHash, SessionId, SessionStore, State,
        StoreError, Timestamp, millis, token,
    },
    testing::RecordBuilder,
};

/// The outcome of a check.
pub(super) type Outcome<T = ()> = Result<T, Broken>;

/// A fault of the store, in words.
#[derive(Debug)]
pub(super) struct Broken(pub(super) String);

impl From<StoreError> for Broken {
    fn from(error: StoreError) -> Self {
        Self(format!("the store answered with an error: {error:?}"))
    }
}

/// Fails with `found` unless `is_kept`.
pub(super) fn ensure(is_kept: bool, found: impl FnOnce() -> String) -> Outcome {
    if is_kept { Ok(()) } else { Err(Broken(found())) }
}

/// Fails unless the two are equal.
pub(super) fn same<T: PartialEq + fmt::Debug>(what: &str, found: T, expected: T) -> Outcome {
    ensure(found == expected, || format!("{what}: {found:?} instead of {expected:?}"))
}

/// The lifetime of the suite's records.
pub(super) const LIFE: Duration = Duration::from_secs(60 * 60);
pub(super) const MILLI: Duration = Duration::from_millis(1);
/// The times for which the suite's expired records have been expired, all within the grace.
pub(super) const EXPIRED: [Duration; 3] = [MILLI, Duration::from_secs(60), Duration::from_secs(9 * 60)];

/// A store under test, and the time. The suite uses the machine's clock, because stores with an expiry of their own use
/// it.
pub(super) struct Bench<S> {
    pub(super) store: Arc<S>,
    pub(super) now: Timestamp,
}

impl<S> Clone for Bench<S> {
    fn clone(&self) -> Self {
        Self { store: Arc::clone(&self.store), now: self.now }
    }
}

/// Records.
impl<S> Bench<S> {
    pub(super) fn new(store: Arc<S>) -> Self {
        Self { store, now: SystemTime::now().into() }
    }

    /// Returns a time before now.
    pub(super) fn before(&self, span: Duration) -> Timestamp {
        Timestamp::from_millis(self.now.as_millis().saturating_sub(millis(span)))
    }

    /// Returns a record with these keys, and without an owner.
    pub(super) fn record(&self, entries: &[(&str, &str)]) -> Record {
        RecordBuilder::new(self.now).state(state(entries)).build()
    }

    /// Returns a record with all parts that a record can have.
    pub(super) fn record_of(&self, owner: &str, entries: &[(&str, &str)]) -> Record {
        self.full(RecordBuilder::new(self.now), owner, entries)
    }

    /// Returns the same record, expired for `span`.
    pub(super) fn expired_of(&self, owner: &str, span: Duration) -> Record {
        let first = RecordBuilder::new(self.before(LIFE + span));
        self.full(first, owner, &[("a", "1")])
    }

    fn full(&self, first: RecordBuilder, owner: &str, entries: &[(&str, &str)]) -> Record {
        let first = first.trail().build();
        let second = RecordBuilder::after(&first).build();
        let credentials = first.credentials().rotated(hash(), self.now).rotated(hash(), self.now);
        let builder = RecordBuilder::after(&second).state(state(entries)).credentials(credentials);
        let builder = builder.owner(Some(owner)).label(Some("laptop")).lifetime(Some(Lifetime::default()));
        builder.admitted(Some(self.now)).unknown("later", "1=\n\u{1f512}").build()
    }
}

/// Calls, each with the expected reply.
impl<S: SessionStore> Bench<S> {
    /// Stores a record under a new id.
    pub(super) async fn created(&self, record: &Record) -> Outcome<SessionId> {
        let id = SessionId::random();
        same("`create`", self.store.create(&id, record).await?, Created::Done)?;
        self.holds(&id, record).await?;
        Ok(id)
    }

    pub(super) async fn is_taken(&self, id: &SessionId, record: &Record, kept: &Record) -> Outcome {
        same("`create`", self.store.create(id, record).await?, Created::Taken)?;
        self.holds(id, kept).await
    }

    pub(super) async fn found(&self, id: &SessionId) -> Outcome<Record> {
        self.store.load(id).await?.ok_or_else(|| Broken("`load` found nothing".to_owned()))
    }

    /// Checks that the store has exactly this record.
    pub(super) async fn holds(&self, id: &SessionId, expected: &Record) -> Outcome {
        same_record("`load` gave", &self.found(id).await?, expected)
    }

    pub(super) async fn holds_nothing(&self, id: &SessionId) -> Outcome {
        ensure(self.store.load(id).await?.is_none(), || "`load` found a record".to_owned())
    }

    pub(super) async fn is_replaced(&self, id: &SessionId, base: &Record, record: &Record) -> Outcome {
        match self.store.replace(id, base, record).await? {
            Replaced::Done => self.holds(id, record).await,
            other => Err(Broken(format!("`replace` answered {other:?} instead of Done"))),
        }
    }

    /// Replaces each record by the next one, and returns the last one.
    pub(super) async fn steps(
        &self,
        id: &SessionId,
        mut record: Record,
        steps: impl IntoIterator<Item = impl FnOnce(RecordBuilder) -> RecordBuilder>,
    ) -> Outcome<Record> {
        for (n, step) in steps.into_iter().enumerate() {
            let next = step(RecordBuilder::after(&record)).build();
            let replaced = self.is_replaced(id, &record, &next).await;
            replaced.map_err(|Broken(found)| Broken(format!("step {n}: {found}")))?;
            record = next;
        }
        Ok(record)
    }

    /// Checks that `replace` returns `Changed` with `kept`, and changes nothing.
    pub(super) async fn is_changed(&self, id: &SessionId, base: &Record, record: &Record, kept: &Record) -> Outcome {
        match self.store.replace(id, base, record).await? {
            Replaced::Changed(found) => same_record("`Changed` has", &found, kept)?,
            other => return Err(Broken(format!("`replace` answered {other:?} instead of Changed"))),
        }
        self.holds(id, kept).await
    }

    /// Checks that `replace` returns `Gone`, and creates nothing.
    pub(super) async fn is_gone(&self, id: &SessionId, base: &Record, record: &Record) -> Outcome {
        match self.store.replace(id, base, record).await? {
            Replaced::Gone => self.holds_nothing(id).await,
            other => Err(Broken(format!("`replace` answered {other:?} instead of Gone"))),
        }
    }

    pub(super) async fn is_deleted(&self, id: &SessionId, base: Option<&Record>) -> Outcome {
        same("`delete`", self.store.delete(id, base).await?, Deleted::Done)?;
        self.holds_nothing(id).await
    }

    /// Checks that `delete` returns `Changed` with `kept`, and deletes nothing.
    pub(super) async fn is_not_deleted(&self, id: &SessionId, base: &Record, kept: &Record) -> Outcome {
        match self.store.delete(id, Some(base)).await? {
            Deleted::Changed(found) => same_record("`Changed` has", &found, kept)?,
            other => return Err(Broken(format!("`delete` answered {other:?} instead of Changed"))),
        }
        self.holds(id, kept).await
    }
}

pub(super) fn state(entries: &[(&str, &str)]) -> State {
    entries.iter().copied().collect()
}

pub(super) fn hash() -> SecretHash {
    SecretHash::from_bytes(token::random())
}

pub(super) fn credentials() -> Credentials {
    Credentials::new(hash())
}

/// Names the first difference, because a record's `Debug` shows neither values nor hashes.
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
    let (body, other) = (found.body(), expected.body());
    same(&format!("{what} the owner"), found.owner(), expected.owner())?;
    same(&format!("{what} the label"), found.label(), expected.label())?;
    same(&format!("{what} the lifetime"), found.lifetime(), expected.lifetime())?;
    same(&format!("{what} `created_at`"), found.created_at(), expected.created_at())?;
    same(&format!("{what} `last_used`"), found.last_used(), expected.last_used())?;
    same(&format!("{what} `expires_at`"), found.expires_at(), expected.expires_at())?;
    same(&format!("{what} the nonce"), found.nonce(), expected.nonce())?;
    same(&format!("{what} the trail"), body.rest.trail, other.rest.trail)?;
    same(&format!("{what} as admitted"), body.rest.admitted, other.rest.admitted)?;
    same(&format!("{what} as unknown lines"), &body.rest.unknown, &other.rest.unknown)?;
    ensure(found.credentials() == expected.credentials(), || format!("{what} other credentials"))?;
    Err(Broken(format!("{what} a record that is different")))
}

fn short(value: &str) -> String {
    value.chars().take(60).collect()
}
