//! The change of the client's cookie or header.

use std::time::Duration;

use http::{
    HeaderName, HeaderValue,
    header::{self, AUTHORIZATION},
};

use crate::{
    client::ClientValue,
    config::{CookieOptions, Transport, Way},
    error::{CookieError, Error},
};

/// The change of the client's token.
#[derive(Clone, Debug, Default)]
pub(crate) enum Ticket {
    /// The client keeps its token.
    #[default]
    Keep,
    /// The client gets this value, with this `Max-Age`.
    Give(ClientValue, Option<Duration>),
    /// The client's token is removed.
    Take,
}

impl Ticket {
    /// Returns the header that tells the client of the change.
    pub(crate) fn line(&self, transport: &Transport, way: Way) -> Result<Option<(HeaderName, HeaderValue)>, Error> {
        let (name, value) = match (way, &transport.header, &transport.cookie) {
            (Way::Header, Some(name), _) | (Way::Cookie, Some(name), None) => (name.clone(), header_value(name, self)?),
            (_, _, Some(cookie)) => (header::SET_COOKIE, cookie_value(cookie, self)?),
            (_, None, None) => return Ok(None),
        };
        Ok(value.map(|value| (name, value)))
    }
}

/// The scheme of tokens in `Authorization` (RFC 6750 section 2.1).
pub(super) const BEARER: &str = "Bearer";

fn cookie_value(cookie: &CookieOptions, ticket: &Ticket) -> Result<Option<HeaderValue>, Error> {
    Ok(match ticket {
        Ticket::Keep => None,
        Ticket::Give(value, max_age) => Some(cookie.set(value.as_bytes(), *max_age)?),
        Ticket::Take => Some(cookie.removal()?),
    })
}

/// Returns the header's value: the token, or an empty value to remove it.
fn header_value(name: &HeaderName, ticket: &Ticket) -> Result<Option<HeaderValue>, Error> {
    let text = match ticket {
        Ticket::Keep => return Ok(None),
        Ticket::Give(value, _) if *name == AUTHORIZATION => [BEARER.as_bytes(), b" ", value.as_bytes()].concat(),
        Ticket::Give(value, _) => value.as_bytes().to_vec(),
        Ticket::Take => Vec::new(),
    };
    let mut value = HeaderValue::try_from(text).map_err(|_| CookieError::Value)?;
    value.set_sensitive(true);
    Ok(Some(value))
}
