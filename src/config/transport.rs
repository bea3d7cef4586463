//! The transport of tokens: in a cookie, in a header, or both.

use http::{HeaderName, header};

use crate::config::CookieOptions;

/// The places in which the layer looks for tokens, cookies first.
#[derive(Clone, Debug, Default)]
pub(crate) struct Transport {
    pub(crate) cookie: Option<CookieOptions>,
    pub(crate) header: Option<HeaderName>,
}

/// The place from which a token came, and in which the next one is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    Cookie,
    Header,
}

impl Transport {
    /// Returns the cookie's name, or the header's name if there is no cookie.
    pub(crate) fn name(&self) -> &str {
        let header = self.header.as_ref().map_or("", HeaderName::as_str);
        self.cookie.as_ref().map_or(header, CookieOptions::name)
    }

    /// Returns true if two layers would read each other's tokens.
    pub(crate) fn overlaps(&self, other: &Self) -> bool {
        let name = |transport: &Self| transport.cookie.as_ref().map(|cookie| cookie.name().to_owned());
        name(self).is_some_and(|cookie| name(other).is_some_and(|other| other == cookie))
            || self.header.as_ref().is_some_and(|header| other.header.as_ref() == Some(header))
    }

    /// Returns the request headers that a response may depend on.
    pub(crate) fn varies_on(&self) -> impl Iterator<Item = &HeaderName> {
        self.cookie.as_ref().map(|_| &header::COOKIE).into_iter().chain(&self.header)
    }
}
