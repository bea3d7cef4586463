//! The cause of an undecodable record.

use std::fmt;

use crate::{
    SessionId, StoreError,
    store::{DecodeError, ErrorChain},
};

/// The cause: a session's key holds no record, or a damaged one. It shows no value.
pub(super) struct Unreadable {
    id: SessionId,
    why: Why,
}

enum Why {
    /// Redis answered `WRONGTYPE`.
    OtherKind,
    Damaged(DecodeError),
}

impl Unreadable {
    pub(super) fn other_kind(id: &SessionId) -> StoreError {
        StoreError::undecodable(Self { id: *id, why: Why::OtherKind })
    }

    pub(super) fn damaged(id: &SessionId, error: DecodeError) -> StoreError {
        StoreError::undecodable(Self { id: *id, why: Why::Damaged(error) })
    }
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the record of session {} cannot be read: ", self.id)?;
        match &self.why {
            Why::OtherKind => f.write_str(
                "its key holds another kind of key than a string (a hash was written by a version before 0.1, or by another \
                 program)",
            ),
            Why::Damaged(error) => error.fmt(f),
        }
    }
}

impl fmt::Debug for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&ErrorChain(self), f)
    }
}

impl std::error::Error for Unreadable {}
