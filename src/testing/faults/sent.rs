//! A call with copies of its arguments, independent of its sender.

use std::pin::Pin;

use super::{
    call::{Call, Verb},
    tombstones::Tombstoned,
};
use crate::store::{Record, SessionId, SessionStore};

/// A call with its arguments.
#[derive(Clone)]
pub(super) enum Sent {
    Load(SessionId),
    Create(SessionId, Record),
    Replace(SessionId, Record, Record),
    Delete(SessionId, Option<Record>),
    List(String),
    Revoke(String, SessionId),
    RevokeAll(String, Option<SessionId>),
}

/// The work of a call whose sender does not wait for it any more.
pub(super) type Arrival = Pin<Box<dyn Future<Output = ()> + Send>>;

impl Sent {
    pub(super) fn call(&self) -> Call {
        let (verb, id, owner) = match self {
            Self::Load(id) => (Verb::Load, Some(*id), None),
            Self::Create(id, _) => (Verb::Create, Some(*id), None),
            Self::Replace(id, ..) => (Verb::Replace, Some(*id), None),
            Self::Delete(id, _) => (Verb::Delete, Some(*id), None),
            Self::List(owner) => (Verb::List, None, Some(owner.clone())),
            Self::Revoke(owner, id) => (Verb::Revoke, Some(*id), Some(owner.clone())),
            Self::RevokeAll(owner, but) => (Verb::RevokeAll, *but, Some(owner.clone())),
        };
        Call { verb, id, owner }
    }

    /// The reply has no receiver, so it is dropped.
    pub(super) fn arrival<S: SessionStore>(&self, store: &Tombstoned<S>) -> Arrival {
        let (sent, store) = (self.clone(), store.clone());
        Box::pin(async move {
            match sent {
                Self::Load(id) => drop(store.load(&id).await),
                Self::Create(id, record) => drop(store.create(&id, &record).await),
                Self::Replace(id, base, record) => drop(store.replace(&id, &base, &record).await),
                Self::Delete(id, base) => drop(store.delete(&id, base.as_ref()).await),
                Self::List(owner) => drop(store.list(&owner).await),
                Self::Revoke(owner, id) => drop(store.revoke(&owner, &id).await),
                Self::RevokeAll(owner, but) => drop(store.revoke_all(&owner, but.as_ref()).await),
            }
        })
    }
}
