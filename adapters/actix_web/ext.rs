//! The session where no extractor reaches: guards, middleware, responses.

use std::sync::Once;

use ::actix_web::{
    HttpMessage as _, HttpRequest,
    dev::{Extensions, RequestHead, ServiceRequest, ServiceResponse},
    guard::GuardContext,
};

use super::beside::Watch;
use crate::{Error, LazySession, Session, adapter::ScopedSessions};

/// Gets the session from what Actix hands around.
pub trait SessionExt {
    /// The session.
    ///
    /// It cannot fail. Without the middleware it is a detached one, which is never stored, and the log says so once. Under a
    /// [`lazy`](super::SessionMiddleware::lazy) middleware, before anybody has loaded it, its operations fail.
    fn get_session(&self) -> Session;

    /// The session, loaded.
    ///
    /// # Errors
    ///
    /// [`Error::is_missing_layer`] and [`Error::is_not_loaded`].
    fn try_get_session(&self) -> Result<Session, Error>;
}

impl SessionExt for HttpRequest {
    fn get_session(&self) -> Session {
        get(&mut self.extensions_mut(), self.head())
    }

    fn try_get_session(&self) -> Result<Session, Error> {
        try_get(&self.extensions(), self.head())
    }
}

impl SessionExt for ServiceRequest {
    fn get_session(&self) -> Session {
        let mut extensions = self.extensions_mut();
        Watch::asked(&extensions);
        get(&mut extensions, self.head())
    }

    fn try_get_session(&self) -> Result<Session, Error> {
        try_get(&self.extensions(), self.head())
    }
}

impl<B> SessionExt for ServiceResponse<B> {
    fn get_session(&self) -> Session {
        self.request().get_session()
    }

    fn try_get_session(&self) -> Result<Session, Error> {
        self.request().try_get_session()
    }
}

impl SessionExt for GuardContext<'_> {
    fn get_session(&self) -> Session {
        get(&mut self.req_data_mut(), self.head())
    }

    fn try_get_session(&self) -> Result<Session, Error> {
        try_get(&self.req_data(), self.head())
    }
}

/// The session of a request that no middleware gave one, so that all who ask share it.
struct Detached(Session);

impl Detached {
    fn get_or_insert(extensions: &mut Extensions, report: impl FnOnce(&Extensions)) -> Session {
        if let Some(Self(session)) = extensions.get() {
            return session.clone();
        }
        report(extensions);
        let session = Session::new();
        extensions.insert(Self(session.clone()));
        session
    }
}

fn get(extensions: &mut Extensions, request: &RequestHead) -> Session {
    static LOGGED: Once = Once::new();
    handle(extensions).unwrap_or_else(|| {
        // The request goes on without a session, so the log has it once.
        let report = |extensions: &Extensions| LOGGED.call_once(|| drop(missing_layer(extensions, request)));
        Detached::get_or_insert(extensions, report)
    })
}

/// The session that the middleware attached, or else one that a test put there.
fn handle(extensions: &Extensions) -> Option<Session> {
    let attached = extensions.get::<LazySession>().map(LazySession::handle);
    attached.or_else(|| extensions.get::<Session>().cloned())
}

/// The session that an extractor gives a request without the middleware, as actix-session does.
///
/// # Errors
///
/// [`Error::is_missing_layer`]: there are sessions of scopes, which actix-session does not have, and none without a scope.
#[cfg(feature = "actix-session")]
pub(super) fn detached(extensions: &mut Extensions, request: &RequestHead) -> Result<Session, ::actix_web::Error> {
    static LOGGED: Once = Once::new();
    if extensions.contains::<ScopedSessions>() {
        return Err(missing_layer(extensions, request).into());
    }
    Ok(Detached::get_or_insert(extensions, |_| {
        LOGGED.call_once(|| {
            tracing::warn!(
                method = %request.method,
                path = request.uri.path(),
                "no session middleware: this session is never stored, as in a unit test; a service needs `SessionMiddleware` \
                 around this handler"
            );
        });
    }))
}

fn try_get(extensions: &Extensions, request: &RequestHead) -> Result<Session, Error> {
    let session = handle(extensions).ok_or_else(|| missing_layer(extensions, request))?;
    session.check_loaded()?;
    Ok(session)
}

/// The error of a missing middleware. The log gets it, with the request's method and path.
pub(super) fn missing_layer(extensions: &Extensions, request: &RequestHead) -> Error {
    let scoped = extensions.get::<ScopedSessions>();
    let error = scoped.map_or_else(Error::missing_layer, ScopedSessions::missing_default);
    tell(&error, request);
    error
}

pub(super) fn tell(error: &Error, RequestHead { method, uri, .. }: &RequestHead) {
    if error.is_missing_layer() {
        tracing::error!(%method, path = uri.path(), "{error}");
    }
}
