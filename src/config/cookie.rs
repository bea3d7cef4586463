//! The `Set-Cookie` header.

use std::time::Duration;

use http::HeaderValue;

use crate::error::CookieError;

pub use self::options::{CookieOptions, CookieOptionsBuilder, SameSite};

mod options;

impl CookieOptions {
    /// Returns a `Set-Cookie` with a value, valid for `max_age`, or until the browser closes if that is `None`.
    pub(crate) fn set(&self, value: &[u8], max_age: Option<Duration>) -> Result<HeaderValue, CookieError> {
        if self.name.len() + value.len() > MAX_PAIR {
            return Err(CookieError::TooLarge { bytes: self.name.len() + value.len() });
        }
        let max_age = max_age.map(|age| format!("; Max-Age={}", age.as_secs()));
        self.header(value, max_age.as_deref().unwrap_or_default())
    }

    /// Returns a `Set-Cookie` that removes the cookie.
    pub(crate) fn removal(&self) -> Result<HeaderValue, CookieError> {
        self.header(b"", EXPIRED)
    }

    fn header(&self, value: &[u8], lifetime: &str) -> Result<HeaderValue, CookieError> {
        let text = [self.name.as_bytes(), b"=", value, self.attributes.as_bytes(), lifetime.as_bytes()].concat();
        let mut header = HeaderValue::try_from(text).map_err(|_| CookieError::Value)?;
        header.set_sensitive(true);
        Ok(header)
    }
}

/// Ends a cookie. Current browsers read `Max-Age` (RFC 6265bis section 5.7). Old clients, and tests of applications, read
/// `Expires`, an IMF-fixdate (RFC 9110 section 5.6.7).
const EXPIRED: &str = "; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0";

/// The limit for the bytes of a cookie's name and value together. Browsers drop longer cookies (RFC 6265bis section
/// 5.7).
const MAX_PAIR: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_set_and_removal_alike() {
        let options = CookieOptions::default();
        let text = |header: HeaderValue| header.to_str().map(str::to_owned).unwrap_or_default();
        let common = "; Path=/; Secure; HttpOnly; SameSite=Lax";
        assert_eq!(options.set(b"v", None).map(text), Ok(format!("__Host-Http-id=v{common}")));
        assert_eq!(
            options.set(b"v", Some(Duration::from_secs(60))).map(text),
            Ok(format!("__Host-Http-id=v{common}; Max-Age=60"))
        );
        assert_eq!(
            options.removal().map(text),
            Ok(format!("__Host-Http-id={common}; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0"))
        );
        assert!(options.set(b"v", None).is_ok_and(|header| header.is_sensitive()));
        assert_eq!(options.set("v".repeat(4083).as_bytes(), None), Err(CookieError::TooLarge { bytes: 4097 }));
        assert!(options.set("v".repeat(4082).as_bytes(), None).is_ok());
    }
}
