//! Failures, and the responses to the client.

use std::{fmt, sync::Arc};

use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};

use super::{Head, Headers, add};
use crate::{config::Config, error::Error};

/// The reason for which a session could not be loaded or committed, and the response to it.
///
/// The response shows nothing but a status: 503 (see [`failure_status`](crate::SessionLayer::failure_status)) if trying
/// again can help, 403 for a login that was refused, and 500 for a fault of the application, such as a session that is
/// too large.
///
/// Extractors leave it in the extensions of the response that they make, so that the layer's
/// [`on_failure`](crate::SessionLayer::on_failure) hook gets to see theirs, too.
#[derive(Clone)]
pub struct Failure {
    status: StatusCode,
    headers: Vec<(HeaderName, HeaderValue)>,
    error: Arc<Error>,
}

impl Failure {
    pub(crate) fn new(config: &Config, error: Error, head: Head) -> Self {
        let mut headers = HeaderMap::new();
        // The headers always remove the cookie of a purged session.
        head.write(&mut headers);
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        let headers = headers.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
        let status = error.status(config.failure_status);
        Self { status, headers, error: Arc::new(error) }
    }

    /// Makes a failure that happened before there was a session.
    fn bare(error: Error) -> Self {
        let status = Self::status_of(&error);
        let headers = vec![(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
        Self { status, headers, error: Arc::new(error) }
    }

    /// Returns the status of the response to an error that a handler passes on.
    #[must_use]
    pub fn status_of(error: &Error) -> StatusCode {
        error.status(StatusCode::SERVICE_UNAVAILABLE)
    }

    /// Returns the status of the response.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// Returns the headers of the response: `Cache-Control: no-store`, and the removal of a purged session's cookie.
    #[must_use]
    pub fn headers(&self) -> &[(HeaderName, HeaderValue)] {
        &self.headers
    }

    /// Returns the cause, for logs.
    #[must_use]
    pub fn error(&self) -> &Error {
        &self.error
    }

    /// Returns the response, with an empty body.
    #[must_use]
    pub fn into_response<B: Default>(self) -> Response<B> {
        let mut response = Response::new(B::default());
        *response.status_mut() = self.status;
        self.write(response.headers_mut());
        response.extensions_mut().insert(self);
        response
    }

    /// Adds the failure's headers to a response that the caller has made.
    pub fn write(&self, headers: &mut impl Headers) {
        for (name, value) in &self.headers {
            add(headers, name.clone(), value.clone());
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

crate::chain::debug_like_display!(Failure);

impl std::error::Error for Failure {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.error.source()
    }
}

/// Makes a failure of an error that a handler passes on. [`Error`] decides the status.
impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::bare(error)
    }
}
