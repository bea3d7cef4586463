//! Copies all sessions of a store into another one.

use std::{
    error, fmt,
    time::{Duration, SystemTime},
};

use tokio::time::{Instant, sleep_until};

use super::{Created, Cursor, Scan, SessionStore, StoreError};
use crate::store::{SessionId, Timestamp};

/// The number of unreadable records that are named.
const NAMED: usize = 100;

/// Copies all sessions of one store into another one. They keep their ids, secrets and deadlines, so their tokens open them
/// in the other store, too. Await [`CopyAll::run`].
///
/// Copy a store that no layer uses any more, or that none uses yet. A session that is written, renewed or ended in the old
/// store after it was copied is not copied again. To move sessions while both stores are in use, see
/// [`SessionLayer::also`](crate::SessionLayer::also) and `moving`.
///
/// ```
/// # use cloakroom::{MemoryStore, store::copy_all};
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), cloakroom::store::CopyError> {
/// # let (old, new) = (MemoryStore::new(), MemoryStore::new());
/// let copied = copy_all(&old, &new)
///     .per_second(1_000)
///     .on_progress(|so_far| println!("{} copied, go on at {}", so_far.copied, so_far.cursor))
///     .run()
///     .await?;
/// println!("{} copied, {} expired, {} already there", copied.copied, copied.expired, copied.already_there);
/// # Ok(()) }
/// ```
pub fn copy_all<'a, F: Scan, T: SessionStore>(from: &'a F, to: &'a T) -> CopyAll<'a, F, T> {
    CopyAll { from, to, so_far: Copied::default(), per_second: None, on_progress: Box::new(|_| {}) }
}

/// A copy that is about to begin. See [`copy_all`].
#[must_use = "nothing is copied until `run` is awaited"]
pub struct CopyAll<'a, F, T> {
    from: &'a F,
    to: &'a T,
    so_far: Copied,
    per_second: Option<u32>,
    on_progress: Box<dyn FnMut(&Copied) + Send + 'a>,
}

/// The numbers of sessions of a copy.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Copied {
    /// Copied sessions.
    pub copied: u64,
    /// Skipped: their deadline has passed, or they ended during the copy.
    pub expired: u64,
    /// Skipped: the other store has the id already, or remembers that it was deleted.
    pub already_there: u64,
    /// Skipped: the record cannot be read.
    pub unreadable: u64,
    /// The first 100 of them, with the reason.
    pub reasons: Vec<(SessionId, StoreError)>,
    /// The place at which another copy can go on. The sessions before it are done.
    pub cursor: Cursor,
}

impl Copied {
    /// Returns the number of sessions that were looked at.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.copied + self.expired + self.already_there + self.unreadable
    }
}

impl<'a, F: Scan, T: SessionStore> CopyAll<'a, F, T> {
    /// Goes on at the cursor of an earlier copy. Default: from the beginning.
    pub fn resume(mut self, cursor: Cursor) -> Self {
        self.so_far.cursor = cursor;
        self
    }

    /// Limits how many sessions are looked at in a second. 0 means no limit, the default.
    pub fn per_second(mut self, sessions: u32) -> Self {
        self.per_second = (sessions > 0).then_some(sessions);
        self
    }

    /// Sets a function that gets the numbers so far, after each part of the store: about ten sessions in Redis, and a small
    /// fraction of a `MemoryStore`. Keep its `cursor` to resume the copy after a crash.
    pub fn on_progress(mut self, hook: impl FnMut(&Copied) + Send + 'a) -> Self {
        self.on_progress = Box::new(hook);
        self
    }

    /// Copies.
    ///
    /// # Errors
    ///
    /// A call of one of the stores failed. [`CopyError::so_far`] has the cursor at which to resume.
    pub async fn run(mut self) -> Result<Copied, CopyError> {
        let (started, mut done) = (Instant::now(), 0_u64);
        loop {
            let scanned = match self.from.scan(&self.so_far.cursor).await {
                Ok(scanned) => scanned,
                Err(cause) => return Err(self.failed(cause)),
            };
            let before = self.so_far.clone();
            for id in &scanned.ids {
                if let Err(cause) = self.copy(id).await {
                    // These sessions are looked at again.
                    self.so_far.cursor = before.cursor;
                    return Err(self.failed(cause));
                }
                done += 1;
                if let Some(rate) = self.per_second {
                    let due = Duration::from_secs(1).saturating_mul(u32::try_from(done).unwrap_or(u32::MAX)) / rate;
                    sleep_until(started + due).await;
                }
            }
            let Some(next) = scanned.next else { return Ok(self.so_far) };
            self.so_far.cursor = next;
            (self.on_progress)(&self.so_far);
        }
    }

    async fn copy(&mut self, id: &SessionId) -> Result<(), StoreError> {
        let mut record = match self.from.load(id).await {
            Ok(Some(record)) if record.expires_at() > Timestamp::from(SystemTime::now()) => record,
            Ok(_) => {
                self.so_far.expired += 1;
                return Ok(());
            }
            Err(error) if error.is_undecodable() => {
                self.so_far.unreadable += 1;
                if self.so_far.reasons.len() < NAMED {
                    self.so_far.reasons.push((*id, error));
                }
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        if record.body().rest.trail.is_none() {
            record.body_mut().rest.trail = Some([0; 4]);
        }
        match self.to.create(id, &record).await {
            Ok(Created::Done) => self.so_far.copied += 1,
            Ok(Created::Taken) => self.so_far.already_there += 1,
            // Its outcome is found out: `create` is not sent again for this id.
            Err(error) if error.is_unknown() => match self.to.load(id).await? {
                Some(found) if found.nonce() == record.nonce() => self.so_far.copied += 1,
                _ => return Err(error),
            },
            Err(error) => return Err(error),
        }
        Ok(())
    }

    fn failed(self, cause: StoreError) -> CopyError {
        CopyError { so_far: Box::new(self.so_far), cause }
    }
}

impl<F, T> fmt::Debug for CopyAll<'_, F, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { so_far, per_second, .. } = self;
        f.debug_struct("CopyAll").field("so_far", so_far).field("per_second", per_second).finish_non_exhaustive()
    }
}

/// A call failed during a copy.
#[derive(Clone)]
pub struct CopyError {
    so_far: Box<Copied>,
    cause: StoreError,
}

impl CopyError {
    /// Returns the numbers until the failure, and the cursor at which to resume. Sessions after the cursor that were copied
    /// already are found to be there.
    #[must_use]
    pub fn so_far(&self) -> &Copied {
        &self.so_far
    }
}

impl fmt::Display for CopyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the copy of the sessions stopped")
    }
}

crate::chain::debug_like_display!(CopyError);

impl error::Error for CopyError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        Some(&self.cause)
    }
}
