//! Actix's types by the names that the core has for them. Bodies are never touched, and of headers only those are copied that
//! the session layer adds: Actix has `http` 0.2 types.

use ::actix_web::{
    Error,
    dev::{Extensions, ServiceResponse},
    http::header::{self, HeaderMap},
};
use http::{HeaderName, HeaderValue, StatusCode};

use crate::{Failure, Headers, RequestExtensions};

impl Headers for HeaderMap {
    fn values<'a>(&'a self, name: &HeaderName) -> impl Iterator<Item = &'a [u8]> {
        // Each request asks for cookies: a name that Actix knows already saves it the look-up.
        let values =
            if *name == http::header::COOKIE { self.get_all(header::COOKIE) } else { self.get_all(name.as_str()) };
        values.map(header::HeaderValue::as_bytes)
    }

    fn append(&mut self, name: HeaderName, value: HeaderValue) {
        let made_name = header::HeaderName::from_bytes(name.as_str().as_bytes());
        let made_value = header::HeaderValue::from_bytes(value.as_bytes());
        // Both versions of `http` accept the same names and values.
        let (Ok(made_name), Ok(mut made_value)) = (made_name, made_value) else { return };
        made_value.set_sensitive(value.is_sensitive());
        self.append(made_name, made_value);
    }
}

impl RequestExtensions for Extensions {
    fn get_mut<T: Send + Sync + 'static>(&mut self) -> Option<&mut T> {
        self.get_mut()
    }

    fn insert<T: Clone + Send + Sync + 'static>(&mut self, value: T) -> Option<T> {
        self.insert(value)
    }
}

/// What came of an Actix request.
pub(super) type Outcome<B> = Result<ServiceResponse<B>, Error>;

/// The status, which decides what is kept. An error is a response that nobody has made yet: its changes count like any
/// other's.
pub(super) fn status<B>(outcome: &Outcome<B>) -> StatusCode {
    let status = match outcome {
        Ok(response) => response.status(),
        Err(error) => error.as_response_error().status_code(),
    };
    StatusCode::from_u16(status.as_u16()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// A failure of ours that came of it.
pub(super) fn failure<B>(outcome: &Outcome<B>) -> Option<&Failure> {
    let error = match outcome {
        // Actix makes a response of an extractor's error before any middleware sees it.
        Ok(response) => response.response().error(),
        Err(error) => Some(error),
    };
    error.and_then(|error| error.as_error())
}
