//! `Cookie` headers in, `Set-Cookie` out.

use std::time::Duration;

use http::HeaderValue;

pub use self::options::{CookieError, CookieOptions, CookieOptionsBuilder, SameSite};

mod options;

/// The values of every cookie called `name` in `Cookie` headers, in the order in which the client sent them.
///
/// Names are compared byte by byte and values are taken as they are: a server that decodes `%5F%5FHost-id` or folds
/// case lets a neighbouring host forge prefixed names. A pair that makes no sense is skipped, not fatal.
pub(crate) fn values<'a>(headers: impl Iterator<Item = &'a [u8]>, name: &str) -> impl Iterator<Item = &'a [u8]> {
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

impl CookieOptions {
    /// `Set-Cookie` with a value, for `max_age`, or for the browser session.
    pub(crate) fn set(&self, value: &str, max_age: Option<Duration>) -> Result<HeaderValue, CookieError> {
        if self.name.len() + value.len() > MAX_PAIR {
            return Err(CookieError::TooLarge { bytes: self.name.len() + value.len() });
        }
        self.header(value, max_age)
    }

    /// `Set-Cookie` that takes the cookie away.
    pub(crate) fn removal(&self) -> Result<HeaderValue, CookieError> {
        self.header("", Some(Duration::ZERO))
    }

    fn header(&self, value: &str, max_age: Option<Duration>) -> Result<HeaderValue, CookieError> {
        let max_age = max_age.map(|age| format!("; Max-Age={}", age.as_secs())).unwrap_or_default();
        let text = [&*self.name, "=", value, &self.attributes, &max_age].concat();
        let mut header = HeaderValue::try_from(text).map_err(|_| CookieError::Value)?;
        header.set_sensitive(true);
        Ok(header)
    }
}

/// Browsers drop a cookie whose name and value are longer together (RFC 6265bis section 5.7).
const MAX_PAIR: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    fn read(headers: &[&[u8]]) -> Vec<String> {
        values(headers.iter().copied(), "id").map(|value| String::from_utf8_lossy(value).into_owned()).collect()
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

    #[test]
    fn writes_set_and_removal_alike() {
        let options = CookieOptions::default();
        let text = |header: HeaderValue| header.to_str().map(str::to_owned).unwrap_or_default();
        let common = "; Path=/; Secure; HttpOnly; SameSite=Lax";
        assert_eq!(options.set("v", None).map(text), Ok(format!("__Host-id=v{common}")));
        assert_eq!(
            options.set("v", Some(Duration::from_secs(60))).map(text),
            Ok(format!("__Host-id=v{common}; Max-Age=60"))
        );
        assert_eq!(options.removal().map(text), Ok(format!("__Host-id={common}; Max-Age=0")));
        assert!(options.set("v", None).is_ok_and(|header| header.is_sensitive()));
        assert_eq!(options.set(&"v".repeat(4088), None), Err(CookieError::TooLarge { bytes: 4097 }));
        assert!(options.set(&"v".repeat(4087), None).is_ok());
    }
}
