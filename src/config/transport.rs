//! The transport of tokens: in a cookie, in a header, or both.

use std::fmt;

use http::{
    HeaderName, HeaderValue,
    header::{self, AUTHORIZATION},
};
use smallvec::SmallVec;

use crate::{
    config::{Backend, CookieOptions, Text, cookie},
    error::Error,
    request::Ticket,
};

/// The most claims of one request that are kept. It is more than are tried, because some may be malformed or forged.
const MAX_KEPT: usize = 16;

/// The places in which tokens are looked for, cookies first.
#[derive(Clone, Debug, Default)]
pub(crate) struct Transport {
    pub(crate) cookie: Option<CookieOptions>,
    pub(crate) header: Option<HeaderName>,
}

/// The place that a token came from, and to which the next one goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    Cookie,
    Header,
}

/// A value that a request presents as a token, as it came: most requests with a cookie never ask for the session.
pub(crate) struct Claim {
    /// A signed token at most without an allocation.
    pub(crate) value: SmallVec<[u8; 66]>,
    pub(crate) way: Way,
}

/// Values that a request presents as tokens.
pub(crate) type Claims = SmallVec<[Claim; 1]>;

/// The claims that a request presents.
#[derive(Debug)]
pub(crate) struct Presented {
    /// Those of a token's length, each once, and 16 at most: whoever sends a thousand cookies must not keep us busy.
    pub(crate) claims: Claims,
    /// The place to which a new token goes if none of the claims is well-formed.
    pub(crate) way: Way,
}

impl Presented {
    pub(crate) fn nothing() -> Self {
        Self { claims: SmallVec::new(), way: Way::Cookie }
    }
}

impl Transport {
    /// Reads what a request presents, to where that stays. No allocation when that is nothing, or one token.
    pub(crate) fn read<'a, I>(
        &'a self,
        backend: &Backend,
        header: impl Fn(&'a HeaderName) -> I,
        Presented { claims, way }: &mut Presented,
    ) where
        I: Iterator<Item = &'a [u8]>,
    {
        let mut add = |value: &[u8], way| {
            if claims.len() < MAX_KEPT && backend.fits(value.len()) && claims.iter().all(|known| *known.value != *value)
            {
                claims.push(Claim { value: SmallVec::from_slice(value), way });
            }
        };
        if let Some(cookie) = &self.cookie {
            cookie::values(header(&header::COOKIE), cookie.name()).for_each(|value| add(value, Way::Cookie));
        }
        let mut sends_header = self.cookie.is_none();
        if let Some(name) = &self.header {
            for value in header(name) {
                // Another scheme, a browser's Basic, say, has nothing to do with sessions.
                let Some(value) = token_in(name, value) else { continue };
                // Even an empty one: it is how a client says that it wants its token there.
                sends_header = true;
                add(value, Way::Header);
            }
        }
        *way = if sends_header { Way::Header } else { Way::Cookie };
    }

    /// Returns the cookie's name, or the header's name if there is no cookie.
    pub(crate) fn name(&self) -> &str {
        let header = self.header.as_ref().map_or("", HeaderName::as_str);
        self.cookie.as_ref().map_or(header, CookieOptions::name)
    }

    /// Returns whether two layers would read each other's tokens.
    pub(crate) fn overlaps(&self, other: &Self) -> bool {
        let name = |transport: &Self| transport.cookie.as_ref().map(|cookie| cookie.name().to_owned());
        name(self).is_some_and(|cookie| name(other).is_some_and(|other| other == cookie))
            || self.header.as_ref().is_some_and(|header| other.header.as_ref() == Some(header))
    }

    /// The header that says what became of the token.
    pub(crate) fn line(&self, ticket: &Ticket, way: Way) -> Result<Option<(HeaderName, HeaderValue)>, Error> {
        let (name, value) = match (way, &self.header, &self.cookie) {
            (Way::Header, Some(name), _) | (Way::Cookie, Some(name), None) => {
                (name.clone(), header_value(name, ticket)?)
            }
            (_, _, Some(cookie)) => (header::SET_COOKIE, cookie_value(cookie, ticket)?),
            (_, None, None) => return Ok(None),
        };
        Ok(value.map(|value| (name, value)))
    }

    /// The request headers that a response may depend on.
    pub(crate) fn varies_on(&self) -> impl Iterator<Item = &HeaderName> {
        self.cookie.as_ref().map(|_| &header::COOKIE).into_iter().chain(&self.header)
    }
}

/// It opens the session, so it is not shown.
impl fmt::Debug for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Claim").field("way", &self.way).finish_non_exhaustive()
    }
}

fn cookie_value(cookie: &CookieOptions, ticket: &Ticket) -> Result<Option<HeaderValue>, Error> {
    Ok(match ticket {
        Ticket::Keep => None,
        Ticket::Give(text, max_age) => Some(cookie.set(&text.0, *max_age)?),
        Ticket::Take => Some(cookie.removal()?),
    })
}

/// The scheme of tokens in `Authorization` (RFC 6750 section 2.1).
const BEARER: &str = "Bearer";

/// The token in a header; `None` for an `Authorization` of another scheme.
fn token_in<'a>(name: &HeaderName, value: &'a [u8]) -> Option<&'a [u8]> {
    let value = value.trim_ascii();
    if *name != AUTHORIZATION {
        return Some(value);
    }
    let (scheme, token) = value.split_at_checked(BEARER.len())?;
    let is_bearer = scheme.eq_ignore_ascii_case(BEARER.as_bytes());
    (is_bearer && token.first().is_none_or(u8::is_ascii_whitespace)).then(|| token.trim_ascii())
}

/// The token itself; an empty value takes it away.
fn header_value(name: &HeaderName, ticket: &Ticket) -> Result<Option<HeaderValue>, Error> {
    let text = match ticket {
        Ticket::Keep => return Ok(None),
        Ticket::Give(Text(text), _) if *name == AUTHORIZATION => format!("{BEARER} {text}"),
        Ticket::Give(Text(text), _) => text.clone(),
        Ticket::Take => String::new(),
    };
    let mut value = HeaderValue::try_from(text).map_err(|_| cookie::CookieError::Value)?;
    value.set_sensitive(true);
    Ok(Some(value))
}
