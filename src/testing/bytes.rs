//! A byte store in memory.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use crate::{
    config::Clock,
    formats::{ByteStore, Stored},
    store::{Created, Deleted, Replaced, StoreError},
};

/// Keeps the records of another crate in memory, for tests. Clones share them.
///
/// It drops a record when its [`ttl`](Stored::ttl) is over, by the machine's clock or by the one of [`MemoryBytes::clock`].
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// use std::time::Duration;
///
/// use cloakroom::{
///     formats::{ByteStore, Stored},
///     testing::{MemoryBytes, TestClock},
/// };
///
/// let clock = TestClock::new();
/// let store = MemoryBytes::new().clock(clock.clone());
/// let record = Stored { bytes: b"{}".to_vec(), ttl: Some(Duration::from_secs(60)) };
/// store.create("key", &record).await?;
/// assert_eq!(store.load("key").await?, Some(record));
///
/// clock.advance(Duration::from_secs(60));
/// assert_eq!(store.load("key").await?, None);
/// # Ok::<_, cloakroom::StoreError>(()) }).unwrap();
/// ```
#[derive(Clone)]
pub struct MemoryBytes {
    entries: Arc<Mutex<HashMap<String, Entry>>>,
    clock: Arc<dyn Clock>,
}

struct Entry {
    bytes: Vec<u8>,
    ends: Option<SystemTime>,
}

impl MemoryBytes {
    /// Makes an empty store.
    #[must_use]
    pub fn new() -> Self {
        Self { entries: Arc::default(), clock: Arc::new(SystemTime::now) }
    }

    /// Returns the same store with another clock. Default: the machine's.
    #[must_use]
    pub fn clock(self, clock: impl Clock) -> Self {
        Self { clock: Arc::new(clock), ..self }
    }

    /// Returns the keys of all records, in order.
    #[must_use]
    pub fn keys(&self) -> Vec<String> {
        let mut keys: Vec<String> = self.entries(self.clock.now()).keys().cloned().collect();
        keys.sort();
        keys
    }

    /// Locks the records, without those whose time is over.
    fn entries(&self, now: SystemTime) -> MutexGuard<'_, HashMap<String, Entry>> {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.retain(|_, entry| entry.ends.is_none_or(|ends| ends > now));
        entries
    }
}

impl ByteStore for MemoryBytes {
    async fn load(&self, key: &str) -> Result<Option<Stored>, StoreError> {
        let now = self.clock.now();
        Ok(self.entries(now).get(key).map(|entry| entry.stored(now)))
    }

    async fn create(&self, key: &str, record: &Stored) -> Result<Created, StoreError> {
        let now = self.clock.now();
        let mut entries = self.entries(now);
        if entries.contains_key(key) {
            return Ok(Created::Taken);
        }
        entries.insert(key.to_owned(), Entry::new(record, now));
        Ok(Created::Done)
    }

    async fn replace(&self, key: &str, base: &[u8], record: &Stored) -> Result<Replaced<Stored>, StoreError> {
        let now = self.clock.now();
        match self.entries(now).get_mut(key) {
            None => Ok(Replaced::Gone),
            Some(entry) if entry.bytes != base => Ok(Replaced::Changed(entry.stored(now))),
            Some(entry) => {
                *entry = Entry::new(record, now);
                Ok(Replaced::Done)
            }
        }
    }

    async fn delete(&self, key: &str, base: Option<&[u8]>) -> Result<Deleted<Stored>, StoreError> {
        let now = self.clock.now();
        let mut entries = self.entries(now);
        match (entries.get(key), base) {
            (None, _) => Ok(Deleted::Gone),
            (Some(entry), Some(base)) if entry.bytes != base => Ok(Deleted::Changed(entry.stored(now))),
            (Some(_), _) => {
                entries.remove(key);
                Ok(Deleted::Done)
            }
        }
    }
}

impl Entry {
    fn new(record: &Stored, now: SystemTime) -> Self {
        // A time beyond the clock's range never comes.
        Self { bytes: record.bytes.clone(), ends: record.ttl.and_then(|ttl| now.checked_add(ttl)) }
    }

    fn stored(&self, now: SystemTime) -> Stored {
        let ttl = self.ends.map(|ends| ends.duration_since(now).unwrap_or(Duration::ZERO));
        Stored { bytes: self.bytes.clone(), ttl }
    }
}

impl Default for MemoryBytes {
    fn default() -> Self {
        Self::new()
    }
}

/// Shows no record: its key is a token in some formats.
impl fmt::Debug for MemoryBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryBytes").finish_non_exhaustive()
    }
}
