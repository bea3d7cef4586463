//! How tokens travel: in a cookie, in a header, or both.

use http::{HeaderMap, HeaderName, HeaderValue, header};

use crate::{
    commit::Ticket,
    cookie::{self, CookieOptions},
    error::Error,
    token::Token,
};

/// How many tokens of one request are tried.
const MAX_TOKENS: usize = 4;

/// Where tokens are looked for, cookies first.
#[derive(Clone, Debug, Default)]
pub(crate) struct Transport {
    pub(crate) cookie: Option<CookieOptions>,
    pub(crate) header: Option<HeaderName>,
}

/// Where a token came from, and where the next one goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    Cookie,
    Header,
}

/// What a request presents.
#[derive(Debug)]
pub(crate) struct Presented {
    /// The first four that parse, each once.
    pub(crate) tokens: Vec<(Token, Way)>,
    /// Where a new token goes, if none of these opens a session.
    pub(crate) way: Way,
}

impl Presented {
    pub(crate) fn nothing() -> Self {
        Self { tokens: Vec::new(), way: Way::Cookie }
    }
}

impl Transport {
    /// Reads a request's tokens. No allocation when there is none.
    pub(crate) fn read<'a, I>(&'a self, header: impl Fn(&'a HeaderName) -> I) -> Presented
    where
        I: Iterator<Item = &'a [u8]>,
    {
        let mut tokens: Vec<(Token, Way)> = Vec::new();
        let mut add = |value, way| {
            if let Some(token) = Token::parse(value)
                && tokens.len() < MAX_TOKENS
                && tokens.iter().all(|(known, _)| *known != token)
            {
                tokens.push((token, way));
            }
        };
        if let Some(cookie) = &self.cookie {
            cookie::values(header(&header::COOKIE), cookie.name()).for_each(|value| add(value, Way::Cookie));
        }
        let mut sends_header = self.cookie.is_none();
        if let Some(name) = &self.header {
            for value in header(name) {
                // Even an empty one: it is how a client says that it wants its token there.
                sends_header = true;
                add(value.trim_ascii(), Way::Header);
            }
        }
        let default = if sends_header { Way::Header } else { Way::Cookie };
        let way = tokens.first().map_or(default, |(_, way)| *way);
        Presented { tokens, way }
    }

    /// Whether two layers would read each other's tokens.
    pub(crate) fn overlaps(&self, other: &Self) -> bool {
        let name = |transport: &Self| transport.cookie.as_ref().map(|cookie| cookie.name().to_owned());
        name(self).is_some_and(|cookie| name(other).is_some_and(|other| other == cookie))
            || self.header.as_ref().is_some_and(|header| other.header.as_ref() == Some(header))
    }

    /// Writes what became of the token.
    pub(crate) fn write(&self, ticket: &Ticket, way: Way, headers: &mut HeaderMap) -> Result<(), Error> {
        let (name, value) = match (way, &self.header, &self.cookie) {
            (Way::Header, Some(name), _) | (Way::Cookie, Some(name), None) => (name.clone(), header_value(ticket)?),
            (_, _, Some(cookie)) => (header::SET_COOKIE, cookie_value(cookie, ticket)?),
            (_, None, None) => return Ok(()),
        };
        let Some(value) = value else { return Ok(()) };
        headers.append(name, value);
        // A cache that stores a token hands one user's session to the next (RFC 9111 section 7.3).
        headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
        Ok(())
    }

    /// Says which request headers the response may depend on.
    pub(crate) fn vary(&self, headers: &mut HeaderMap) {
        let names = self.cookie.as_ref().map(|_| &header::COOKIE).into_iter().chain(&self.header);
        for name in names {
            if !varies_on(headers, name) {
                headers.append(header::VARY, HeaderValue::from(name.clone()));
            }
        }
    }
}

fn cookie_value(cookie: &CookieOptions, ticket: &Ticket) -> Result<Option<HeaderValue>, Error> {
    Ok(match ticket {
        Ticket::Keep => None,
        Ticket::Give(token, max_age) => Some(cookie.set(&token.encode(), *max_age)?),
        Ticket::Take => Some(cookie.removal()?),
    })
}

/// The token itself; an empty value takes it away.
fn header_value(ticket: &Ticket) -> Result<Option<HeaderValue>, Error> {
    let text = match ticket {
        Ticket::Keep => return Ok(None),
        Ticket::Give(token, _) => token.encode(),
        Ticket::Take => String::new(),
    };
    let mut value = HeaderValue::try_from(text).map_err(|_| cookie::CookieError::Value)?;
    value.set_sensitive(true);
    Ok(Some(value))
}

fn varies_on(headers: &HeaderMap, name: &HeaderName) -> bool {
    headers
        .get_all(header::VARY)
        .iter()
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b','))
        .map(<[u8]>::trim_ascii)
        .any(|listed| listed == b"*" || listed.eq_ignore_ascii_case(name.as_str().as_bytes()))
}
