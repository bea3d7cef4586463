//! A record as the store keeps it.

use std::sync::Arc;

use crate::store::{Record, SessionId, Timestamp};

/// A record under its id. The deadline is beside the id, so that a sweep reads nothing but the table.
pub(super) struct Kept {
    pub(super) id: SessionId,
    expires_at: Timestamp,
    record: Record,
}

#[cfg(test)]
thread_local! {
    /// The number of times that this thread checked a record's deadline: the cost of clean-up.
    pub(super) static LOOKS: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

impl Kept {
    pub(super) fn new(id: SessionId, record: Record) -> Self {
        Self { id, expires_at: record.expires_at(), record }
    }

    pub(super) fn is_live(&self, now: Timestamp) -> bool {
        #[cfg(test)]
        LOOKS.set(LOOKS.get() + 1);
        now < self.expires_at
    }

    pub(super) fn record(&self) -> &Record {
        &self.record
    }

    pub(super) fn created_at(&self) -> Timestamp {
        self.record.created_at()
    }

    pub(super) fn expires_at(&self) -> Timestamp {
        self.expires_at
    }

    pub(super) fn owner(&self) -> Option<&Arc<str>> {
        self.record.body().rest.owner.as_ref()
    }

    /// Replaces the record, and returns the previous one.
    pub(super) fn put(&mut self, record: Record) -> Record {
        self.expires_at = record.expires_at();
        std::mem::replace(&mut self.record, record)
    }
}
