//! A key that holds no record, or one that cannot be read.

use std::fmt;

use crate::{SessionId, StoreError};

/// A key holds no record, or one that cannot be read.
#[derive(Debug)]
pub(super) struct Damaged {
    id: SessionId,
    why: String,
}

impl Damaged {
    pub(super) fn new(id: &SessionId, why: String) -> Self {
        Self { id: *id, why }
    }
}

impl From<Damaged> for StoreError {
    fn from(damaged: Damaged) -> Self {
        Self::undecodable(damaged)
    }
}

impl fmt::Display for Damaged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the record of session {} is damaged: {}", self.id, self.why)
    }
}

impl std::error::Error for Damaged {}
