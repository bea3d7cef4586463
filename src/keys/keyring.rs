//! The keys that a service knows.

use std::fmt;

use super::{KeyError, SecretKey, text_in};

/// One current key, which everything new is made with, and any number of others that are accepted.
///
/// A token or session under another key is sent again under the current key when it is used. A key that is not in the ring
/// opens nothing. See [the module](super) for a rotation step by step.
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
    /// A ring of one key.
    pub fn new(current: SecretKey) -> Self {
        Self(Ring { current, previous: Vec::new() })
    }

    /// Accepts what `key` has made, too: one that was current before, or one that will be and that other services use
    /// already. Each one more costs a forged token one more MAC.
    pub fn previous(mut self, key: SecretKey) -> Self {
        self.0.previous.push(key);
        self
    }

    /// Takes the keys from an environment variable: the current one, then the others, in base64, with commas between them.
    ///
    /// # Errors
    ///
    /// The variable is not set, or one of the keys is none: see [`SecretKey::from_base64`].
    pub fn from_env(variable: &str) -> Result<Self, KeyError> {
        Self::from_base64(&text_in(variable)?)
    }

    /// Takes the keys from such a list.
    ///
    /// # Errors
    ///
    /// One of the keys is none: see [`SecretKey::from_base64`].
    pub fn from_base64(list: &str) -> Result<Self, KeyError> {
        let mut keys = list.split(',').map(SecretKey::from_base64);
        let current = keys.next().unwrap_or(Err(KeyError::Base64))?;
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

/// Shows how many keys there are, and none of them.
impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keyring").field("previous", &self.0.previous.len()).finish_non_exhaustive()
    }
}

/// Something for each key of a ring.
#[derive(Clone)]
pub(crate) struct Ring<T> {
    pub(crate) current: T,
    previous: Vec<T>,
}

impl<T> Ring<T> {
    /// Returns the first success of `open`, and its place in the ring. The current key stands first.
    pub(crate) fn find<'a, U>(&'a self, open: impl Fn(&'a T) -> Option<U>) -> Option<(U, usize)> {
        let mut keys = std::iter::once(&self.current).chain(&self.previous).enumerate();
        keys.find_map(|(place, key)| open(key).map(|opened| (opened, place)))
    }
}
