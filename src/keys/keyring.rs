//! The keys that a service accepts.

use std::fmt;

use super::{KeyError, SecretKey, text_in};

/// One current key, with which all new tokens and cookies are made, and any number of other keys that are accepted.
///
/// When a token or session under another key is used, the response sends it again under the current key. A key that is
/// not in the ring opens nothing. See [the module](super) for a rotation step by step.
///
/// ```
/// use cloakroom::keys::{SecretKey, Keyring};
///
/// let (old, new) = (SecretKey::generate(), SecretKey::generate());
/// let keyring = Keyring::new(new).previous(old);
/// ```
#[derive(Clone)]
#[must_use]
pub struct Keyring(Ring<SecretKey>);

impl Keyring {
    /// Makes a ring of one key.
    pub fn new(current: SecretKey) -> Self {
        Self(Ring { current, previous: Vec::new() })
    }

    /// Adds a key that is accepted, but makes nothing: an older key, or one that other services are going to use. Each
    /// key adds one MAC to the check of a forged token.
    pub fn previous(mut self, key: SecretKey) -> Self {
        self.0.previous.push(key);
        self
    }

    /// Reads the keys from an environment variable: in base64, separated by commas, the current key first.
    ///
    /// # Errors
    ///
    /// The variable is not set, or one of the keys is refused: see [`SecretKey::from_base64`].
    pub fn from_env(variable: &str) -> Result<Self, KeyError> {
        Self::from_base64(&text_in(variable)?).map_err(|error| error.in_variable(variable))
    }

    /// Reads the keys from a text: in base64, separated by commas, the current key first.
    ///
    /// # Errors
    ///
    /// One of the keys is refused: see [`SecretKey::from_base64`].
    pub fn from_base64(list: &str) -> Result<Self, KeyError> {
        let of = list.split(',').count();
        let at = |position, cause| match of {
            1 => cause,
            _ => KeyError::Position { position, of, cause: Box::new(cause) },
        };
        let mut keys = list
            .split(',')
            .zip(1..)
            .map(|(text, position)| SecretKey::from_base64(text).map_err(|error| at(position, error)));
        let current = keys.next().unwrap_or(Err(KeyError::Empty))?;
        Ok(Self(Ring { current, previous: keys.collect::<Result<_, _>>()? }))
    }

    /// Makes a value from every key.
    pub(crate) fn map<T>(&self, make: impl Fn(&SecretKey) -> T) -> Ring<T> {
        Ring { current: make(&self.0.current), previous: self.0.previous.iter().map(make).collect() }
    }
}

impl From<SecretKey> for Keyring {
    fn from(current: SecretKey) -> Self {
        Self::new(current)
    }
}

/// Shows the number of keys, but no key.
impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keyring").field("previous", &self.0.previous.len()).finish_non_exhaustive()
    }
}

/// A value for each key of a ring.
#[derive(Clone)]
pub(crate) struct Ring<T> {
    pub(crate) current: T,
    previous: Vec<T>,
}

impl<T> Ring<T> {
    /// Returns the first result of `open` that is not `None`, and its place in the ring. The current key stands first.
    pub(crate) fn find<'a, U>(&'a self, open: impl Fn(&'a T) -> Option<U>) -> Option<(U, usize)> {
        let mut keys = std::iter::once(&self.current).chain(&self.previous).enumerate();
        keys.find_map(|(place, key)| open(key).map(|opened| (opened, place)))
    }
}
