//! The session of a request, before anybody asked for it.

use std::fmt;

use http::Extensions;
use triomphe::Arc;

use crate::{
    error::Error,
    request::{Failure, Head, Loaded, Opening, RequestState},
    session::Session,
};

/// A session that is loaded when a handler asks for it. The layer puts it into the request's extensions.
///
/// Extractors ask; by hand it is
///
/// ```
/// use cloakroom::{Error, LazySession, Session};
///
/// async fn session<B>(request: &http::Request<B>) -> Result<Session, Error> {
///     LazySession::of(request.extensions())?.load().await
/// }
/// ```
///
/// Never asked, it costs no store call.
#[derive(Clone)]
pub struct LazySession {
    pub(crate) request: Arc<RequestState>,
}

impl LazySession {
    /// The session of a request, out of its extensions.
    ///
    /// # Errors
    ///
    /// [`Error::is_missing_layer`].
    pub fn of(extensions: &Extensions) -> Result<&Self, Error> {
        extensions.get().ok_or_else(Error::missing_layer)
    }

    /// Loads the session. However many ask, at once or one after the other, the store is asked once.
    ///
    /// A request without a token, or with one that opens nothing, gets an empty session: it is stored once something is
    /// inserted.
    ///
    /// # Errors
    ///
    /// The store failed, or the record cannot be read. An error is never taken for "no session".
    pub async fn load(&self) -> Result<Session, Error> {
        match self.request.load_at_once() {
            Some(loaded) => loaded?,
            // On the heap: it is large, and handlers' futures would be as large.
            None => Box::pin(self.request.load()).await?,
        }
        Ok(self.handle())
    }

    /// [`LazySession::load`] for extractors: a failure is answered as the layer's options say. A load that has failed is not
    /// tried again. If the handler answers all the same, with a status below 400, the layer answers the failure in its place:
    /// a framework may take an extractor's error for "no session".
    ///
    /// # Errors
    ///
    /// The store failed, or the record cannot be read.
    pub async fn extract(&self) -> Result<Session, Failure> {
        match self.request.load_error() {
            Some(error) => Err(error),
            None => self.load().await,
        }
        .map_err(|error| {
            self.request.refuse();
            match &self.request.config {
                Some(config) => Failure::new(config, error, Head::nothing()),
                None => error.into(),
            }
        })
    }

    /// The session, if somebody has loaded it already.
    #[must_use]
    pub fn loaded(&self) -> Option<Session> {
        self.request.is_loaded().then(|| self.handle())
    }

    /// A handle on the session, loaded or not: where nobody loads it, its operations fail with
    /// [`Error::is_not_loaded`]. For places that cannot wait. A request without a token has nothing to load.
    #[must_use]
    pub fn handle(&self) -> Session {
        if !self.request.is_loaded() && self.request.presents_nothing() {
            self.request.loaded(Opening::of(Loaded::Nothing));
        }
        Session { request: Arc::clone(&self.request) }
    }

    /// Returns whether the request presents anything of a token's length; it may turn out to open nothing.
    #[must_use]
    pub fn has_token(&self) -> bool {
        !self.request.presented.claims.is_empty()
    }
}

impl Session {
    /// Returns whether a token that the request presented opened this session. What `Option<Session>` asks as an extractor.
    #[must_use]
    pub fn was_presented(&self) -> bool {
        self.request.used(|session| session.was_presented).unwrap_or(false)
    }

    /// Returns whether anybody has loaded the session: see [`LazySession::handle`].
    ///
    /// # Errors
    ///
    /// [`Error::is_not_loaded`].
    pub fn check_loaded(&self) -> Result<(), Error> {
        self.request.with(|_| ())
    }
}

impl fmt::Debug for LazySession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LazySession").field("loaded", &self.request.is_loaded()).finish_non_exhaustive()
    }
}
