//! The session of a request.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use http::HeaderMap;

use self::expiry::Wish;
use super::SessionStore;
use crate::{LazySession, SessionLayer};

mod error;
mod expiry;
mod id;
mod lifecycle;
mod record;
mod values;

pub(super) use self::expiry::lifetime;
pub use self::{error::Error, expiry::Expiry, id::Id, record::Record};

/// A result of the session's.
type Result<T> = std::result::Result<T, Error>;

/// The session of a request, with the methods of tower-sessions.
///
/// It is cheap to clone, and all clones are one session. It is loaded at the first use; a request that does not use it calls no
/// store. What a handler changed is stored when the response's head is made, or by [`save`](Self::save).
///
/// Under it is a [`cloakroom::Session`](crate::Session), which [`native`](Self::native) gives.
#[derive(Clone)]
pub struct Session {
    lazy: LazySession,
    shared: Arc<Shared>,
}

/// The parts that a [`crate::Session`] does not have.
struct Shared {
    wish: Wish,
    /// Something was changed in this request. As in tower-sessions, a save does not reset it.
    is_modified: AtomicBool,
    /// [`Session::delete`] was called, and no flush since.
    is_deleted: AtomicBool,
}

impl Session {
    /// Makes a session without a request, for unit tests. It is empty, and can be saved to the store.
    ///
    /// An id opens nothing: it is public, and only the client has the secret. `session_id` is ignored, and a session id other than
    /// `None` is a warning in the log.
    pub fn new(session_id: Option<Id>, store: Arc<impl SessionStore>, expiry: Option<Expiry>) -> Self {
        if session_id.is_some() {
            tracing::warn!("a session id opens no session: it is public, and the secret is in the client's cookie");
        }
        // A span of no time ends the session when it is saved.
        let lifetime = expiry::lifetime(expiry, false).unwrap_or_else(|_| expiry::default_lifetime(false));
        let layer: SessionLayer = store.into_session_layer().lifetime(lifetime).max_bytes(u32::MAX);
        Self::of(layer.begin(&HeaderMap::new()).session().clone(), expiry)
    }

    pub(super) fn of(lazy: LazySession, expiry: Option<Expiry>) -> Self {
        let (is_modified, is_deleted) = (AtomicBool::default(), AtomicBool::default());
        Self { lazy, shared: Arc::new(Shared { wish: Wish::new(expiry), is_modified, is_deleted }) }
    }

    /// Loads the session, and returns the [`cloakroom::Session`](crate::Session) under this one: `update` that loses nothing under
    /// concurrency, `login`, `set_label` and all else that tower-sessions does not have.
    ///
    /// # Errors
    ///
    /// The store failed.
    pub async fn native(&self) -> Result<crate::Session> {
        Ok(self.lazy.load().await?)
    }

    /// Returns the public id. `None`: the session was not loaded yet, is not stored yet, or has ended.
    ///
    /// It names the session in logs and in the store, and opens nothing. [`cycle_id`](Self::cycle_id) does not change it.
    #[must_use]
    pub fn id(&self) -> Option<Id> {
        Some(self.lazy.loaded()?.id()?.into())
    }

    /// Returns whether there is no session: none is stored, and nothing was inserted. It does not load the session; before the
    /// first use it answers whether the request presents no token.
    #[allow(clippy::unused_async)] // As tower-sessions has it.
    pub async fn is_empty(&self) -> bool {
        match self.lazy.loaded() {
            Some(session) => session.id().is_none() && session.is_empty(),
            None => !self.lazy.has_token(),
        }
    }

    /// Returns whether this request changed something.
    #[must_use]
    pub fn is_modified(&self) -> bool {
        self.shared.is_modified.load(Ordering::Acquire)
    }

    fn modified(&self) {
        self.shared.is_modified.store(true, Ordering::Release);
    }
}

/// Shows the id, and no value.
impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("id", &self.id())
            .field("is_modified", &self.is_modified())
            .finish_non_exhaustive()
    }
}
