//! The session where no extractor reaches: guards, middleware, responses.

use std::sync::Once;

use ::actix_web::{
    HttpMessage as _, HttpRequest,
    dev::{Extensions, ServiceRequest, ServiceResponse},
    guard::GuardContext,
};

use super::beside::Watch;
use crate::{Error, LazySession, Session};

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
        get(&mut self.extensions_mut())
    }

    fn try_get_session(&self) -> Result<Session, Error> {
        try_get(&self.extensions())
    }
}

impl SessionExt for ServiceRequest {
    fn get_session(&self) -> Session {
        let mut extensions = self.extensions_mut();
        Watch::asked(&extensions);
        get(&mut extensions)
    }

    fn try_get_session(&self) -> Result<Session, Error> {
        try_get(&self.extensions())
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
        get(&mut self.req_data_mut())
    }

    fn try_get_session(&self) -> Result<Session, Error> {
        try_get(&self.req_data())
    }
}

/// The session of a request that no middleware gave one, so that all who ask share it.
struct Detached(Session);

impl Detached {
    fn get_or_insert(extensions: &mut Extensions, report: impl FnOnce()) -> Session {
        if let Some(Self(session)) = extensions.get() {
            return session.clone();
        }
        report();
        let session = Session::new();
        extensions.insert(Self(session.clone()));
        session
    }
}

fn get(extensions: &mut Extensions) -> Session {
    match extensions.get::<LazySession>() {
        Some(lazy) => lazy.handle(),
        None => Detached::get_or_insert(extensions, || drop(missing_layer())),
    }
}

/// The session that an extractor gives a request without the middleware, as actix-session does.
///
/// # Errors
///
/// [`Error::is_missing_layer`]: there are sessions of scopes, which actix-session does not have, and none without a scope.
#[cfg(feature = "actix-session")]
pub(super) fn detached(extensions: &mut Extensions) -> Result<Session, ::actix_web::Error> {
    static LOGGED: Once = Once::new();
    if extensions.contains::<crate::adapter::ScopedSessions>() {
        return Err(missing_layer().into());
    }
    Ok(Detached::get_or_insert(extensions, || {
        LOGGED.call_once(|| {
            tracing::warn!(
                "no session middleware: this session is never stored, as in a unit test; a service needs `SessionMiddleware` \
                 around this handler"
            );
        });
    }))
}

fn try_get(extensions: &Extensions) -> Result<Session, Error> {
    let lazy = extensions.get::<LazySession>().ok_or_else(missing_layer)?;
    let session = lazy.handle();
    session.check_loaded()?;
    Ok(session)
}

/// The error of a missing middleware. The log has it once: it is in the program, not in the request.
pub(super) fn missing_layer() -> Error {
    static LOGGED: Once = Once::new();
    let error = Error::missing_layer();
    LOGGED.call_once(|| tracing::error!("{error}"));
    error
}
