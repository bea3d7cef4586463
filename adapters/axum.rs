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
        lazy(parts)?.extract().await
    }
}

/// Gives `Some` only if a token of the request opens a session. Without a token, the store is not called. If the store
/// fails, this is an error and not `None`.
impl<S: Send + Sync> OptionalFromRequestParts<S> for Session {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Option<Self>, Failure> {
        let session = lazy(parts)?.extract().await?;
        Ok(session.was_presented().then_some(session))
    }
}

/// Loads the session that the value is in.
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

/// Gives `Some` only if a token of the request opens a session of that scope.
impl<T: 'static, S: Send + Sync> OptionalFromRequestParts<S> for Scoped<T> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Option<Self>, Failure> {
        let session = Scoped::extract(parts.extensions.get()).await?;
        Ok(session.was_presented().then_some(session))
    }
}

/// Gives the session without loading it, for handlers that may not need it.
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
                tracing::error!(error = &self as &dyn std::error::Error, "session value not converted");
                Failure::status_of(self.error()).into_response()
            }
        }
    )*};
}

value_error!(SessionGetError, SessionInsertError, SessionUpdateError);
