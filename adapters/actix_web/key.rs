//! Keys that an Actix application has already.

use ::actix_web::cookie;

use crate::keys::{KeyError, SecretKey};

/// Takes the 64 bytes that actix-session and Actix Web's own signed cookies use: one secret to store, and sub-keys of our own.
impl TryFrom<&cookie::Key> for SecretKey {
    type Error = KeyError;

    /// Refuses a placeholder, such as the `SecretKey::from(&[0; 64])` of many examples.
    fn try_from(key: &cookie::Key) -> Result<Self, KeyError> {
        Self::from_bytes(key.master())
    }
}
