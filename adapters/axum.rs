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

/// Loads the request's session. The store is called once, however many extractors there are.
impl<S: Send + Sync> FromRequestParts<S> for Session {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Failure> {
        session(parts).await
    }
}

/// Gives `Some` only if a token of the request opens a session. Without a token, the store is not called. If the store
/// fails, this is an error and not `None`.
impl<S: Send + Sync> OptionalFromRequestParts<S> for Session {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Option<Self>, Failure> {
        let session = session(parts).await?;
        Ok(session.was_presented().then_some(session))
    }
}

/// Loads the session that the value is in.
impl<T, S: Send + Sync> FromRequestParts<S> for Typed<T> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Failure> {
        session(parts).await.map(Self::from)
    }
}

/// Loads the session of a scope.
impl<T: 'static, S: Send + Sync> FromRequestParts<S> for Scoped<T> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Failure> {
        scoped(parts).await
    }
}

/// Gives `Some` only if a token of the request opens a session of that scope.
impl<T: 'static, S: Send + Sync> OptionalFromRequestParts<S> for Scoped<T> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Option<Self>, Failure> {
        let session = scoped(parts).await?;
        Ok(session.was_presented().then_some(session))
    }
}

/// Refuses a request without the proof of a bound device, with 403.
#[cfg(feature = "device-bound")]
impl<S: Send + Sync> FromRequestParts<S> for crate::device_bound::RequireBoundDevice {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Failure> {
        session(parts).await?.try_into()
    }
}

/// Gives the session without loading it, for handlers that may not need it.
impl<S: Send + Sync> FromRequestParts<S> for LazySession {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Failure> {
        LazySession::of(&parts.extensions).map_err(|error| told(error, parts))
    }
}

async fn session(parts: &Parts) -> Result<Session, Failure> {
    match parts.extensions.get::<LazySession>() {
        Some(lazy) => lazy.extract().await,
        None => LazySession::of(&parts.extensions).map_err(|error| told(error, parts))?.extract().await,
    }
}

async fn scoped<T: 'static>(parts: &Parts) -> Result<Scoped<T>, Failure> {
    let result = Scoped::extract(parts.extensions.get()).await;
    result.inspect_err(|failure| tell(failure.error(), parts))
}

/// Logs the error of a missing layer, and makes it the answer.
fn told(error: Error, parts: &Parts) -> Failure {
    tell(&error, parts);
    error.into()
}

fn tell(error: &Error, Parts { method, uri, .. }: &Parts) {
    if error.is_missing_layer() {
        tracing::error!(%method, path = uri.path(), "{error}");
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        Failure::into_response::<Body>(self)
    }
}

/// Makes an empty response: see [`Failure`].
impl IntoResponse for Error {
    fn into_response(self) -> Response {
        IntoResponse::into_response(Failure::from(self))
    }
}

macro_rules! value_error {
    ($($error:ty),*) => {$(
        /// Makes an empty response: 503 if the store failed, otherwise 500. The cause is logged.
        impl IntoResponse for $error {
            fn into_response(self) -> Response {
                // The layer has logged the failure of its store.
                if !self.error().is_store() {
                    tracing::error!(error = &self as &dyn std::error::Error, "session value");
                }
                Failure::status_of(self.error()).into_response()
            }
        }
    )*};
}

value_error!(SessionGetError, SessionInsertError, SessionUpdateError);
