//! What one request did to a record, and applying it.

use std::{fmt, sync::Arc};

use crate::{credentials::Credentials, lifetime::Lifetime, record::Record, state::State, time::Timestamp};

/// What one request did to a record, as a delta: two requests that changed different keys both find their place.
///
/// It may carry conditions, and [`Changes::apply`] answers [`Conflict`] where one fails:
/// for each key that an `update` read, the raw value that it saw; and, for a rotation, the credentials as loaded.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Changes {
    pub(crate) now: Timestamp,
    pub(crate) nonce: u64,
    pub(crate) delta: Delta,
    pub(crate) expected: Option<Credentials>,
    pub(crate) credentials: Option<Credentials>,
    pub(crate) owner: Option<Option<Arc<str>>>,
    pub(crate) label: Option<Option<Arc<str>>>,
    pub(crate) lifetime: Option<Arc<Lifetime>>,
    pub(crate) expires_at: Timestamp,
}

/// What happened to the keys.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Delta {
    pub(crate) clear: bool,
    /// Sorted by key, each key once.
    pub(crate) keys: Vec<KeyChange>,
}

/// What happened to one key.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct KeyChange {
    pub(crate) key: Arc<str>,
    pub(crate) seen: Seen,
    pub(crate) value: Option<Arc<str>>,
}

/// What a change expects of its key.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) enum Seen {
    Anything,
    Exactly(Option<Arc<str>>),
}

/// What a [`KeyChange`] expects to find under its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected<'a> {
    /// Nothing in particular: the last writer wins.
    Anything,
    /// No such key.
    Absent,
    /// This raw value, byte for byte.
    Value(&'a str),
}

/// A condition of [`Changes`] does not hold for a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conflict;

impl fmt::Display for Conflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the record has changed since it was loaded")
    }
}

impl std::error::Error for Conflict {}

impl Changes {
    /// The record after these changes. Pure: no clock, no randomness.
    ///
    /// A store asks [`Record::is_live`] with [`Changes::now`] before: a record that has expired is
    /// [`Updated::Gone`](crate::Updated::Gone).
    ///
    /// In this order: the conditions; clear, then remove and set; credentials; owner, label and lifetime; deadlines,
    /// which only move out, unless the lifetime itself is set.
    ///
    /// # Errors
    ///
    /// A condition that does not hold.
    pub fn apply(&self, record: &Record) -> Result<Record, Conflict> {
        if self.expected.as_ref().is_some_and(|expected| *expected != record.credentials) {
            return Err(Conflict);
        }
        let state = self.delta.apply(&record.state)?;
        let mut meta = record.meta.clone();
        if let Some(owner) = &self.owner {
            meta.owner.clone_from(owner);
        }
        if let Some(label) = &self.label {
            meta.label.clone_from(label);
        }
        meta.last_used = meta.last_used.max(self.now);
        meta.expires_at = match &self.lifetime {
            Some(lifetime) => {
                meta.lifetime = Some(Arc::clone(lifetime));
                self.expires_at
            }
            None => meta.expires_at.max(self.expires_at),
        };
        let credentials = self.credentials.as_ref().unwrap_or(&record.credentials).clone();
        Ok(Record { state, credentials, meta, nonce: self.nonce })
    }

    /// The request's time, which decides whether the record still lives.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// 64 random bits that name this commit. The record keeps the last one.
    #[must_use]
    pub fn nonce(&self) -> u64 {
        self.nonce
    }

    /// Whether all keys go, before [`Changes::keys`] come.
    #[must_use]
    pub fn clears(&self) -> bool {
        self.delta.clear
    }

    /// The keys that change, sorted, each once.
    #[must_use]
    pub fn keys(&self) -> &[KeyChange] {
        &self.delta.keys
    }

    /// The condition on the credentials.
    #[must_use]
    pub fn expected_credentials(&self) -> Option<&Credentials> {
        self.expected.as_ref()
    }

    /// New credentials.
    #[must_use]
    pub fn credentials(&self) -> Option<&Credentials> {
        self.credentials.as_ref()
    }

    /// A new owner, or that there is none any more.
    #[must_use]
    pub fn owner(&self) -> Option<Option<&str>> {
        self.owner.as_ref().map(Option::as_deref)
    }

    /// A new label, or that there is none any more.
    #[must_use]
    pub fn label(&self) -> Option<Option<&str>> {
        self.label.as_ref().map(Option::as_deref)
    }

    /// A new lifetime. [`Changes::expires_at`] then replaces the record's deadline, even a later one.
    #[must_use]
    pub fn lifetime(&self) -> Option<&Lifetime> {
        self.lifetime.as_deref()
    }

    /// The deadline that this use of the session gives. An earlier one than the record's counts for nothing, unless
    /// there is a new lifetime.
    #[must_use]
    pub fn expires_at(&self) -> Timestamp {
        self.expires_at
    }

    /// Whether it does nothing but push the deadline out: such changes can be sent twice.
    #[must_use]
    pub fn is_touch(&self) -> bool {
        let Self { now: _, nonce: _, expires_at: _, delta, expected, credentials, owner, label, lifetime } = self;
        delta.is_empty()
            && expected.is_none()
            && credentials.is_none()
            && owner.is_none()
            && label.is_none()
            && lifetime.is_none()
    }
}

/// Shows what changes, and no value.
impl fmt::Debug for Changes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Changes")
            .field("now", &self.now)
            .field("delta", &self.delta)
            .field("rotates", &self.credentials.is_some())
            .field("owner", &self.owner)
            .finish_non_exhaustive()
    }
}

impl Delta {
    pub(crate) fn is_empty(&self) -> bool {
        !self.clear && self.keys.is_empty()
    }

    fn apply(&self, state: &State) -> Result<State, Conflict> {
        if !self.keys.iter().all(|change| change.holds(state.get(&change.key))) {
            return Err(Conflict);
        }
        if self.is_empty() {
            return Ok(state.clone());
        }
        let mut kept = state.iter().filter(|_| !self.clear).peekable();
        let mut merged = Vec::with_capacity(state.len() + self.keys.len());
        for change in &self.keys {
            while let Some(entry) = kept.next_if(|(key, _)| **key < *change.key) {
                merged.push(entry);
            }
            kept.next_if(|(key, _)| **key == *change.key);
            if let Some(value) = &change.value {
                merged.push((&*change.key, &**value));
            }
        }
        merged.extend(kept);
        Ok(State::pack(&merged))
    }
}

impl KeyChange {
    /// The key.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The new value as raw JSON text; `None` where the key goes.
    #[must_use]
    pub fn value(&self) -> Option<&str> {
        self.value.as_deref()
    }

    /// The condition on what is there now.
    #[must_use]
    pub fn expected(&self) -> Expected<'_> {
        match &self.seen {
            Seen::Anything => Expected::Anything,
            Seen::Exactly(None) => Expected::Absent,
            Seen::Exactly(Some(value)) => Expected::Value(value),
        }
    }

    fn holds(&self, found: Option<&str>) -> bool {
        match &self.seen {
            Seen::Anything => true,
            Seen::Exactly(seen) => seen.as_deref() == found,
        }
    }
}

/// Shows the key, not the value.
impl fmt::Debug for KeyChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.value.is_some() { "set " } else { "remove " })?;
        fmt::Debug::fmt(&self.key, f)
    }
}

#[cfg(test)]
mod tests;
