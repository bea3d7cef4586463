//! The sessions of one owner.

use std::{future::Future, pin::Pin, sync::Arc};

use crate::{
    core::Core, error::Error, event::Event, record::Record, store::StoreError, time::Timestamp, token::SessionId,
};

/// What a store with an index of owners can do besides: list an owner's sessions, and end them.
///
/// Such a store says so in [`SessionStore::owner_index`](crate::SessionStore::owner_index). It reads the owner from the
/// records it is given; nothing else tells it.
pub trait OwnerIndex: Send + Sync + 'static {
    /// The live sessions of `owner`, in no particular order.
    ///
    /// # Errors
    ///
    /// The store could not say.
    fn list(&self, owner: &str, now: Timestamp) -> impl Future<Output = Result<Vec<OwnedSession>, StoreError>> + Send;

    /// Ends one session, if `owner` is its owner: a page may pass on an id that its user sent. Says whether it did.
    ///
    /// # Errors
    ///
    /// The store could not do it, or could not say that it did.
    fn revoke(&self, owner: &str, id: &SessionId) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// Ends every session of `owner`, or all but one. Gives those that it ended.
    ///
    /// # Errors
    ///
    /// The store could not do it all, or could not say that it did.
    fn revoke_all(
        &self,
        owner: &str,
        but: Option<&SessionId>,
    ) -> impl Future<Output = Result<Vec<SessionId>, StoreError>> + Send;
}

/// A session as its owner may see it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct OwnedSession {
    /// Its public id.
    pub id: SessionId,
    /// What the application calls it.
    pub label: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When its idle deadline was last pushed out.
    pub last_used: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
}

impl OwnedSession {
    /// What of a record its owner may see.
    #[must_use]
    pub fn new(id: SessionId, record: &Record) -> Self {
        Self {
            id,
            label: record.label().map(str::to_owned),
            created_at: record.created_at(),
            last_used: record.last_used(),
            expires_at: record.expires_at(),
        }
    }
}

type OwnerFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// The erased twin of [`OwnerIndex`]. Every `OwnerIndex` is one.
pub trait DynOwnerIndex: Send + Sync {
    /// See [`OwnerIndex::list`].
    fn list<'a>(&'a self, owner: &'a str, now: Timestamp) -> OwnerFuture<'a, Vec<OwnedSession>>;
    /// See [`OwnerIndex::revoke`].
    fn revoke<'a>(&'a self, owner: &'a str, id: &'a SessionId) -> OwnerFuture<'a, bool>;
    /// See [`OwnerIndex::revoke_all`].
    fn revoke_all<'a>(&'a self, owner: &'a str, but: Option<&'a SessionId>) -> OwnerFuture<'a, Vec<SessionId>>;
}

impl<T: OwnerIndex> DynOwnerIndex for T {
    fn list<'a>(&'a self, owner: &'a str, now: Timestamp) -> OwnerFuture<'a, Vec<OwnedSession>> {
        Box::pin(OwnerIndex::list(self, owner, now))
    }

    fn revoke<'a>(&'a self, owner: &'a str, id: &'a SessionId) -> OwnerFuture<'a, bool> {
        Box::pin(OwnerIndex::revoke(self, owner, id))
    }

    fn revoke_all<'a>(&'a self, owner: &'a str, but: Option<&'a SessionId>) -> OwnerFuture<'a, Vec<SessionId>> {
        Box::pin(OwnerIndex::revoke_all(self, owner, but))
    }
}

/// The sessions of a layer by owner: [`SessionLayer::owners`](crate::SessionLayer::owners).
#[derive(Clone)]
pub struct Owners {
    core: Arc<Core>,
}

impl Owners {
    pub(crate) fn new(core: Arc<Core>) -> Option<Self> {
        core.backend.owner_index()?;
        Some(Self { core })
    }

    /// The live sessions of `owner`, newest first.
    ///
    /// # Errors
    ///
    /// The store failed.
    pub async fn list(&self, owner: &str) -> Result<Vec<OwnedSession>, Error> {
        let mut sessions = self.index()?.list(owner, self.core.now()).await?;
        sessions.sort_by_key(|session| (std::cmp::Reverse(session.created_at), session.id));
        Ok(sessions)
    }

    /// Ends one session, if `owner` is its owner; says whether it did. The id may come from the user.
    ///
    /// # Errors
    ///
    /// The store failed.
    pub async fn revoke(&self, owner: &str, id: &SessionId) -> Result<bool, Error> {
        let is_revoked = self.index()?.revoke(owner, id).await?;
        if is_revoked {
            self.core.emit(&Event::Destroyed { id: *id });
        }
        Ok(is_revoked)
    }

    /// Ends every session of `owner`: "log out everywhere". Says how many.
    ///
    /// The request's own session is among them; purge it as well, so that its cookie goes.
    ///
    /// # Errors
    ///
    /// The store failed.
    pub async fn revoke_all(&self, owner: &str) -> Result<usize, Error> {
        self.end(owner, None).await
    }

    /// Ends every session of `owner` but this one: "log out on all other devices". Says how many.
    ///
    /// # Errors
    ///
    /// The store failed.
    pub async fn revoke_others(&self, owner: &str, kept: &SessionId) -> Result<usize, Error> {
        self.end(owner, Some(kept)).await
    }

    async fn end(&self, owner: &str, but: Option<&SessionId>) -> Result<usize, Error> {
        let ended = self.index()?.revoke_all(owner, but).await?;
        for id in &ended {
            self.core.emit(&Event::Destroyed { id: *id });
        }
        Ok(ended.len())
    }

    fn index(&self) -> Result<&dyn DynOwnerIndex, Error> {
        self.core.backend.owner_index().ok_or_else(Error::no_owner_index)
    }
}

impl std::fmt::Debug for Owners {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Owners").finish_non_exhaustive()
    }
}
