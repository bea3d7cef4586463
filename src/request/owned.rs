//! The sessions of one owner, as the layer would open them.

use crate::{
    config::{Config, Event},
    error::Error,
    request::{live, owner_valid_from},
    store::{DynOwnerIndex, Record, SessionId, StoreError, Timestamp},
};

/// A session as its owner may see it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct OwnedSession {
    /// Its public id.
    pub id: SessionId,
    /// The name that the application gave it.
    pub label: Option<String>,
    /// The time at which it was made.
    pub created_at: Timestamp,
    /// The time of its last use that was worth a write: see [`extend_on_use`](crate::LifetimeBuilder::extend_on_use).
    pub last_used: Timestamp,
    /// The time at which it ends, unless it is used meanwhile.
    pub expires_at: Timestamp,
}

/// The sessions of an owner that the layer would open now.
pub(crate) async fn sessions(config: &Config, owner: &str) -> Result<Vec<OwnedSession>, Error> {
    let listed = index(config)?.list(owner).await?;
    let valid_from = owner_valid_from(config, owner).await?;
    let now = config.now();
    let opens = |record: &Record| record.owner() == Some(owner) && live(config, record, valid_from, now).is_ok();
    let owned = |(id, record): &(SessionId, Record)| OwnedSession {
        id: *id,
        label: record.label().map(str::to_owned),
        created_at: record.created_at(),
        last_used: record.last_used(),
        expires_at: record.deadline(&config.lifetime),
    };
    Ok(listed.iter().filter(|(_, record)| opens(record)).map(owned).collect())
}

pub(crate) fn index(config: &Config) -> Result<&dyn DynOwnerIndex, Error> {
    config.backend.owner_index().ok_or_else(Error::no_owner_index)
}

/// Ends a session of an owner's, and reports it.
pub(crate) async fn revoke(config: &Config, owner: &str, id: &SessionId) -> Result<(), Error> {
    let is_revoked: Result<bool, StoreError> = index(config)?.revoke(owner, id).await;
    if is_revoked? {
        config.emit(&Event::Destroyed { id: *id });
    }
    Ok(())
}
