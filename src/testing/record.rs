//! Records made by hand.

use std::{sync::Arc, time::Duration};

use crate::store::{Credentials, Lifetime, Record, SecretHash, State, Timestamp, token};

/// Makes a [`Record`] by hand, for tests of stores. In an application, the core makes them.
///
/// Values are raw JSON text.
///
/// ```
/// use cloakroom::{store::Timestamp, testing::RecordBuilder};
///
/// let record = RecordBuilder::new(Timestamp::from_millis(1_000)).set("visits", "1").owner(Some("alice")).build();
/// let next = RecordBuilder::after(&record).set("visits", "2").remove("cart").build();
/// assert_eq!(next.state().get("visits"), Some("2"));
/// assert_ne!(next.nonce(), record.nonce());
/// ```
#[derive(Clone, Debug)]
#[must_use = "a builder makes nothing until `build` is called"]
pub struct RecordBuilder {
    record: Record,
}

impl RecordBuilder {
    /// Starts from an empty record, created and last used at `now`, with random credentials and a random nonce. It expires an
    /// hour later.
    pub fn new(now: Timestamp) -> Self {
        let credentials = Credentials::new(SecretHash::from_bytes(token::random()));
        let record = Record::new(credentials, State::default(), now, now.plus(Duration::from_secs(60 * 60)));
        Self { record }.nonce(u64::from_le_bytes(token::random()))
    }

    /// Starts from `record`, with its nonce.
    pub fn of(record: &Record) -> Self {
        Self { record: record.clone() }
    }

    /// Starts from the next write of `record`: with a new random nonce, and with `record`'s nonce in the trail.
    pub fn after(record: &Record) -> Self {
        Self { record: record.clone().written(u64::from_le_bytes(token::random()), record) }
    }

    /// Gives the record a trail. In a store that can lose replies, all records have one.
    pub fn trail(mut self) -> Self {
        self.record.body_mut().rest.trail.get_or_insert_default();
        self
    }

    /// Sets the nonce: the version of the record.
    pub fn nonce(mut self, nonce: u64) -> Self {
        self.record.body_mut().nonce = nonce;
        self
    }

    /// Sets a key.
    pub fn set(self, key: &str, raw: &str) -> Self {
        let entries: Vec<(String, String)> = self.entries();
        let entries = entries.into_iter().chain([(key.to_owned(), raw.to_owned())]);
        self.state(entries.collect())
    }

    /// Removes a key.
    pub fn remove(self, key: &str) -> Self {
        let entries = self.entries();
        self.state(entries.into_iter().filter(|(other, _)| other != key).collect())
    }

    /// Replaces all keys.
    pub fn state(mut self, state: State) -> Self {
        self.record.body_mut().state = state;
        self
    }

    /// Sets or removes the owner.
    pub fn owner(mut self, owner: Option<&str>) -> Self {
        self.record.body_mut().rest.owner = owner.map(Arc::from);
        self
    }

    /// Sets or removes the label.
    pub fn label(mut self, label: Option<&str>) -> Self {
        self.record.body_mut().rest.label = label.map(Arc::from);
        self
    }

    /// Sets or removes the session's own lifetime.
    pub fn lifetime(mut self, lifetime: Option<Lifetime>) -> Self {
        self.record.body_mut().rest.lifetime = lifetime.map(Arc::new);
        self
    }

    /// Replaces the credentials.
    pub fn credentials(mut self, credentials: Credentials) -> Self {
        let (current, superseded) = credentials.into_parts();
        let body = self.record.body_mut();
        body.current = current;
        body.rest.superseded = superseded;
        self
    }

    /// Sets the time of the last use.
    pub fn used_at(mut self, time: Timestamp) -> Self {
        self.record.body_mut().last_used = time;
        self
    }

    /// Sets the deadline.
    pub fn expires_at(mut self, deadline: Timestamp) -> Self {
        self.record.body_mut().expires_at = deadline;
        self
    }

    /// Sets or removes the value of `owner_valid_from` with which the login was admitted.
    pub fn admitted(mut self, value: Option<Timestamp>) -> Self {
        self.record.body_mut().rest.admitted = value;
        self
    }

    /// Adds a line of the text form that this version does not know, and that a later version may write. Stores keep
    /// such lines. Its name consists of the letters `a` to `z`.
    pub fn unknown(mut self, name: &str, text: &str) -> Self {
        let rest = &mut self.record.body_mut().rest;
        let lines = rest.unknown.as_deref().unwrap_or_default();
        rest.unknown = Some(format!("{lines}{name}={}:{text}\n", text.len()).into());
        self
    }

    /// Makes the record.
    #[must_use]
    pub fn build(mut self) -> Record {
        let body = self.record.body_mut();
        body.rest = std::mem::take(&mut body.rest).tidied();
        self.record
    }

    fn entries(&self) -> Vec<(String, String)> {
        self.record.state().iter().map(|(key, raw)| (key.to_owned(), raw.to_owned())).collect()
    }
}
