//! Lists and ends the sessions of one owner.

use std::sync::Arc;

use crate::{
    config::{Config, Event},
    error::Error,
    request::{OwnedSession, owned},
    store::SessionId,
};

/// The sessions of a layer by owner. [`SessionLayer::owners`](crate::SessionLayer::owners) returns it.
#[derive(Clone)]
pub struct Owners {
    config: Arc<Config>,
}

impl Owners {
    pub(crate) fn new(config: Arc<Config>) -> Option<Self> {
        let has_index = config.backends().any(|backend| backend.owner_index().is_some());
        has_index.then_some(Self { config })
    }

    /// Returns the live sessions of `owner`, newest first. Those that the layer would refuse to open now are left out.
    ///
    /// # Errors
    ///
    /// The store failed.
    pub async fn list(&self, owner: &str) -> Result<Vec<OwnedSession>, Error> {
        let records = self.told(owned::records(&self.config, owner).await)?;
        let mut sessions: Vec<_> =
            records.iter().map(|(id, record)| OwnedSession::of(&self.config, *id, record)).collect();
        sessions.sort_by_key(|session| (std::cmp::Reverse(session.created_at), session.id));
        Ok(sessions)
    }

    /// Ends one session if `owner` is its owner. Returns true if it ended the session. The id may come from the user.
    ///
    /// # Errors
    ///
    /// The store failed.
    pub async fn revoke(&self, owner: &str, id: &SessionId) -> Result<bool, Error> {
        self.told(owned::revoke(&self.config, owner, id).await)
    }

    /// Ends every session of `owner` ("log out everywhere"), and returns their number.
    ///
    /// The request's own session is among them; purge it as well, so that its cookie is removed. Only
    /// [`owner_valid_from`](crate::SessionLayer::owner_valid_from) ends a login that is in progress at this moment:
    /// move its value first.
    ///
    /// # Errors
    ///
    /// The store failed. The sessions that it could end have ended.
    pub async fn revoke_all(&self, owner: &str) -> Result<usize, Error> {
        self.end(owner, None).await
    }

    /// Ends every session of `owner` but one ("log out on all other devices"), and returns their number.
    ///
    /// # Errors
    ///
    /// The store failed. The sessions that it could end have ended.
    pub async fn revoke_others(&self, owner: &str, kept: &SessionId) -> Result<usize, Error> {
        self.end(owner, Some(kept)).await
    }

    async fn end(&self, owner: &str, but: Option<&SessionId>) -> Result<usize, Error> {
        self.told(owned::revoke_all(&self.config, owner, but).await)
    }

    /// Reports an error as an event, because the application may forget to.
    fn told<T>(&self, result: Result<T, Error>) -> Result<T, Error> {
        result.inspect_err(|error| self.config.emit(&Event::StoreFailed { error }))
    }
}

impl std::fmt::Debug for Owners {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Owners").finish_non_exhaustive()
    }
}
