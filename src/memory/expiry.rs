//! In which order the sessions of a bounded store expire.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use super::SHARDS;
use crate::store::{SessionId, Timestamp};

/// The time at which the first session of each shard expires. It is written under the shard's lock, and read without it.
///
/// So a full store finds what has expired by one look at half a kilobyte, not by taking every lock.
pub(super) struct Firsts([AtomicU64; SHARDS]);

const NEVER: u64 = u64::MAX;

impl Firsts {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self(std::array::from_fn(|_| AtomicU64::new(NEVER))))
    }

    /// The shard of the session that expired first, if any has.
    pub(super) fn expired(&self, now: Timestamp) -> Option<usize> {
        let firsts = self.0.iter().map(|first| first.load(Ordering::Acquire)).enumerate();
        let (shard, first) = firsts.min_by_key(|(_, first)| *first)?;
        (first != NEVER && first <= now.as_millis()).then_some(shard)
    }
}

/// Of one shard: every record is here, at the deadline that it has.
///
/// Deadlines that were only corrected when they come up would cost a write nothing, and one unlucky log-in a correction of
/// them all.
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

    /// The one that expired first.
    pub(super) fn expired(&self, now: Timestamp) -> Option<SessionId> {
        self.order.first().filter(|(at, _)| *at <= now).map(|(_, id)| *id)
    }

    fn note(&self) {
        let first = self.order.first().map_or(NEVER, |(at, _)| at.as_millis());
        if let Some(noted) = self.firsts.0.get(self.shard)
            // Most changes are not to the first, and a write would take the line from those who read.
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
