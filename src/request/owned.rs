//! The sessions of one owner, as the layer would open them.

use std::time::SystemTime;

use crate::{
    config::{Config, Event},
    error::Error,
    request::{live, owner_valid_from},
    store::{DynOwnerIndex, Record, SessionId, StoreError},
};

/// A session as its owner may see it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct OwnedSession {
    /// The public id.
    pub id: SessionId,
    /// The label that the application gave it ([`Session::set_label`](crate::Session::set_label)).
    pub label: Option<String>,
    /// The time at which it was created.
    pub created_at: SystemTime,
    /// The time of its last use that was stored: see [`extend_on_use`](crate::LifetimeBuilder::extend_on_use).
    pub last_used: SystemTime,
    /// The time at which it ends unless it is used before.
    pub expires_at: SystemTime,
}

impl OwnedSession {
    pub(crate) fn of(config: &Config, id: SessionId, record: &Record) -> Self {
        Self {
            id,
            label: record.label().map(str::to_owned),
            created_at: record.created_at().into(),
            last_used: record.last_used().into(),
            expires_at: record.deadline(&config.lifetime).into(),
        }
    }
}

/// Returns the records of an owner that the layer would open now.
pub(crate) async fn records(config: &Config, owner: &str) -> Result<Vec<(SessionId, Record)>, Error> {
    let mut records = index(config)?.list(owner).await?;
    let valid_from = owner_valid_from(config, owner).await?;
    let now = config.now();
    records.retain(|(_, record)| record.owner() == Some(owner) && live(config, record, valid_from, now).is_ok());
    Ok(records)
}

pub(crate) fn index(config: &Config) -> Result<&dyn DynOwnerIndex, Error> {
    config.backend.owner_index().ok_or_else(Error::no_owner_index)
}

/// Ends a session of an owner, and emits its event.
pub(crate) async fn revoke(config: &Config, owner: &str, id: &SessionId) -> Result<(), Error> {
    let is_revoked: Result<bool, StoreError> = index(config)?.revoke(owner, id).await;
    if is_revoked? {
        config.emit(&Event::Destroyed { id: *id });
    }
    Ok(())
}
