//! The session of a request before it is loaded.

use std::fmt;

use http::Extensions;
use triomphe::Arc;

use crate::{
    error::Error,
    request::{Failure, Head, LoadedSession, RequestState},
    session::{ScopedSessions, Session},
};

/// A session that is loaded only if a handler asks for it. The layer puts it into the request's extensions.
///
/// Extractors load it. Without an extractor:
///
/// ```
/// use cloakroom::{Error, LazySession, Session};
///
/// async fn session<B>(request: &http::Request<B>) -> Result<Session, Error> {
///     LazySession::of(request.extensions())?.load().await
/// }
/// ```
///
/// A request that never loads its session costs no call of the store.
#[derive(Clone)]
pub struct LazySession {
    pub(crate) request: Arc<RequestState>,
}

impl LazySession {
    /// Gives the session of a request, out of its extensions. Without a layer, a [`Session`] that a test put there counts.
    ///
    /// # Errors
    ///
    /// [`Error::is_missing_layer`].
    pub fn of(extensions: &Extensions) -> Result<Self, Error> {
        let lazy = extensions.get().cloned();
        lazy.or_else(|| extensions.get::<Session>().map(Self::from)).ok_or_else(|| {
            let scoped = extensions.get::<ScopedSessions>();
            scoped.map_or_else(Error::missing_layer, ScopedSessions::missing_default)
        })
    }

    /// Loads the session. The store is called once per request, however often this is called.
    ///
    /// If the request has no token, or one that opens no session, the session is empty. It is stored if the handler
    /// inserts something.
    ///
    /// # Errors
    ///
    /// The store failed, or the record cannot be read. The layer never takes an error for "no session".
    pub async fn load(&self) -> Result<Session, Error> {
        match self.request.load_outcome() {
            Some(Ok(())) => Ok(self.session()),
            _ => self.load_now().await,
        }
    }

    async fn load_now(&self) -> Result<Session, Error> {
        match self.request.load_at_once() {
            Some(loaded) => loaded?,
            // Boxed: the future is large, and would make every handler's future as large.
            None => Box::pin(self.request.load()).await?,
        }
        Ok(self.session())
    }

    /// Loads the session for an extractor: as [`LazySession::load`], but its error is a [`Failure`] that makes the
    /// response that the layer's options set.
    ///
    /// A load that has failed is not tried again. If the handler responds all the same, with a status below 400, the
    /// layer sends the failure's response instead: a framework may have taken the extractor's error for "no session".
    ///
    /// # Errors
    ///
    /// The store failed, or the record cannot be read.
    pub async fn extract(&self) -> Result<Session, Failure> {
        match self.request.load_outcome() {
            Some(outcome) => outcome.map(|()| self.session()),
            None => self.load_now().await,
        }
        .map_err(|error| {
            self.request.refuse();
            match &self.request.config {
                Some(config) => Failure::new(config, error, Head::nothing()),
                None => error.into(),
            }
        })
    }

    /// Returns the session if it is loaded already.
    #[must_use]
    pub fn loaded(&self) -> Option<Session> {
        self.request.is_loaded().then(|| self.session())
    }

    /// Returns a handle on the session without loading it, for places that cannot wait.
    ///
    /// Until the session is loaded, the handle's operations fail with [`Error::is_not_loaded`]. If the request has no
    /// token, there is nothing to load.
    #[must_use]
    pub fn handle(&self) -> Session {
        if !self.request.is_loaded() && self.request.presents_nothing() {
            self.request.loaded(LoadedSession::empty());
        }
        self.session()
    }

    fn session(&self) -> Session {
        Session { request: Arc::clone(&self.request) }
    }

    /// Returns true if the request has a value of a token's length. The value may turn out to open no session.
    #[must_use]
    pub fn has_token(&self) -> bool {
        !self.request.presented.claims.is_empty()
    }
}

/// For tests of handlers that take a [`LazySession`]. It is loaded already.
impl From<&Session> for LazySession {
    fn from(session: &Session) -> Self {
        Self { request: Arc::clone(&session.request) }
    }
}

impl Session {
    /// Returns true if a token of the request opened this session. The extractor `Option<Session>` gives `None`
    /// otherwise.
    #[must_use]
    pub fn was_presented(&self) -> bool {
        self.request.used(|session| session.was_presented).unwrap_or(false)
    }

    /// Checks that the session is loaded: see [`LazySession::handle`].
    ///
    /// # Errors
    ///
    /// The session is not loaded ([`Error::is_not_loaded`]).
    pub fn check_loaded(&self) -> Result<(), Error> {
        self.request.with(|_| ())
    }
}

impl fmt::Debug for LazySession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LazySession").field("loaded", &self.request.is_loaded()).finish_non_exhaustive()
    }
}
