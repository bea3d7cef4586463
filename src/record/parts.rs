//! A record in its parts: for stores that keep each in a place of its own.

use std::sync::Arc;

use super::{Body, Parts, Record, Rest};
use crate::{credentials::Credentials, lifetime::Lifetime, state::State, time::Timestamp};

/// All that a [`Record`] holds, for a store that keeps it in columns or fields and puts it together again.
///
/// A field more is a breaking change, and meant to be: a store that does not keep it would lose it.
#[derive(Clone, Debug)]
#[allow(clippy::exhaustive_structs)]
pub struct RecordParts {
    /// See [`Record::state`].
    pub state: State,
    /// See [`Record::credentials`].
    pub credentials: Credentials,
    /// See [`Record::nonce`].
    pub nonce: u64,
    /// See [`Record::created_at`].
    pub created_at: Timestamp,
    /// See [`Record::last_used`].
    pub last_used: Timestamp,
    /// See [`Record::expires_at`].
    pub expires_at: Timestamp,
    /// See [`Record::owner`].
    pub owner: Option<String>,
    /// See [`Record::label`].
    pub label: Option<String>,
    /// See [`Record::lifetime`].
    pub lifetime: Option<Lifetime>,
}

impl From<RecordParts> for Record {
    fn from(parts: RecordParts) -> Self {
        let RecordParts { state, credentials, nonce, created_at, last_used, expires_at, owner, label, lifetime } =
            parts;
        let (current, superseded) = credentials.into_parts();
        let rest = Parts {
            superseded,
            owner: owner.map(Arc::from),
            label: label.map(Arc::from),
            lifetime: lifetime.map(Arc::new),
        };
        Self::of(Body { state, current, created_at, last_used, expires_at, nonce, rest: Rest::of(rest) })
    }
}
