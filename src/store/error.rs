//! The error of a store.

use std::{error, fmt, sync::Arc};

/// The error of a store. It carries the cause for logs; clients never see it.
#[derive(Clone)]
pub struct StoreError {
    kind: Kind,
    cause: Arc<dyn error::Error + Send + Sync>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Unknown,
    NotDone,
    Undecodable,
}

impl StoreError {
    /// Makes an error of a call whose outcome is unknown: no reply came, or the connection broke. If in doubt, use this
    /// one.
    pub fn new(cause: impl Into<Box<dyn error::Error + Send + Sync>>) -> Self {
        Self::of(Kind::Unknown, cause.into())
    }

    /// Makes an error of a call that has had no effect and never will: the store refused it, or it was never sent.
    pub fn not_done(cause: impl Into<Box<dyn error::Error + Send + Sync>>) -> Self {
        Self::of(Kind::NotDone, cause.into())
    }

    /// Makes an error of a record that is stored and cannot be read. The call has had no effect.
    pub fn undecodable(cause: impl Into<Box<dyn error::Error + Send + Sync>>) -> Self {
        Self::of(Kind::Undecodable, cause.into())
    }

    fn of(kind: Kind, cause: Box<dyn error::Error + Send + Sync>) -> Self {
        Self { kind, cause: cause.into() }
    }

    /// Returns true if the call's outcome is unknown.
    #[must_use]
    pub fn is_unknown(&self) -> bool {
        self.kind == Kind::Unknown
    }

    /// Returns true if the call has had no effect and never will.
    #[must_use]
    pub fn is_not_done(&self) -> bool {
        self.kind != Kind::Unknown
    }

    /// Returns true if the store works, but this record cannot be read.
    #[must_use]
    pub fn is_undecodable(&self) -> bool {
        self.kind == Kind::Undecodable
    }
}

crate::chain::debug_like_display!(StoreError);

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            Kind::Unknown | Kind::NotDone => "the session store failed",
            Kind::Undecodable => "a session record cannot be read",
        })
    }
}

impl error::Error for StoreError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        Some(&*self.cause)
    }
}
