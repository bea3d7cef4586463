//! A key that a cookie could hold.

use std::fmt;

use rand::{RngExt as _, distr::Alphanumeric};

/// The longest key, in bytes.
const MAX: usize = 4064;

/// A text of at most 4,064 bytes that names a session.
///
/// It is here for code that names the type. Sessions of this crate are named by a [`SessionId`](crate::SessionId), which is public,
/// and opened by a token, which is not.
#[derive(Clone, PartialEq, Eq)]
pub struct SessionKey(String);

impl TryFrom<String> for SessionKey {
    type Error = InvalidSessionKeyError;

    fn try_from(key: String) -> Result<Self, InvalidSessionKeyError> {
        if key.len() > MAX { Err(InvalidSessionKeyError { bytes: key.len() }) } else { Ok(Self(key)) }
    }
}

impl AsRef<str> for SessionKey {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl From<SessionKey> for String {
    fn from(key: SessionKey) -> Self {
        key.0
    }
}

/// Shows nothing of the key.
impl fmt::Debug for SessionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionKey(..)")
    }
}

/// A text that is too long for a [`SessionKey`].
#[derive(Clone, PartialEq, Eq)]
pub struct InvalidSessionKeyError {
    bytes: usize,
}

impl fmt::Display for InvalidSessionKeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the session key has {} bytes, a cookie holds {MAX}", self.bytes)
    }
}

crate::chain::debug_like_display!(InvalidSessionKeyError);

impl std::error::Error for InvalidSessionKeyError {}

/// Draws 64 letters and digits: 381 bits (OWASP Session Management, "Session ID Entropy", asks for 64).
#[must_use]
pub fn generate_session_key() -> SessionKey {
    SessionKey(rand::rng().sample_iter(Alphanumeric).take(64).map(char::from).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_fits_into_a_cookie() {
        let make = |length| SessionKey::try_from("k".repeat(length));
        assert!(make(MAX).is_ok_and(|key| key.as_ref().len() == MAX));
        assert_eq!(make(MAX + 1), Err(InvalidSessionKeyError { bytes: MAX + 1 }));
    }

    #[test]
    fn drawn_keys_are_long_and_differ() {
        let (one, other) = (generate_session_key(), generate_session_key());
        assert_ne!(one, other);
        let text = String::from(one);
        assert!(text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    }
}
