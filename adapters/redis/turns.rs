//! Who comes next.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{Mutex, MutexGuard};

use crate::{Record, SessionId};

/// How many queues there are: one for each first byte of an id.
const QUEUES: usize = 256;

/// Queues of those who write a session that others write, too: in each, one after the other, as they came.
#[derive(Debug)]
pub(super) struct Turns([Queue; QUEUES]);

#[derive(Debug, Default)]
struct Queue {
    /// How many stand in it, with the one whose turn it is.
    length: AtomicUsize,
    /// What that one finds: the record that was stored in the last turn.
    left: Mutex<Option<(SessionId, Record)>>,
}

/// The turn of whoever writes a session; it lasts until it is dropped.
pub(super) struct Turn<'a> {
    place: Place<'a>,
    left: MutexGuard<'a, Option<(SessionId, Record)>>,
}

struct Place<'a>(&'a AtomicUsize);

impl Turns {
    pub(super) async fn of(&self, id: &SessionId) -> Turn<'_> {
        let [first, ..] = id.as_bytes();
        let queue = &self.0[usize::from(*first)];
        queue.length.fetch_add(1, Ordering::Relaxed);
        let place = Place(&queue.length);
        Turn { left: queue.left.lock().await, place }
    }
}

impl Turn<'_> {
    /// What this session's record was at the end of the last turn, however long ago that is.
    pub(super) fn take(&mut self, id: &SessionId) -> Option<Record> {
        self.left.take().filter(|(of, _)| of == id).map(|(_, record)| record)
    }

    /// Ends the turn, and leaves what was stored in it to the next one, if there is one.
    pub(super) fn leave(mut self, id: &SessionId, record: Record) {
        let is_followed = self.place.0.load(Ordering::Relaxed) > 1;
        *self.left = is_followed.then_some((*id, record));
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Default for Turns {
    fn default() -> Self {
        Self(std::array::from_fn(|_| Queue::default()))
    }
}
