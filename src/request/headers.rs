//! Headers, in whatever types a framework has them, and what a response's head says of the session.

use http::{HeaderMap, HeaderName, HeaderValue, header};

use std::{fmt, sync::Arc};

use crate::{
    config::{Config, Way},
    error::Error,
    request::{Failure, Ticket},
};

/// The headers of a framework's requests and responses. An adapter outside of this crate implements it for a wrapper of its
/// own.
pub trait Headers {
    /// The values of every header called `name`, in their order.
    fn values<'a>(&'a self, name: &HeaderName) -> impl Iterator<Item = &'a [u8]>;

    /// Adds a header beside those of the same name, and keeps it as sensitive as it is: a token must not show where
    /// somebody logs the response.
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

/// Adds to what the application has said, and never replaces it.
pub(crate) fn add(headers: &mut impl Headers, name: HeaderName, value: HeaderValue) {
    let is_said = match name {
        header::CACHE_CONTROL => {
            let mut said = headers.values(&name).flat_map(|listed| listed.split(|byte| *byte == b',')).peekable();
            if said.peek().is_none() {
                false
            } else if said.map(<[u8]>::trim_ascii).any(keeps_private) {
                true
            } else {
                // A cache that stores a token hands one user's session to the next (RFC 9111 section 7.3).
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

/// The session's part of a response's head, which [`CommitFuture`](crate::adapter::CommitFuture) resolves to.
#[derive(Clone)]
#[must_use]
pub struct Head {
    /// The token, where the client gets or loses one. Boxed, since few responses do, and futures carry this around.
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

    /// Returns whether it says nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.token.is_none() && self.read.is_none()
    }

    /// Writes `Set-Cookie`, `Vary` and `Cache-Control`; adds to what the application has, and never replaces it.
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
            // A cache that stores a token hands one user's session to the next (RFC 9111 section 7.3).
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

/// The session's part of a response's head, before it is made into headers.
#[derive(Debug)]
pub(crate) struct HeadLines {
    pub(crate) ticket: Ticket,
    pub(crate) way: Way,
    /// The response may depend on the session.
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

    /// Makes the head of the response, or the failure that is answered in its place. The token goes along in either case.
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
            // If the token cannot be written, the error that came first is answered.
            (token, Err(error)) => {
                let head = Head { token: token.ok().flatten(), read, ..Head::nothing() };
                Err(Failure::new(config, error, head))
            }
        }
    }
}
