//! Headers in the types of each framework, and the lines that a session adds to a response's head.

use http::{HeaderMap, HeaderName, HeaderValue, header};

use std::{fmt, sync::Arc};

use crate::{
    config::{Config, Way},
    error::Error,
    request::{Failure, Ticket},
};

/// The headers of a framework's requests and responses. An adapter outside of this crate implements it for a type of
/// its own that holds them.
pub trait Headers {
    /// Returns the values of every header called `name`, in their order.
    fn values<'a>(&'a self, name: &HeaderName) -> impl Iterator<Item = &'a [u8]>;

    /// Adds a header, and keeps others of the same name. A sensitive value must stay marked as sensitive, so that logs
    /// do not show tokens.
    fn append(&mut self, name: HeaderName, value: HeaderValue);
}

impl Headers for HeaderMap {
    fn values<'a>(&'a self, name: &HeaderName) -> impl Iterator<Item = &'a [u8]> {
        self.get_all(name).into_iter().map(HeaderValue::as_bytes)
    }

    fn append(&mut self, name: HeaderName, value: HeaderValue) {
        self.append(name, value);
    }
}

/// Adds a value to the headers that the application set, without replacing any.
pub(crate) fn add(headers: &mut impl Headers, name: HeaderName, value: HeaderValue) {
    let is_said = match name {
        header::CACHE_CONTROL => {
            let mut said = headers.values(&name).flat_map(|listed| listed.split(|byte| *byte == b',')).peekable();
            if said.peek().is_none() {
                false
            } else if said.map(<[u8]>::trim_ascii).any(keeps_private) {
                true
            } else {
                // A cache that stores a response with a token gives one user's session to another user (RFC 9111
                // section 7.3).
                return headers.append(name, HeaderValue::from_static("private"));
            }
        }
        header::VARY => headers
            .values(&name)
            .flat_map(|listed| listed.split(|byte| *byte == b','))
            .map(<[u8]>::trim_ascii)
            .any(|listed| listed == b"*" || listed.eq_ignore_ascii_case(value.as_bytes())),
        _ => false,
    };
    if !is_said {
        headers.append(name, value);
    }
}

/// Returns whether a directive of `Cache-Control` keeps a response out of shared caches.
fn keeps_private(directive: &[u8]) -> bool {
    directive.eq_ignore_ascii_case(b"private") || directive.eq_ignore_ascii_case(b"no-store")
}

/// The lines that the session adds to a response's head. [`CommitFuture`](crate::adapter::CommitFuture) resolves to it.
#[derive(Clone)]
#[must_use]
pub struct Head {
    /// The header that sends or removes the token. Boxed, because few responses have it, and futures carry this type.
    pub(crate) token: Option<Box<(HeaderName, HeaderValue)>>,
    /// The layer's options, if the response may depend on the session.
    pub(crate) read: Option<Arc<Config>>,
    /// Asks the browser for its device's key. Boxed, as the token is.
    #[cfg(feature = "device-bound")]
    pub(crate) registration: Option<Box<HeaderValue>>,
}

impl Head {
    pub(crate) fn nothing() -> Self {
        Self {
            token: None,
            read: None,
            #[cfg(feature = "device-bound")]
            registration: None,
        }
    }

    /// Returns true if it adds no header.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.token.is_none() && self.read.is_none()
    }

    /// Adds `Set-Cookie`, `Vary` and `Cache-Control` to the headers that the application set, without replacing any.
    pub fn write(self, headers: &mut impl Headers) {
        for name in self.read.iter().flat_map(|config| config.transport.varies_on()) {
            add(headers, header::VARY, HeaderValue::from(name.clone()));
        }
        #[cfg(feature = "device-bound")]
        if let Some(value) = self.registration {
            headers.append(super::device::REGISTRATION, *value);
        }
        if let Some(token) = self.token {
            let (name, value) = *token;
            headers.append(name, value);
            // A cache that stores a response with a token gives one user's session to another user (RFC 9111 section
            // 7.3).
            add(headers, header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        }
    }
}

impl fmt::Debug for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Head")
            .field("token", &self.token)
            .field("is_read", &self.read.is_some())
            .finish_non_exhaustive()
    }
}

/// The lines that the session adds to a response's head, before they are made into headers.
#[derive(Debug)]
pub(crate) struct HeadLines {
    pub(crate) ticket: Ticket,
    pub(crate) way: Way,
    /// True if a handler read or wrote the session, so that the response may depend on it.
    pub(crate) is_read: bool,
    #[cfg(feature = "device-bound")]
    pub(crate) registration: Option<Box<HeaderValue>>,
}

impl HeadLines {
    pub(crate) fn nothing() -> Self {
        Self {
            ticket: Ticket::Keep,
            way: Way::Cookie,
            is_read: false,
            #[cfg(feature = "device-bound")]
            registration: None,
        }
    }

    pub(crate) fn is_nothing(&self) -> bool {
        !self.is_read && matches!(self.ticket, Ticket::Keep)
    }

    /// Makes the head of the response, or the failure that is answered instead. Both carry the token.
    pub(crate) fn into_head(self, config: &Arc<Config>, result: Result<(), Error>) -> Result<Head, Failure> {
        if result.is_ok() && self.is_nothing() {
            return Ok(Head::nothing());
        }
        let read = self.is_read.then(|| Arc::clone(config));
        let token = self.ticket.line(&config.transport, self.way).map(|line| line.map(Box::new));
        match (token, result) {
            (Ok(token), Ok(())) => Ok(Head {
                token,
                read,
                #[cfg(feature = "device-bound")]
                registration: self.registration,
            }),
            (Err(error), Ok(())) => Err(Failure::new(config, error, Head::nothing())),
            // If the token cannot be written either, the first error is answered.
            (token, Err(error)) => {
                let head = Head {
                    token: token.ok().flatten(),
                    read,
                    #[cfg(feature = "device-bound")]
                    registration: None,
                };
                Err(Failure::new(config, error, head))
            }
        }
    }
}
