//! Keys for signed tokens and sealed cookies. This page says how to make them, and how to replace them without logging
//! users out.
//!
//! # Make one
//!
//! ```sh
//! openssl rand -base64 64 | tr -d '\n'
//! ```
//!
//! This makes 64 random bytes; a key needs at least 32. One key serves all purposes. A sub-key is derived from it for
//! each purpose and each cookie name (HKDF-SHA256, RFC 5869), so the value of one cookie never opens another.
//!
//! # Store it
//!
//! Store the key with your other secrets, and never in the repository or the image. An attacker who has the key can
//! make a session of any user. All services of a fleet read the same key from their environment:
//!
//! ```no_run
//! use cloakroom::{MemoryStore, SessionLayer, keys::Keyring};
//!
//! let layer = SessionLayer::new(MemoryStore::new()).signed(Keyring::from_env("SESSION_KEYS")?);
//! # Ok::<_, cloakroom::keys::KeyError>(())
//! ```
//!
//! # Replace it
//!
//! `SESSION_KEYS` is a list: the current key first, then older keys that are still accepted, separated by commas. This
//! replaces the key `OLD` in a fleet whose services are restarted one after the other:
//!
//! 1. Make `NEW`, and deploy `OLD,NEW` everywhere. Tokens are still made with `OLD`, but every service now accepts
//!    `NEW`.
//! 2. Deploy `NEW,OLD` everywhere. New tokens are made with `NEW`. A token under `OLD` is accepted, and the response to
//!    the first request that uses its session carries the same token under `NEW`.
//! 3. Wait for the idle limit, 24 hours by default. Users who came back in this time have a token under `NEW`, and all
//!    other sessions have ended.
//! 4. Deploy `NEW`. Tokens under `OLD` are now refused as forged.
//!
//! A single service starts at step 2. If `OLD` leaks, go to step 4 at once: this logs all users out, which is
//! necessary. If a key did not leak, replacing it once a year is reasonable; AES-256-GCM-SIV itself needs no rotation
//! (RFC 8452 section 9).
//!
//! `examples/key_rotation.rs` does this with a service under load.

use std::{env, fmt};

use base64::{
    Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use hkdf::Hkdf;
use hmac::{Hmac, Mac as _};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::store::{Mac, random};

pub use self::keyring::Keyring;
pub(crate) use self::{
    derive::Purpose,
    envelope::{Envelope, Mode},
    keyring::Ring,
};

mod derive;
mod envelope;
mod keyring;
mod siv;

/// The fewest bytes of a key. Keys that are shorter than the hash's output weaken HMAC (RFC 2104 section 3, RFC 7518
/// section 3.2).
const MIN: usize = 32;

/// A secret key: 32 random bytes or more. [The module](self) says how to make, store and replace one.
///
/// `Debug` does not show it, and its memory is zeroed when it is dropped.
#[derive(Clone)]
pub struct SecretKey {
    // The extracted key, from which others are derived. The bytes that it was made of are not kept.
    hkdf: Hkdf<Sha256>,
}

impl SecretKey {
    /// Draws a new key from the operating system's generator, for tests and for sessions that may end with the process.
    #[must_use]
    pub fn generate() -> Self {
        let bytes: Zeroizing<[u8; 64]> = Zeroizing::new(random());
        Self::extract(&*bytes)
    }

    /// Makes a key from random bytes, not from a password. 64 bytes are a good length, which Actix Web's keys have. The
    /// shortest is 32.
    ///
    /// ```
    /// use cloakroom::keys::{SecretKey, KeyError};
    ///
    /// assert_eq!(SecretKey::from_bytes(b"correct horse battery staple").err(), Some(KeyError::TooShort { bytes: 28 }));
    /// ```
    ///
    /// # Errors
    ///
    /// There are fewer than 32 bytes, or all bytes are the same, as in a placeholder.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, KeyError> {
        if bytes.len() < MIN {
            return Err(KeyError::TooShort { bytes: bytes.len() });
        }
        if bytes.iter().all(|byte| bytes.first() == Some(byte)) {
            return Err(KeyError::Placeholder);
        }
        Ok(Self::extract(bytes))
    }

    /// Reads a key from base64, in the standard or the url-safe alphabet, with or without padding. White space is
    /// ignored, because `openssl` breaks lines.
    ///
    /// # Errors
    ///
    /// The text is not base64, or [`from_bytes`](Self::from_bytes) refuses its bytes.
    pub fn from_base64(text: &str) -> Result<Self, KeyError> {
        let text: Zeroizing<Vec<u8>> = Zeroizing::new(
            text.bytes()
                .filter(|byte| !byte.is_ascii_whitespace())
                .map(|byte| match byte {
                    b'-' => b'+',
                    b'_' => b'/',
                    byte => byte,
                })
                .collect(),
        );
        if text.is_empty() {
            return Err(KeyError::Empty);
        }
        // As long as the text is more than enough.
        let mut bytes = Zeroizing::new(vec![0; text.len()]);
        let length = EITHER.decode_slice(&*text, &mut bytes).map_err(|_| KeyError::Base64)?;
        Self::from_bytes(bytes.get(..length).unwrap_or_default())
    }

    /// Reads a key from base64 in an environment variable.
    ///
    /// # Errors
    ///
    /// The variable is not set, or [`from_base64`](Self::from_base64) refuses its text.
    pub fn from_env(variable: &str) -> Result<Self, KeyError> {
        Self::from_base64(&text_in(variable)?).map_err(|error| error.in_variable(variable))
    }

    /// Makes a key from any bytes, even from few bytes, a password or a placeholder, for tests and first steps. An
    /// attacker who guesses them can make a session of any user.
    #[must_use]
    pub fn insecure_from_bytes(bytes: &[u8]) -> Self {
        Self::extract(bytes)
    }

    fn extract(bytes: &[u8]) -> Self {
        Self { hkdf: Hkdf::new(Some(b"cloakroom"), bytes) }
    }
}

const EITHER: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

fn text_in(variable: &str) -> Result<Zeroizing<String>, KeyError> {
    env::var(variable).map(Zeroizing::new).map_err(|_| KeyError::Unset(variable.to_owned()))
}

/// Returns the first half of a MAC. 128 bits are enough (RFC 2104 section 5).
pub(crate) fn truncated(mac: Hmac<Sha256>) -> Mac {
    let mut half = Mac::default();
    half.iter_mut().zip(mac.finalize().into_bytes()).for_each(|(to, from)| *to = from);
    half
}

/// Hides the key.
impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretKey(..)")
    }
}

/// The reason for which a key was refused. The error never contains the given text or bytes.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyError {
    /// Fewer than 32 bytes (RFC 2104 section 3).
    TooShort {
        /// The number of bytes.
        bytes: usize,
    },
    /// All bytes are the same: a forgotten placeholder.
    Placeholder,
    /// The text is not base64.
    Base64,
    /// There is no key between two commas, or none at all.
    Empty,
    /// This environment variable is not set, or is not text.
    Unset(String),
    /// The key in an environment variable was refused.
    Variable {
        /// The name of the variable.
        name: String,
        /// The reason.
        cause: Box<KeyError>,
    },
    /// One key of a list was refused.
    Position {
        /// The position of the key. The first one is 1.
        position: usize,
        /// The number of keys in the list.
        of: usize,
        /// The reason.
        cause: Box<KeyError>,
    },
}

impl KeyError {
    fn in_variable(self, name: &str) -> Self {
        Self::Variable { name: name.to_owned(), cause: Box::new(self) }
    }

    /// Writes the fault of the key, and how to correct it.
    fn fault(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooShort { bytes } => write!(f, "has {bytes} bytes, and needs {MIN} random ones at least, better 64"),
            Self::Placeholder => f.write_str("repeats one byte; make a random key"),
            Self::Base64 => f.write_str("is not base64"),
            Self::Empty => f.write_str("is empty"),
            Self::Unset(_) => f.write_str("is not set"),
            Self::Variable { cause, .. } | Self::Position { cause, .. } => cause.fault(f),
        }
    }
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unset(variable) => write!(f, "the environment variable {variable} is not set, or is not text"),
            Self::Variable { name, cause } => write!(f, "{name}: {cause}"),
            Self::Position { position, of, cause } => {
                write!(f, "key {position} of {of} ")?;
                cause.fault(f)?;
                match **cause {
                    Self::Empty if position == of => f.write_str("; remove the trailing comma"),
                    Self::Empty => f.write_str("; remove the comma behind it"),
                    _ => Ok(()),
                }
            }
            _ => {
                f.write_str("the key ")?;
                self.fault(f)
            }
        }
    }
}

crate::chain::debug_like_display!(KeyError);

impl std::error::Error for KeyError {}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

    use super::*;

    fn bytes(length: u8) -> Vec<u8> {
        (0..length).map(|n| n.wrapping_mul(151)).collect()
    }

    fn same(a: &SecretKey, b: &SecretKey) -> bool {
        let sub = |key: &SecretKey| key.derive::<32>(derive::Purpose::Token, "id");
        *sub(a) == *sub(b)
    }

    #[test]
    fn only_random_bytes_enough_make_a_key() {
        for length in 0..32 {
            assert_eq!(SecretKey::from_bytes(&bytes(length)).err(), Some(KeyError::TooShort { bytes: length.into() }));
        }
        assert!(SecretKey::from_bytes(&bytes(32)).is_ok());
        assert_eq!(SecretKey::from_bytes(&[0; 64]).err(), Some(KeyError::Placeholder));
        assert!(!same(&SecretKey::generate(), &SecretKey::generate()));
    }

    #[test]
    fn base64_is_read_in_every_spelling() -> Result<(), KeyError> {
        let bytes = bytes(64);
        let key = SecretKey::from_bytes(&bytes)?;
        let (padded, bare) = (STANDARD.encode(&bytes), URL_SAFE_NO_PAD.encode(&bytes));
        let broken = format!(" {}\n{}\n", &padded[..64], &padded[64..]);
        for text in [&padded, &bare, &broken] {
            assert!(same(&key, &SecretKey::from_base64(text)?), "{text}");
        }
        assert_eq!(SecretKey::from_base64("no key!").err(), Some(KeyError::Base64));
        assert_eq!(SecretKey::from_base64("").err(), Some(KeyError::Empty));
        Ok(())
    }

    /// Lists all types that hold key material for longer than a call. The derived keys are `Zeroizing`.
    #[test]
    fn memory_is_zeroed_on_drop() {
        fn is_zeroed<T: zeroize::ZeroizeOnDrop>() {}
        is_zeroed::<aes_gcm_siv::aes::Aes256Enc>();
        // An HMAC is two states of its hash and a buffer, and the key of HKDF is an HMAC. Neither type implements
        // `Drop` itself.
        is_zeroed::<Sha256>();
        assert_eq!(size_of::<Hkdf<Sha256>>(), size_of::<Hmac<Sha256>>());
    }

    #[test]
    fn nothing_of_a_key_is_shown() {
        assert_eq!(format!("{:?}", SecretKey::generate()), "SecretKey(..)");
    }
}
