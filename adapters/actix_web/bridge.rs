//! Actix's types by the names that the core has for them. Bodies are never touched, and of headers only those are copied that
//! the session layer adds: Actix has `http` 0.2 types.

use ::actix_web::{
    Error,
    dev::{Extensions, ServiceResponse},
    http::header::{self, HeaderMap},
};
use http::{HeaderName, HeaderValue, StatusCode};

use crate::{
    Failure,
    adapter::{Headers, RequestExtensions},
};

impl Headers for HeaderMap {
    fn values<'a>(&'a self, name: &HeaderName) -> impl Iterator<Item = &'a [u8]> {
        name_of(name).into_iter().flat_map(|name| self.get_all(name)).map(header::HeaderValue::as_bytes)
    }

    fn append(&mut self, name: HeaderName, value: HeaderValue) {
        // Both versions of `http` accept the same names and values.
        if let (Some(name), Some(value)) = (name_of(&name), value_of(&value)) {
            self.append(name, value);
        }
    }
}

/// The same name. One that requests and responses have again and again need not be looked up.
fn name_of(name: &HeaderName) -> Option<header::HeaderName> {
    match *name {
        http::header::COOKIE => Some(header::COOKIE),
        http::header::VARY => Some(header::VARY),
        http::header::SET_COOKIE => Some(header::SET_COOKIE),
        http::header::CACHE_CONTROL => Some(header::CACHE_CONTROL),
        _ => header::HeaderName::from_bytes(name.as_str().as_bytes()).ok(),
    }
}

/// The same value. Those that are always the same need no allocation.
fn value_of(value: &HeaderValue) -> Option<header::HeaderValue> {
    let known = ["cookie", "no-store"].into_iter().find(|known| known.as_bytes() == value.as_bytes());
    let made = known.map(header::HeaderValue::from_static);
    let mut made = made.or_else(|| header::HeaderValue::from_bytes(value.as_bytes()).ok())?;
    made.set_sensitive(value.is_sensitive());
    Some(made)
}

impl RequestExtensions for Extensions {
    fn get_mut<T: Send + Sync + 'static>(&mut self) -> Option<&mut T> {
        self.get_mut()
    }

    fn insert<T: Clone + Send + Sync + 'static>(&mut self, value: T) -> Option<T> {
        self.insert(value)
    }
}

/// The outcome of an Actix request.
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
