//! Walks through all sessions of a store.

use std::{fmt, future::Future};

use super::{SessionStore, StoreError};
use crate::store::SessionId;

/// A store that can name all its sessions, for [`copy_all`](crate::store::copy_all). Requests never need it.
pub trait Scan: SessionStore {
    /// Returns some of the ids, and the cursor for the next call. Every session that is there from the first call to the
    /// last is returned at least once.
    ///
    /// # Errors
    ///
    /// The store cannot answer, or the cursor is not its own.
    fn scan(&self, cursor: &Cursor) -> impl Future<Output = Result<Scanned, StoreError>> + Send;
}

/// The place of a scan. The default one is the beginning. Its text can be stored, and made into a cursor again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Cursor(String);

impl Cursor {
    /// Makes a cursor of its text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Returns the text. It is empty at the beginning.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the number in the text, 0 at the beginning.
    ///
    /// # Errors
    ///
    /// The text is not a number.
    pub fn number(&self) -> Result<u64, StoreError> {
        let number = if self.0.is_empty() { Ok(0) } else { self.0.parse() };
        number.map_err(|_| StoreError::not_done(format!("the cursor {self} is not one of this store")))
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The answer of [`Scan::scan`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Scanned {
    /// The ids. There may be none, even if others follow.
    pub ids: Vec<SessionId>,
    /// The cursor for the next call, or `None` at the end.
    pub next: Option<Cursor>,
}

impl Scanned {
    /// Makes an answer.
    #[must_use]
    pub fn new(ids: Vec<SessionId>, next: Option<Cursor>) -> Self {
        Self { ids, next }
    }
}
