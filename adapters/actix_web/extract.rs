//! Extractors.

use std::{
    future::{Future, Ready, ready},
    marker::PhantomData,
    pin::Pin,
    task::{Context, Poll},
};

use ::actix_web::{Error, FromRequest, HttpMessage as _, HttpRequest, dev::Payload};

use super::ext::missing_layer;
use crate::{Failure, LazySession, Scoped, Session, Typed, adapter::ScopedSessions};

/// Loads the request's session, unless it is loaded already.
impl FromRequest for Session {
    type Error = Error;
    type Future = ExtractFuture;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> ExtractFuture {
        ExtractFuture(match request.extensions().get::<LazySession>() {
            Some(lazy) => match lazy.loaded() {
                Some(session) => Extract::Ready(Some(Ok(session))),
                None => {
                    let lazy = lazy.clone();
                    Extract::Load(Box::pin(async move { lazy.extract().await }))
                }
            },
            None => Extract::Ready(Some(Err(missing_layer().into()))),
        })
    }
}

/// Loads the session for one value of it.
impl<T> FromRequest for Typed<T> {
    type Error = Error;
    type Future = TypedFuture<T>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> TypedFuture<T> {
        TypedFuture { session: Session::from_request(request, payload), value: PhantomData }
    }
}

/// Loads the session of a scope.
impl<T: 'static> FromRequest for Scoped<T> {
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Error>>>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        let sessions = request.extensions().get::<ScopedSessions>().cloned();
        Box::pin(async move { Ok(Scoped::extract(sessions.as_ref()).await?) })
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
        let found = request.extensions().get::<LazySession>().cloned();
        ready(found.ok_or_else(|| missing_layer().into()))
    }
}

/// The session that a handler asked for.
#[must_use]
pub struct ExtractFuture(Extract);

enum Extract {
    Ready(Option<Result<Session, Error>>),
    Load(Pin<Box<dyn Future<Output = Result<Session, Failure>> + Send>>),
}

impl Future for ExtractFuture {
    type Output = Result<Session, Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.0 {
            Extract::Ready(result) => result.take().map_or(Poll::Pending, Poll::Ready),
            Extract::Load(load) => load.as_mut().poll(cx).map_err(Error::from),
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
