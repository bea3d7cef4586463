//! The form of the values that clients hold.

use std::{fmt, sync::Arc};

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

    /// Returns the same format for a cookie or header of this name, or `None` if the format does not depend on the
    /// name.
    fn named(&self, name: &str) -> Option<Arc<dyn Format>>;
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
}

#[cfg(feature = "secure-cookies")]
impl KeyAge {
    /// Returns the age of the key at this place of the keyring. The current key stands first.
    pub(super) fn at(place: usize) -> Self {
        if place == 0 { Self::Current } else { Self::Previous }
    }
}

/// The value that a client holds. `Debug` does not show it, because it opens the session.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct ClientValue(pub(crate) String);

impl fmt::Debug for ClientValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientValue(..)")
    }
}
