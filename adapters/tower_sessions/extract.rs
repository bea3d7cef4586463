//! The extractor for Axum.

use axum_core::extract::FromRequestParts;
use http::{StatusCode, request::Parts};

use super::Session;

/// Takes the session from the request's extensions. It does not load it.
impl<S: Send + Sync> FromRequestParts<S> for Session {
    type Rejection = (StatusCode, &'static str);

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Self::Rejection> {
        parts.extensions.get::<Self>().cloned().ok_or_else(|| {
            tracing::error!("no session in the request: no `SessionManagerLayer` stands before the handler");
            (StatusCode::INTERNAL_SERVER_ERROR, "no session: is `SessionManagerLayer` enabled?")
        })
    }
}
