//! Extractors.

use std::{
    future::{Future, Ready, ready},
    marker::PhantomData,
    pin::Pin,
    task::{Context, Poll, Waker},
};

use ::actix_web::{Error, FromRequest, HttpMessage as _, HttpRequest, dev::Payload};

use super::ext::{missing_layer, tell};
use crate::{Failure, LazySession, Scoped, Session, Typed, adapter::ScopedSessions};

/// Loads the request's session, unless it is loaded already.
///
/// Without the middleware it fails. With the feature `actix-session` it gives a detached session in place of that, as actix-session
/// does: unit tests make sessions that way. The log has one warning.
impl FromRequest for Session {
    type Error = Error;
    type Future = ExtractFuture;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> ExtractFuture {
        ExtractFuture::of(request).unwrap_or_else(|| ExtractFuture::ready(without_middleware(request)))
    }
}

#[cfg(feature = "actix-session")]
fn without_middleware(request: &HttpRequest) -> Result<Session, Error> {
    super::ext::detached(&mut request.extensions_mut(), request.head())
}

#[cfg(not(feature = "actix-session"))]
fn without_middleware(request: &HttpRequest) -> Result<Session, Error> {
    Err(missing_layer(&request.extensions(), request.head()).into())
}

/// Loads the session for one value of it.
impl<T> FromRequest for Typed<T> {
    type Error = Error;
    type Future = TypedFuture<T>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> TypedFuture<T> {
        let session = ExtractFuture::of(request)
            .unwrap_or_else(|| ExtractFuture::ready(Err(missing_layer(&request.extensions(), request.head()).into())));
        TypedFuture { session, value: PhantomData }
    }
}

/// Loads the session of a scope.
impl<T: 'static> FromRequest for Scoped<T> {
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Error>>>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        let (sessions, request) = (request.extensions().get::<ScopedSessions>().cloned(), request.clone());
        Box::pin(async move {
            let result = Scoped::extract(sessions.as_ref()).await;
            Ok(result.inspect_err(|failure| tell(failure.error(), request.head()))?)
        })
    }
}

/// Refuses a request without the proof of a bound device, with 403.
#[cfg(feature = "device-bound")]
impl FromRequest for crate::device_bound::RequireBoundDevice {
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Error>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let session = Session::from_request(request, payload);
        Box::pin(async move { Ok(Self::try_from(session.await?)?) })
    }
}

/// The session, not loaded: for handlers that may not need it.
impl FromRequest for LazySession {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        let extensions = request.extensions();
        let lazy = extensions.get::<LazySession>().cloned();
        let found = lazy.or_else(|| extensions.get::<Session>().map(LazySession::from));
        ready(found.ok_or_else(|| missing_layer(&extensions, request.head()).into()))
    }
}

/// The session that a handler asked for.
#[must_use]
pub struct ExtractFuture(Extract);

enum Extract {
    Ready(Option<Result<Session, Error>>),
    Load { lazy: LazySession, load: Pin<Box<dyn Future<Output = Result<Session, Failure>> + Send>> },
}

impl ExtractFuture {
    fn ready(result: Result<Session, Error>) -> Self {
        Self(Extract::Ready(Some(result)))
    }

    /// The session that the middleware attached, or else one that a test put there.
    fn of(request: &HttpRequest) -> Option<Self> {
        let extensions = request.extensions();
        let Some(lazy) = extensions.get::<LazySession>() else {
            return extensions.get::<Session>().map(|session| Self::ready(Ok(session.clone())));
        };
        // A request without a token has nothing to load.
        if let Some(session) = lazy.loaded().or_else(|| (!lazy.has_token()).then(|| lazy.handle())) {
            return Some(Self::ready(Ok(session)));
        }
        let (lazy, loads) = (lazy.clone(), lazy.clone());
        Some(Self(Extract::Load { lazy, load: Box::pin(async move { loads.extract().await }) }))
    }

    /// Returns the session without waiting. In actix-session this future is `actix_utils::future::Ready`, and code that cannot wait
    /// calls its `into_inner`.
    ///
    /// # Errors
    ///
    /// The errors of the future, and [`Error::is_not_loaded`](crate::Error::is_not_loaded) if the session is not loaded yet, which happens
    /// under a [`lazy`](super::SessionMiddleware::lazy) middleware only.
    pub fn into_inner(self) -> Result<Session, Error> {
        use ::actix_web::error::ErrorInternalServerError;

        match self.0 {
            Extract::Ready(Some(result)) => result,
            // `Ready` panics there.
            Extract::Ready(None) => Err(ErrorInternalServerError("the session was taken out of this future before")),
            Extract::Load { lazy, mut load } => {
                let session = lazy.handle();
                match session.check_loaded() {
                    Ok(()) => Ok(session),
                    // A store may be ready at the first poll or not: an error that depends on that would be a riddle.
                    Err(error) if error.is_not_loaded() => Err(error.into()),
                    // The load has failed before, so its failure is ready.
                    Err(error) => match load.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                        Poll::Ready(loaded) => loaded.map_err(Error::from),
                        Poll::Pending => Err(error.into()),
                    },
                }
            }
        }
    }
}

impl Future for ExtractFuture {
    type Output = Result<Session, Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.0 {
            Extract::Ready(result) => result.take().map_or(Poll::Pending, Poll::Ready),
            Extract::Load { load, .. } => load.as_mut().poll(cx).map_err(Error::from),
        }
    }
}

/// The value that a handler asked for.
#[must_use]
#[derive(Debug)]
pub struct TypedFuture<T> {
    session: ExtractFuture,
    value: PhantomData<fn() -> T>,
}

impl<T> Future for TypedFuture<T> {
    type Output = Result<Typed<T>, Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.session).poll(cx).map_ok(Typed::from)
    }
}

impl std::fmt::Debug for ExtractFuture {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ExtractFuture").finish_non_exhaustive()
    }
}
