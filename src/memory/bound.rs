//! The limit of the number of sessions.

use std::{
    collections::BTreeSet,
    fmt,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicUsize, Ordering},
    },
};

use super::{expiry::Firsts, lock};
use crate::store::{SessionId, Timestamp};

/// The limit, and the order in which sessions without an owner are ended.
pub(super) struct Bound {
    max: usize,
    count: AtomicUsize,
    pub(super) firsts: Arc<Firsts>,
    ownerless: Mutex<Ownerless>,
}

/// Sessions without an owner, oldest first. An entry's session may be gone, or have an owner now.
pub(super) type Ownerless = BTreeSet<(Timestamp, SessionId)>;

impl Bound {
    pub(super) fn new(max: usize) -> Self {
        Self { max, count: AtomicUsize::new(0), firsts: Firsts::new(), ownerless: Mutex::default() }
    }

    pub(super) fn ownerless(&self) -> MutexGuard<'_, Ownerless> {
        lock(&self.ownerless)
    }

    pub(super) fn is_full(&self) -> bool {
        self.count.load(Ordering::Acquire) >= self.max
    }

    pub(super) fn added(&self) {
        self.count.fetch_add(1, Ordering::AcqRel);
    }

    pub(super) fn removed(&self) {
        self.count.fetch_sub(1, Ordering::AcqRel);
    }

    #[cfg(test)]
    pub(super) fn count(&self) -> usize {
        self.count.load(Ordering::Acquire)
    }

    pub(super) fn full(&self) -> Full {
        Full { max: self.max }
    }
}

/// The error of a full store whose sessions all have owners.
#[derive(Debug)]
pub(super) struct Full {
    max: usize,
}

impl fmt::Display for Full {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the memory store is full: each of its {} sessions has an owner", self.max)
    }
}

impl std::error::Error for Full {}
