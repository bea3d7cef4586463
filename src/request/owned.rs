//! The sessions of one owner, as the layer would open them.

use std::time::SystemTime;

use crate::{
    config::{Backend, Config, Event},
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
    let mut records = Vec::new();
    for index in indexes(config)? {
        records.extend(index.list(owner).await?);
    }
    let valid_from = owner_valid_from(config, owner).await?;
    let now = config.now();
    let is_unused =
        |id: &SessionId, record: &Record| config.moves.as_ref().is_some_and(|moves| moves.is_unused(id, record));
    records.retain(|(id, record)| {
        !is_unused(id, record) && record.owner() == Some(owner) && live(config, record, valid_from, now).is_ok()
    });
    Ok(records)
}

/// Returns the indexes of all stores, the primary one's last.
fn indexes(config: &Config) -> Result<impl Iterator<Item = &dyn DynOwnerIndex>, Error> {
    let mut indexes = config.backends().rev().filter_map(Backend::owner_index).peekable();
    if indexes.peek().is_none() { Err(Error::no_owner_index()) } else { Ok(indexes) }
}

/// Ends a session of an owner in the store that has it, and emits its event. Returns true if it ended the session.
pub(crate) async fn revoke(config: &Config, owner: &str, id: &SessionId) -> Result<bool, Error> {
    // The session may have moved since the caller learned its id, or may be moving now.
    let successor = config.moves.as_ref().map(|moves| moves.id_of(id));
    let mut is_ended = false;
    for id in std::iter::once(id).chain(&successor) {
        for index in indexes(config)? {
            if index.revoke(owner, id).await? {
                config.emit(&Event::Destroyed { id: *id });
                is_ended = true;
            }
        }
    }
    Ok(is_ended)
}

/// Ends every session of an owner, in all stores, and emits their events. If a call fails, makes the others all the same.
pub(crate) async fn revoke_all(config: &Config, owner: &str, but: Option<&SessionId>) -> Result<usize, Error> {
    let (mut count, mut failed) = (0, None);
    let successor = config.moves.as_ref().zip(but).map(|(moves, but)| moves.id_of(but));
    // A session that moves meanwhile was in one store when that one was asked, or is in the other one in the second round.
    let rounds = if config.moves.is_some() { 2 } else { 1 };
    for _ in 0..rounds {
        for index in indexes(config)? {
            let ended = match &successor {
                None => index.revoke_all(owner, but).await,
                Some(_) => revoke_others(index, owner, &[but, successor.as_ref()]).await,
            };
            match ended {
                Ok(ended) => {
                    count += ended.len();
                    for id in ended {
                        config.emit(&Event::Destroyed { id });
                    }
                }
                Err(error) => failed = Some(error),
            }
        }
    }
    failed.map_or(Ok(count), |error| Err(error.into()))
}

/// Ends every session of an owner in one store, except these.
async fn revoke_others(
    index: &dyn DynOwnerIndex,
    owner: &str,
    but: &[Option<&SessionId>],
) -> Result<Vec<SessionId>, StoreError> {
    let (mut ended, mut failed) = (Vec::new(), None);
    for (id, _) in index.list(owner).await?.into_iter().filter(|(id, _)| !but.contains(&Some(id))) {
        match index.revoke(owner, &id).await {
            Ok(is_ended) => ended.extend(is_ended.then_some(id)),
            Err(error) => failed = Some(error),
        }
    }
    failed.map_or(Ok(ended), Err)
}
