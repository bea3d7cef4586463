//! Who comes next.

use tokio::sync::{Mutex, MutexGuard};

use crate::SessionId;

/// How many queues there are. A power of two.
const QUEUES: usize = 64;

/// Queues of those who write a session that others write, too: in each, one after the other, as they came.
#[derive(Debug)]
pub(super) struct Turns([Mutex<()>; QUEUES]);

impl Turns {
    /// The turn of whoever writes this session next; it lasts until it is dropped.
    pub(super) async fn of(&self, id: &SessionId) -> MutexGuard<'_, ()> {
        let [first, ..] = id.as_bytes();
        self.0[usize::from(*first) % QUEUES].lock().await
    }
}

impl Default for Turns {
    fn default() -> Self {
        Self(std::array::from_fn(|_| Mutex::default()))
    }
}
