//! The error of a session.

use std::fmt;

use serde::ser::Error as _;

use crate::tower_sessions::session_store;

/// The error of a session.
#[derive(Debug)]
pub enum Error {
    /// A value is not of the type that was asked for, or cannot be written as JSON.
    SerdeJson(serde_json::Error),
    /// The store failed, or the session has ended meanwhile.
    Store(session_store::Error),
}

impl Error {
    /// Takes an error of a key's: the value is not what it should be, or else the session is not loaded.
    pub(super) fn of_value(error: &dyn std::error::Error) -> Self {
        let cause = error.source().map(|cause| format!(": {cause}")).unwrap_or_default();
        Self::SerdeJson(serde_json::Error::custom(format!("{error}{cause}")))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SerdeJson(error) => error.fmt(f),
            Self::Store(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::SerdeJson(error) => error.source(),
            Self::Store(error) => error.source(),
        }
    }
}

impl From<serde_json::Error> for Error {
    fn from(error: serde_json::Error) -> Self {
        Self::SerdeJson(error)
    }
}

impl From<session_store::Error> for Error {
    fn from(error: session_store::Error) -> Self {
        Self::Store(error)
    }
}

impl From<crate::Error> for Error {
    fn from(error: crate::Error) -> Self {
        Self::Store(session_store::Error::backend(&error))
    }
}
