//! What a store keeps for one session.

use std::{fmt, sync::Arc};

use crate::{credentials::Credentials, lifetime::Lifetime, state::State, time::Timestamp};

mod codec;
mod parts;

pub use self::{codec::DecodeError, parts::RecordParts};

/// What a store keeps under one [`SessionId`](crate::SessionId).
///
/// It holds no usable token: a leaked store lets nobody in. It is cheap to clone.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Record {
    pub(crate) state: State,
    pub(crate) credentials: Credentials,
    pub(crate) meta: Meta,
    pub(crate) nonce: u64,
}

/// A record's times, its owner, and what else does not change with every write.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Meta {
    pub(crate) created_at: Timestamp,
    pub(crate) last_used: Timestamp,
    pub(crate) expires_at: Timestamp,
    pub(crate) owner: Option<Arc<str>>,
    pub(crate) label: Option<Arc<str>>,
    pub(crate) lifetime: Option<Arc<Lifetime>>,
}

impl Record {
    /// A record with this state, made and last used at `now`, which ends at `expires_at`.
    #[must_use]
    pub fn new(credentials: Credentials, state: State, now: Timestamp, expires_at: Timestamp) -> Self {
        let (created_at, last_used) = (now, now);
        let meta = Meta { created_at, last_used, expires_at, owner: None, label: None, lifetime: None };
        Self { state, credentials, meta, nonce: 0 }
    }

    /// The keys and values.
    #[must_use]
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Which secrets open the session.
    #[must_use]
    pub fn credentials(&self) -> &Credentials {
        &self.credentials
    }

    /// Whose session it is, once known.
    #[must_use]
    pub fn owner(&self) -> Option<&str> {
        self.meta.owner.as_deref()
    }

    /// What the application calls this session, for a "your devices" page.
    #[must_use]
    pub fn label(&self) -> Option<&str> {
        self.meta.label.as_deref()
    }

    /// The lifetime that this session was given for itself, by [`Session::set_lifetime`](crate::Session::set_lifetime).
    #[must_use]
    pub fn lifetime(&self) -> Option<&Lifetime> {
        self.meta.lifetime.as_deref()
    }

    /// When the session was made. A renewal does not change it.
    #[must_use]
    pub fn created_at(&self) -> Timestamp {
        self.meta.created_at
    }

    /// When the idle deadline was last pushed out.
    #[must_use]
    pub fn last_used(&self) -> Timestamp {
        self.meta.last_used
    }

    /// When the session ends, unless the server's limits say earlier.
    #[must_use]
    pub fn expires_at(&self) -> Timestamp {
        self.meta.expires_at
    }

    /// The last commit's nonce: a store call whose reply was lost finds its own write by it.
    #[must_use]
    pub fn nonce(&self) -> u64 {
        self.nonce
    }

    /// Whether the session lives at `now`, as far as the record knows. What a store asks before it updates.
    #[must_use]
    pub fn is_live(&self, now: Timestamp) -> bool {
        now < self.meta.expires_at
    }

    /// The lifetime that holds for this record where the server's is `default`.
    pub(crate) fn lifetime_or<'a>(&'a self, default: &'a Lifetime) -> &'a Lifetime {
        self.lifetime().unwrap_or(default)
    }

    /// When the session ends: the record's own deadline, or an earlier one where the server's limits were lowered.
    pub(crate) fn deadline(&self, default: &Lifetime) -> Timestamp {
        let limits = self.lifetime_or(default);
        self.meta.expires_at.min(limits.deadline(self.meta.created_at, self.meta.last_used))
    }
}

/// Shows keys, not values, and no hash.
impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Record").field("state", &self.state).field("meta", &self.meta).finish_non_exhaustive()
    }
}
