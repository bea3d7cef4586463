//! The error of a store.

use std::{error, fmt};

use crate::StoreError;

/// The error of a store that was written for tower-sessions.
#[derive(Debug)]
pub enum Error {
    /// A record could not be written as bytes.
    Encode(String),
    /// A record could not be read.
    Decode(String),
    /// The store failed.
    Backend(String),
}

impl Error {
    /// Takes the text of an error, and those of its causes.
    pub(crate) fn backend(error: &dyn error::Error) -> Self {
        let mut text = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            text = format!("{text}: {error}");
            cause = error.source();
        }
        Self::Backend(text)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Encode(text) => write!(f, "a record cannot be encoded: {text}"),
            Self::Decode(text) => write!(f, "a record cannot be decoded: {text}"),
            Self::Backend(text) => f.write_str(text),
        }
    }
}

impl error::Error for Error {}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        let text = Self::backend(&error);
        match text {
            Self::Backend(text) if error.is_undecodable() => Self::Decode(text),
            text => text,
        }
    }
}
