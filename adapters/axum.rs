//! Extractors for Axum.

use axum_core::{
    body::Body,
    extract::{FromRequestParts, OptionalFromRequestParts},
    response::{IntoResponse, Response},
};
use http::request::Parts;

use crate::{
    Error, Failure, LazySession, Scoped, Session, SessionGetError, SessionInsertError, SessionUpdateError, Typed,
};

/// Loads the request's session, once however many ask.
impl<S: Send + Sync> FromRequestParts<S> for Session {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Failure> {
        lazy(parts)?.extract().await
    }
}

/// `Some` only where a token that the request presents opens a session. Without a token there is no store call. A store
/// that fails is an error, not `None`.
impl<S: Send + Sync> OptionalFromRequestParts<S> for Session {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Option<Self>, Failure> {
        let session = lazy(parts)?.extract().await?;
        Ok(session.was_presented().then_some(session))
    }
}

/// Loads the session for one value of it.
impl<T, S: Send + Sync> FromRequestParts<S> for Typed<T> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Failure> {
        lazy(parts)?.extract().await.map(Self::from)
    }
}

/// Loads the session of a scope.
impl<T: 'static, S: Send + Sync> FromRequestParts<S> for Scoped<T> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Failure> {
        Scoped::extract(parts.extensions.get()).await
    }
}

/// `Some` only where a presented token opens a session of that scope.
impl<T: 'static, S: Send + Sync> OptionalFromRequestParts<S> for Scoped<T> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Option<Self>, Failure> {
        let session = Scoped::extract(parts.extensions.get()).await?;
        Ok(session.was_presented().then_some(session))
    }
}

/// Refuses a request without the proof of a bound device, with 403.
#[cfg(feature = "device-bound")]
impl<S: Send + Sync> FromRequestParts<S> for crate::device_bound::RequireBoundDevice {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Failure> {
        Self::extract(lazy(parts)?).await
    }
}

/// The session, not loaded: for handlers that may not need it.
impl<S: Send + Sync> FromRequestParts<S> for LazySession {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Failure> {
        lazy(parts).cloned()
    }
}

fn lazy(parts: &Parts) -> Result<&LazySession, Failure> {
    parts.extensions.get().ok_or_else(|| {
        let error = Error::missing_layer();
        tracing::error!("{error}");
        error.into()
    })
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        Failure::into_response::<Body>(self)
    }
}

/// An empty response: see [`Failure`].
impl IntoResponse for Error {
    fn into_response(self) -> Response {
        IntoResponse::into_response(Failure::from(self))
    }
}

macro_rules! value_error {
    ($($error:ty),*) => {$(
        /// An empty response: 503 if the store failed, else 500. The cause goes to the log.
        impl IntoResponse for $error {
            fn into_response(self) -> Response {
                tracing::error!(error = &self as &dyn std::error::Error, "session value");
                Failure::status_of(self.error()).into_response()
            }
        }
    )*};
}

value_error!(SessionGetError, SessionInsertError, SessionUpdateError);
