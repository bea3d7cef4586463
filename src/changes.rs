//! What one request did to a record, and applying it.

use std::{
    fmt,
    hash::{Hash, Hasher},
    sync::Arc,
};

use smallvec::SmallVec;

use crate::{
    credentials::Credentials,
    lifetime::Lifetime,
    raw::Raw,
    record::{Body, Record},
    state::{Run, State},
    time::Timestamp,
};

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
    pub(crate) known: Known,
}

/// The record that the changes were made of, and what they make of it, where that has been found out already.
#[derive(Clone, Default)]
pub(crate) struct Known {
    base: Option<Record>,
    after: Option<Record>,
    /// Whether a store has, or had, exactly that base.
    is_exact: bool,
}

/// It follows from the rest.
impl PartialEq for Known {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Known {}

impl Hash for Known {
    fn hash<H: Hasher>(&self, _: &mut H) {}
}

/// What happened to the keys.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Delta {
    pub(crate) clear: bool,
    /// Sorted by key, each key once.
    pub(crate) keys: SmallVec<[KeyChange; 1]>,
}

/// What happened to one key.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct KeyChange {
    pub(crate) key: Raw,
    pub(crate) seen: Seen,
    pub(crate) value: Option<Raw>,
}

/// What a change expects of its key.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) enum Seen {
    Anything,
    Exactly(Option<Raw>),
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
        if let Known { base: Some(base), after: Some(after), .. } = &self.known
            && base.is_same(record)
        {
            return Ok(after.clone());
        }
        if self.expected.as_ref().is_some_and(|expected| !record.is_opened_by(expected))
            || !self.delta.holds(record.state())
        {
            return Err(Conflict);
        }
        Ok(self.made_of(record))
    }

    /// The record after these changes, whose conditions hold for it.
    pub(crate) fn made_of(&self, record: &Record) -> Record {
        let state = self.delta.apply(record.state());
        let Body { current, created_at, last_used, expires_at, rest, .. } = record.body();
        let (mut current, mut rest) = (*current, rest.clone());
        if let Some(credentials) = &self.credentials {
            (current, rest.superseded) = credentials.clone().into_parts();
        }
        if let Some(owner) = &self.owner {
            rest.owner.clone_from(owner);
        }
        if let Some(label) = &self.label {
            rest.label.clone_from(label);
        }
        let expires_at = match &self.lifetime {
            Some(lifetime) => {
                rest.lifetime = Some(Arc::clone(lifetime));
                self.expires_at
            }
            None => self.expires_at.max(*expires_at),
        };
        let (last_used, rest) = (self.now.max(*last_used), rest.tidied());
        Record::of(Body { state, current, created_at: *created_at, last_used, expires_at, nonce: self.nonce, rest })
    }

    /// Notes that they make `after` of `base`, so that a store which keeps that very record need not find out again. Whoever
    /// changes anything in them afterwards has to [forget](Changes::forget) it.
    pub(crate) fn note(&mut self, base: &Record, after: &Record, is_exact: bool) {
        self.known = Known { base: Some(base.clone()), after: Some(after.clone()), is_exact };
    }

    /// Forgets what they make of a record.
    pub(crate) fn forget(&mut self) {
        self.known.after = None;
    }

    /// The record that they were made of, as the store gave it to this request, or took it. A store with compare-and-set
    /// begins with it, and is spared a load: where its [`nonce`](Record::nonce) is still that of the record that is kept, it is
    /// that record; as long as the store never keeps two records under one nonce, one after the other. It may have expired
    /// meanwhile, though what is kept has not.
    ///
    /// Nothing where the request has written since: what its update made of the record, only the store knows. And nothing
    /// for changes that a test has built.
    #[must_use]
    pub fn base(&self) -> Option<&Record> {
        self.known.base.as_ref().filter(|_| self.known.is_exact)
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

    /// Whether it does nothing but push the deadline out, be it on a condition. Where the reply to such an update was lost and
    /// others have written since, they have pushed it out themselves: it counts as done, if its condition still holds.
    #[must_use]
    pub fn is_touch(&self) -> bool {
        let Self { now: _, nonce: _, expires_at: _, known: _, expected: _, delta, credentials, owner, label, lifetime } =
            self;
        delta.is_empty() && credentials.is_none() && owner.is_none() && label.is_none() && lifetime.is_none()
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

    fn holds(&self, state: &State) -> bool {
        self.keys.iter().all(|change| change.holds(state))
    }

    fn apply(&self, state: &State) -> State {
        if self.is_empty() {
            return state.clone();
        }
        let kept = if self.clear { State::empty() } else { state };
        let mut runs = SmallVec::<[Run<'_>; 4]>::new();
        let mut next = 0;
        for change in &self.keys {
            let place = kept.place(change.key.as_bytes());
            let (Ok(at) | Err(at)) = place;
            runs.extend((next < at).then(|| kept.run(next, at)));
            next = at + usize::from(place.is_ok());
            runs.extend(change.value.as_ref().map(|value| Run::New(change.key.as_bytes(), value.as_bytes())));
        }
        runs.extend((next < kept.len()).then(|| kept.run(next, kept.len())));
        State::pack(&runs)
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

    fn holds(&self, state: &State) -> bool {
        match &self.seen {
            Seen::Anything => true,
            Seen::Exactly(seen) => state.has(&self.key, seen.as_ref()),
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
