//! Changes by hand.

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    changes::{Changes, Delta, Expected, KeyChange, Known, Seen},
    credentials::Credentials,
    lifetime::Lifetime,
    raw::Raw,
    time::Timestamp,
    token,
};

/// Makes [`Changes`] by hand, for a store's own tests. Elsewhere a commit makes them.
///
/// Its values are raw JSON text. A record with an owner, a label or a lifetime is one to which such changes were
/// [applied](Changes::apply).
///
/// ```
/// use cloakroom::{Credentials, Expected, Record, SecretHash, State, Timestamp, testing::ChangesBuilder};
///
/// let now = Timestamp::from_millis(1_000);
/// let state: State = [("visits", "1")].into_iter().collect();
/// let record = Record::new(Credentials::new(SecretHash::from_bytes([7; 32])), state, now, Timestamp::MAX);
///
/// let changes = ChangesBuilder::new(now)
///     .set_if("visits", Expected::Value("1"), "2")
///     .remove("cart")
///     .owner(Some("alice"))
///     .build();
///
/// let after = changes.apply(&record)?;
/// assert_eq!(after.state().get("visits"), Some("2"));
/// assert!(changes.apply(&after).is_err());
/// # Ok::<_, cloakroom::Conflict>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "it makes nothing until `build`"]
pub struct ChangesBuilder {
    changes: Changes,
    keys: BTreeMap<Raw, KeyChange>,
}

impl ChangesBuilder {
    /// Changes at `now` that change nothing yet, with a random nonce.
    pub fn new(now: Timestamp) -> Self {
        let changes = Changes {
            now,
            nonce: u64::from_le_bytes(token::random()),
            delta: Delta::default(),
            expected: None,
            credentials: None,
            owner: None,
            label: None,
            lifetime: None,
            expires_at: Timestamp::default(),
            known: Known::default(),
        };
        Self { changes, keys: BTreeMap::new() }
    }

    /// Names the commit. Default: at random.
    pub fn nonce(mut self, nonce: u64) -> Self {
        self.changes.nonce = nonce;
        self
    }

    /// Takes away every key, before others are set.
    pub fn clear(mut self) -> Self {
        self.changes.delta.clear = true;
        self
    }

    /// Sets a key, whatever is there.
    pub fn set(self, key: &str, raw: &str) -> Self {
        self.set_if(key, Expected::Anything, raw)
    }

    /// Sets a key, on condition of what is there.
    pub fn set_if(self, key: &str, expected: Expected<'_>, raw: &str) -> Self {
        self.key(key, expected, Some(raw))
    }

    /// Takes a key away, whatever is there.
    pub fn remove(self, key: &str) -> Self {
        self.remove_if(key, Expected::Anything)
    }

    /// Takes a key away, on condition of what is there.
    pub fn remove_if(self, key: &str, expected: Expected<'_>) -> Self {
        self.key(key, expected, None)
    }

    /// Replaces the credentials, on condition that they are `from`.
    pub fn rotate(mut self, from: &Credentials, to: &Credentials) -> Self {
        self.changes.expected = Some(from.clone());
        self.changes.credentials = Some(to.clone());
        self
    }

    /// Puts the condition on the credentials without replacing them.
    pub fn expect_credentials(mut self, expected: &Credentials) -> Self {
        self.changes.expected = Some(expected.clone());
        self
    }

    /// Sets the owner, or that there is none any more.
    pub fn owner(mut self, owner: Option<&str>) -> Self {
        self.changes.owner = Some(owner.map(Arc::from));
        self
    }

    /// Sets the label, or that there is none any more.
    pub fn label(mut self, label: Option<&str>) -> Self {
        self.changes.label = Some(label.map(Arc::from));
        self
    }

    /// Gives the session a lifetime of its own: [`ChangesBuilder::expires_at`] then replaces the deadline.
    pub fn lifetime(mut self, lifetime: Lifetime) -> Self {
        self.changes.lifetime = Some(Arc::new(lifetime));
        self
    }

    /// The deadline of this use. Default: one so early that the record's stays.
    pub fn expires_at(mut self, deadline: Timestamp) -> Self {
        self.changes.expires_at = deadline;
        self
    }

    /// The changes.
    #[must_use]
    pub fn build(self) -> Changes {
        let mut changes = self.changes;
        changes.delta.keys = self.keys.into_values().collect();
        changes
    }

    fn key(mut self, key: &str, expected: Expected<'_>, raw: Option<&str>) -> Self {
        let seen = match expected {
            Expected::Anything => Seen::Anything,
            Expected::Absent => Seen::Exactly(None),
            Expected::Value(value) => Seen::Exactly(Some(value.into())),
        };
        let key = Raw::from(key);
        self.keys.insert(key.clone(), KeyChange { key, seen, value: raw.map(Raw::new) });
        self
    }
}
