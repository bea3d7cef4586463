//! The form of the values that clients hold.

use std::{borrow::Cow, fmt, sync::Arc};

#[cfg(feature = "formats")]
use crate::store::{State, Timestamp};
use crate::{
    error::Error,
    store::{Record, Token},
};

/// Writes and reads the values that clients hold: plain tokens, signed tokens or sealed sessions. Does no I/O.
pub(crate) trait Format: Send + Sync {
    /// Returns true if this format writes values of this length. Nothing else is checked before a handler asks for the
    /// session.
    fn fits(&self, len: usize) -> bool;

    /// Opens a value.
    fn open(&self, value: &[u8]) -> Result<Opened, Refused>;

    /// Writes the value that the client gets for this session.
    fn write(&self, token: &Token, record: &Record) -> Result<ClientValue, Error>;

    /// Returns false if a whole session in a value has no times.
    fn has_times(&self) -> bool {
        true
    }

    /// Returns the bytes that tell this value from all others, however a client spells it. Returns `None` if two clients may hold
    /// equal values.
    fn identity<'v>(&self, value: &'v [u8]) -> Option<Cow<'v, [u8]>> {
        Some(Cow::Borrowed(value))
    }

    /// Fails if a session has something that this format cannot carry.
    fn carries(&self, _record: &Record) -> Result<(), Error> {
        Ok(())
    }

    /// Returns the same format for a layer with these terms, or `None` if the format does not depend on them.
    fn bound(&self, terms: &Terms) -> Option<Arc<dyn Format>>;
}

/// The options of a layer on which the form of its values depends.
#[derive(Clone)]
pub(crate) struct Terms {
    /// The name of the cookie or header.
    #[cfg_attr(not(feature = "secure-cookies"), allow(dead_code))] // No form without a key depends on it.
    pub(crate) name: Box<str>,
    /// The time for which a session lives without use.
    #[cfg(feature = "formats")]
    pub(crate) idle: std::time::Duration,
    #[cfg(feature = "formats")]
    pub(crate) now: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    /// Returns the owner that a state names.
    #[cfg(feature = "formats")]
    pub(crate) owner: Arc<OwnerOf>,
}

#[cfg(feature = "formats")]
type OwnerOf = dyn Fn(&State) -> Option<Arc<str>> + Send + Sync;

#[cfg(all(test, feature = "secure-cookies"))]
impl Terms {
    /// Returns the terms of a layer with this name of a cookie, and defaults.
    pub(crate) fn named(name: &str) -> Self {
        Self {
            name: name.into(),
            #[cfg(feature = "formats")]
            idle: std::time::Duration::from_secs(3600),
            #[cfg(feature = "formats")]
            now: Arc::new(Timestamp::default),
            #[cfg(feature = "formats")]
            owner: Arc::new(|_| None),
        }
    }
}

/// The reason for which a value opens nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// It is not a value of this format.
    Malformed,
    /// It was not made with an accepted key.
    #[cfg(feature = "secure-cookies")]
    Forged,
}

/// The content of an authentic value.
pub(crate) struct Opened {
    pub(crate) token: Token,
    /// The session, if the client holds it.
    pub(crate) record: Option<Record>,
    pub(crate) key: KeyAge,
}

/// The age of the key with which a value was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeyAge {
    Current,
    /// An older key of the keyring, or the session has moved since. The response sends the session's value under the
    /// current key.
    Previous,
    /// A token that opens its session only until the session has moved.
    #[cfg(feature = "formats")]
    Once,
}

impl KeyAge {
    /// Returns true if the token opens its session only until the session has moved.
    #[cfg_attr(not(feature = "formats"), allow(clippy::unused_self))]
    pub(crate) fn is_once(self) -> bool {
        #[cfg(feature = "formats")]
        return self == Self::Once;
        #[cfg(not(feature = "formats"))]
        false
    }
}

#[cfg(feature = "secure-cookies")]
impl KeyAge {
    /// Returns the age of the key at this place of the keyring. The current key stands first.
    pub(super) fn at(place: usize) -> Self {
        if place == 0 { Self::Current } else { Self::Previous }
    }
}

/// The value that a client holds. `Debug` does not show it, because it opens the session.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum ClientValue {
    /// A token without a key, which needs no block of memory.
    Token([u8; Token::LEN]),
    #[cfg_attr(not(feature = "secure-cookies"), allow(dead_code))] // Only forms with a key make it.
    Text(String),
}

impl ClientValue {
    pub(crate) fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Token(token) => token,
            Self::Text(text) => text.as_bytes(),
        }
    }
}

impl fmt::Debug for ClientValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientValue(..)")
    }
}
