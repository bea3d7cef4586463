//! The tokens that a request presents.

use std::fmt;

use http::{
    HeaderName,
    header::{self, AUTHORIZATION},
};
use smallvec::SmallVec;

use super::ticket::BEARER;
use crate::config::{Config, Way};

/// The number of claims of one request that are kept. It is larger than the number that is looked up, because some may
/// be malformed or forged.
const MAX_KEPT: usize = 16;

/// The most proofs of one request that are checked.
#[cfg(feature = "device-bound")]
const MAX_PROOFS: usize = 4;

/// A value that a request presents as a token, not yet checked: most requests with a cookie never ask for the session.
pub(crate) struct Claim {
    /// A signed token fits without an allocation.
    pub(crate) value: SmallVec<[u8; 66]>,
    pub(crate) way: Way,
}

/// A value that a request presents as a proof of its device, not yet checked.
#[cfg(feature = "device-bound")]
pub(crate) struct ProofClaim(pub(crate) Box<[u8]>);

/// Shows nothing: until its end, a proof is worth a part of the session.
#[cfg(feature = "device-bound")]
impl fmt::Debug for ProofClaim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ProofClaim(..)")
    }
}

/// Values that a request presents as tokens.
pub(crate) type Claims = SmallVec<[Claim; 1]>;

/// The claims that a request presents.
#[derive(Debug)]
pub(crate) struct Presented {
    /// The values of a token's length, each once, and 16 at most: a thousand cookies in a request must not cause much
    /// work.
    pub(crate) claims: Claims,
    /// Values that it presents as proofs of its device. Few have more than one.
    #[cfg(feature = "device-bound")]
    pub(crate) proofs: Vec<ProofClaim>,
    /// The place to which a new token goes if none of the claims is well-formed.
    pub(crate) way: Way,
}

impl Presented {
    pub(crate) fn nothing() -> Self {
        Self {
            claims: SmallVec::new(),
            #[cfg(feature = "device-bound")]
            proofs: Vec::new(),
            way: Way::Cookie,
        }
    }

    /// Reads the claims of a request. It allocates nothing for a request with at most one token.
    pub(crate) fn read<'a, I>(&mut self, config: &'a Config, header: impl Fn(&'a HeaderName) -> I)
    where
        I: Iterator<Item = &'a [u8]>,
    {
        #[cfg(feature = "device-bound")]
        if let Some(cookie) = &config.proof_cookie {
            let values = cookie_values(header(&header::COOKIE), cookie.name());
            let fitting = values.filter(|value| value.len() <= crate::device::Proof::MAX);
            self.proofs.extend(fitting.take(MAX_PROOFS).map(|value| ProofClaim(value.into())));
        }
        let (Self { claims, way, .. }, transport) = (self, &config.transport);
        let mut add = |value: &[u8], way| {
            if claims.len() < MAX_KEPT && config.fits(value.len()) && claims.iter().all(|known| *known.value != *value)
            {
                claims.push(Claim { value: SmallVec::from_slice(value), way });
            }
        };
        if let Some(cookie) = &transport.cookie {
            cookie_values(header(&header::COOKIE), cookie.name()).for_each(|value| add(value, Way::Cookie));
        }
        let mut sends_header = transport.cookie.is_none();
        if let Some(name) = &transport.header {
            for value in header(name) {
                // Another scheme, such as Basic, does not carry a session's token.
                let Some(value) = token_in(name, value) else { continue };
                // A client sends the header, even an empty one, if it wants its token there.
                sends_header = true;
                add(value, Way::Header);
            }
        }
        *way = if sends_header { Way::Header } else { Way::Cookie };
    }
}

/// Hides the value, because it opens the session.
impl fmt::Debug for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Claim").field("way", &self.way).finish_non_exhaustive()
    }
}

/// Returns the values of every cookie called `name` in `Cookie` headers, in the order in which the client sent them.
///
/// Names are compared byte by byte, and values are not decoded: a server that decodes `%5F%5FHost-id` or ignores case
/// lets a neighbouring host forge prefixed names. A malformed pair is skipped.
fn cookie_values<'a>(headers: impl Iterator<Item = &'a [u8]>, name: &str) -> impl Iterator<Item = &'a [u8]> {
    headers
        .flat_map(pairs)
        .filter_map(move |pair| pair.trim_ascii_start().strip_prefix(name.as_bytes()))
        .filter_map(|rest| rest.trim_ascii_start().strip_prefix(b"="))
        .map(<[u8]>::trim_ascii)
}

fn pairs(header: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(header);
    std::iter::from_fn(move || {
        let text = rest?;
        let (pair, after) = match memchr::memchr(b';', text) {
            Some(end) => (text.get(..end)?, text.get(end + 1..)),
            None => (text, None),
        };
        rest = after;
        Some(pair)
    })
}

/// Returns the token in a header, or `None` for an `Authorization` of another scheme.
fn token_in<'a>(name: &HeaderName, value: &'a [u8]) -> Option<&'a [u8]> {
    let value = value.trim_ascii();
    if *name != AUTHORIZATION {
        return Some(value);
    }
    let (scheme, token) = value.split_at_checked(BEARER.len())?;
    let is_bearer = scheme.eq_ignore_ascii_case(BEARER.as_bytes());
    (is_bearer && token.first().is_none_or(u8::is_ascii_whitespace)).then(|| token.trim_ascii())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(headers: &[&[u8]]) -> Vec<String> {
        cookie_values(headers.iter().copied(), "id").map(|value| String::from_utf8_lossy(value).into_owned()).collect()
    }

    #[test]
    fn finds_every_cookie_of_the_name() {
        let table: &[(&[&[u8]], &[&str])] = &[
            (&[b""], &[]),
            (&[b"id=1"], &["1"]),
            (&[b"id=1; id=2"], &["1", "2"]),
            (&[b"id=1", b"x=y; id=2"], &["1", "2"]),
            (&[b"a;;=;id=1;"], &["1"]),
            (&[b" id = 1 "], &["1"]),
            (&[b"ID=1; %69d=1; xid=1; idx=1; id"], &[]),
            (&[b"id=\"1\""], &["\"1\""]),
            (&[b"n=\xff\xfe; id=1"], &["1"]),
            (&[b"id=a=b"], &["a=b"]),
            (&[b"id=1,id=2"], &["1,id=2"]),
        ];
        for (headers, expected) in table {
            assert_eq!(read(headers), *expected, "{headers:?}");
        }
    }
}
