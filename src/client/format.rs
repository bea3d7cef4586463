//! The form of what clients hold.

use std::{fmt, sync::Arc};

use crate::{
    error::Error,
    store::{Record, Token},
};

/// Writes and reads the values that clients hold: plain tokens, signed tokens or sealed sessions. Does no I/O.
pub(crate) trait Format: Send + Sync {
    /// Returns whether values of this length are ever written: all that is asked before somebody asks for the session.
    fn fits(&self, len: usize) -> bool;

    /// Opens a value.
    fn open(&self, value: &[u8]) -> Result<Opened, Refused>;

    /// Writes what the client gets for this session.
    fn write(&self, token: &Token, record: &Record) -> Result<ClientValue, Error>;

    /// The same format for a cookie or header of this name; `None` where the name does not matter.
    fn named(&self, name: &str) -> Option<Arc<dyn Format>>;
}

/// Why a value opens nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// It is nothing that this format writes.
    Malformed,
    /// It was not made with an accepted key.
    #[cfg(feature = "secure-cookies")]
    Forged,
}

/// The content of an authentic value.
pub(crate) struct Opened {
    pub(crate) token: Token,
    /// The session, where the client holds it.
    pub(crate) record: Option<Record>,
    pub(crate) key: KeyAge,
}

/// The age of the key that a value was made with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeyAge {
    Current,
    /// An older key of the keyring. The response sends the same value under the current one.
    #[cfg(feature = "secure-cookies")]
    Previous,
}

#[cfg(feature = "secure-cookies")]
impl KeyAge {
    /// Returns the age of the key at this place of the keyring. The current key stands first.
    pub(super) fn at(place: usize) -> Self {
        if place == 0 { Self::Current } else { Self::Previous }
    }
}

/// The value that a client holds. It opens the session, so `Debug` does not show it.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct ClientValue(pub(crate) String);

impl fmt::Debug for ClientValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientValue(..)")
    }
}
