//! The time from which sessions are valid, for everybody.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::SystemTime,
};

use crate::store::Timestamp;

/// The time from which sessions are valid: see [`SessionLayer::valid_from`](crate::SessionLayer::valid_from). Clones
/// share the time, so it can be changed while the server runs.
///
/// ```
/// use std::time::SystemTime;
/// use cloakroom::{MemoryStore, SessionLayer, ValidFrom};
///
/// let valid_from = ValidFrom::default();
/// let layer = SessionLayer::new(MemoryStore::new()).valid_from(valid_from.clone());
/// // Later, after a leak: ends every session that was created until now.
/// valid_from.set(SystemTime::now());
/// ```
#[derive(Clone, Default)]
pub struct ValidFrom(Arc<AtomicU64>);

impl ValidFrom {
    /// Ends every session that was created before `time`.
    ///
    /// `time` is compared with the clocks of the servers that created the sessions. If their clocks may differ from
    /// this one, add the difference.
    pub fn set(&self, time: SystemTime) {
        self.0.store(Timestamp::from(time).as_millis(), Ordering::Release);
    }

    pub(crate) fn get(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::Acquire))
    }
}

impl From<SystemTime> for ValidFrom {
    fn from(time: SystemTime) -> Self {
        let valid_from = Self::default();
        valid_from.set(time);
        valid_from
    }
}

impl fmt::Debug for ValidFrom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ValidFrom").field(&self.get()).finish()
    }
}
