//! The order in which the sessions of a bounded store expire.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use super::SHARDS;
use crate::store::{SessionId, Timestamp};

/// The time at which the first session of each shard expires. It is written under the shard's lock, and read without
/// it.
///
/// A full store reads half a kilobyte to find expired sessions, and need not take every lock.
pub(super) struct Firsts([AtomicU64; SHARDS]);

const NEVER: u64 = u64::MAX;

impl Firsts {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self(std::array::from_fn(|_| AtomicU64::new(NEVER))))
    }

    /// Returns the shard whose first session expired earliest, if any has.
    pub(super) fn expired(&self, now: Timestamp) -> Option<usize> {
        let firsts = self.0.iter().map(|first| first.load(Ordering::Acquire)).enumerate();
        let (shard, first) = firsts.min_by_key(|(_, first)| *first)?;
        (first != NEVER && first <= now.as_millis()).then_some(shard)
    }
}

/// The deadlines of one shard. Every record is here, with its present deadline.
///
/// If deadlines were corrected only when they come up, writes would be cheaper, but one login could have to correct all
/// of them.
pub(super) struct Expiries {
    order: BTreeSet<(Timestamp, SessionId)>,
    firsts: Arc<Firsts>,
    shard: usize,
}

impl Expiries {
    pub(super) fn new(firsts: Arc<Firsts>, shard: usize) -> Self {
        Self { order: BTreeSet::new(), firsts, shard }
    }

    pub(super) fn add(&mut self, at: Timestamp, id: SessionId) {
        self.order.insert((at, id));
        self.note();
    }

    pub(super) fn remove(&mut self, at: Timestamp, id: SessionId) {
        self.order.remove(&(at, id));
        self.note();
    }

    pub(super) fn move_to(&mut self, at: Timestamp, from: Timestamp, id: SessionId) {
        if at != from {
            self.order.remove(&(from, id));
            self.add(at, id);
        }
    }

    /// Returns the session that expired first.
    pub(super) fn expired(&self, now: Timestamp) -> Option<SessionId> {
        self.order.first().filter(|(at, _)| *at <= now).map(|(_, id)| *id)
    }

    fn note(&self) {
        let first = self.order.first().map_or(NEVER, |(at, _)| at.as_millis());
        if let Some(noted) = self.firsts.0.get(self.shard)
            // Most changes are not of the first session, and a write would take the cache line from its readers.
            && noted.load(Ordering::Relaxed) != first
        {
            noted.store(first, Ordering::Release);
        }
    }

    #[cfg(test)]
    pub(super) fn iter(&self) -> impl Iterator<Item = (Timestamp, SessionId)> {
        self.order.iter().copied()
    }
}
