//! The index of owners. Each owner has a sorted set of session ids, with the times until which their records may live.
//!
//! The store writes an entry before the record gets the owner. It removes an entry when it deletes a record of that
//! owner, or when the entry's time has passed. So every live session of an owner is in the owner's set. The set may
//! also name sessions that do not exist, or that have another owner. So the store checks the records. It keeps such an
//! entry, because its record may be written soon.

use std::time::Duration;

use ::redis::{Cmd, Value};
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};

use super::{
    RedisStore,
    connection::Access,
    failure::Failure,
    keys,
    limits::Budget,
    script::{self, Call},
    store::{record, unexpected},
    unreadable::Unreadable,
};
use crate::{
    SessionId, StoreError,
    store::{Deleted, OwnerIndex, Record, SessionStore as _, Timestamp},
};

/// The number of records that are read at the same time.
const AT_ONCE: usize = 32;
/// The number of bytes that are read to find a record's owner. The lines before the state are seldom longer.
const BEGINNING: usize = 1024;
/// The shortest and the longest span of time: see [`Entry::of`]. Clocks of clients may differ by the shortest span.
const SPANS: (Duration, Duration) = (Duration::from_millis(1 << 17), Duration::from_secs(24 * 60 * 60));

impl OwnerIndex for RedisStore {
    async fn list(&self, owner: &str) -> Result<Vec<(SessionId, Record)>, StoreError> {
        let ids = self.ids(owner).await?;
        let owned = |id: SessionId| async move {
            let record = match self.without_state(&id).await {
                // It opens nothing.
                Err(error) if error.is_undecodable() => None,
                record => record?,
            };
            Ok::<_, StoreError>(record.filter(|record| record.owner() == Some(owner)).map(|record| (id, record)))
        };
        let found = stream::iter(ids).map(owned).buffer_unordered(AT_ONCE);
        found.try_filter_map(async |found| Ok(found)).try_collect().await
    }

    async fn revoke_all(&self, owner: &str, but: Option<&SessionId>) -> Result<Vec<SessionId>, StoreError> {
        let found = self.list(owner).await?.into_iter().filter(|(id, _)| Some(id) != but);
        let end = |(id, record): (SessionId, Record)| async move { (id, self.end(owner, &id, &record).await) };
        let mut ended = stream::iter(found).map(end).buffer_unordered(AT_ONCE);
        let (mut ids, mut failed) = (Vec::new(), None);
        while let Some((id, result)) = ended.next().await {
            match result {
                Ok(true) => ids.push(id),
                Ok(false) => {}
                Err(error) => failed = Some(error),
            }
        }
        failed.map_or(Ok(ids), Err)
    }
}

impl RedisStore {
    /// Returns whether the index must be written before `record` takes the place of `base`.
    pub(super) fn must_index(base: Option<&Record>, record: &Record) -> bool {
        record.owner().is_some() && Due::of(base, record).is_some()
    }

    /// Writes the entry of `record`, unless the entry of `base` covers it.
    ///
    /// # Errors
    ///
    /// The owner is new, and its index cannot be written. No record was written either. A refresh of an entry that exists
    /// does not fail: it logs a warning.
    pub(super) async fn index(
        &self,
        id: &SessionId,
        base: Option<&Record>,
        record: &Record,
        budget: Budget,
    ) -> Result<(), StoreError> {
        let Some(Due { entry, is_new }) = Due::of(base, record) else { return Ok(()) };
        match self.write_entry(id, &entry, record.last_used(), budget).await {
            Err(failure) if is_new => Err(StoreError::not_done(failure)),
            Err(failure) => {
                // The next write does not try again. It sees only the new record, and assumes that the entry of that record
                // was written. A list of such sessions in this store would not help the writes of other processes. In most
                // cases the old entry covers the record until the next refresh: see `Entry::of`. It does not if the deadline
                // moved on by more than a span, for example after a change of the lifetime.
                tracing::warn!(
                    session = %id,
                    %failure,
                    "the session's entry in its owner's index could not be refreshed: \"log out everywhere\" may miss the \
                     session once the old entry has ended, unless a later write refreshes it"
                );
                Ok(())
            }
            Ok(()) => Ok(()),
        }
    }

    async fn write_entry(
        &self,
        id: &SessionId,
        entry: &Entry<'_>,
        now: Timestamp,
        budget: Budget,
    ) -> Result<(), Failure> {
        let key = self.keys.owner(entry.owner);
        let call = Call::new(&script::INDEX, &key, 64).arg(&keys::text(id)[..]);
        let call = call.arg(entry.until.as_millis()).arg(now.as_millis());
        self.connection.call(&call, budget).await.map(drop)
    }

    /// Removes a deleted session from its owner's index. If that fails, the entry ends by itself.
    pub(super) async fn forget(&self, owner: Option<&str>, id: &SessionId, budget: Budget) {
        if let Some(owner) = owner {
            Box::pin(self.remove_entry(owner, id, budget.next())).await;
        }
    }

    async fn remove_entry(&self, owner: &str, id: &SessionId, budget: Budget) {
        let key = self.keys.owner(owner);
        let mut command = ::redis::cmd("ZREM");
        command.arg(&key).arg(&keys::text(id)[..]);
        if let Err(failure) = self.connection.send(&key, &command, Access::Write, budget).await {
            tracing::debug!(%failure, "the index of an owner keeps a deleted session until its time has passed");
        }
    }

    async fn ids(&self, owner: &str) -> Result<Vec<SessionId>, StoreError> {
        let key = self.keys.owner(owner);
        let mut command = ::redis::cmd("ZRANGE");
        command.arg(&key).arg("0").arg("-1");
        let reply = self.connection.send(&key, &command, Access::Read, self.connection.budget()).await?;
        let id = |value: &Value| match value {
            Value::BulkString(bytes) => std::str::from_utf8(bytes).ok()?.parse().ok(),
            _ => None,
        };
        Ok(reply.as_sequence().ok_or_else(unexpected)?.iter().filter_map(id).collect())
    }

    /// Loads a record without its state, from its first bytes if they are enough.
    async fn without_state(&self, id: &SessionId) -> Result<Option<Record>, StoreError> {
        let key = self.keys.session(id);
        let mut command = Cmd::with_capacity(4, key.len() + 16);
        command.arg("GETRANGE").arg(&key).arg("0").arg(BEGINNING - 1);
        let reply = self.connection.send(&key, &command, Access::Read, self.connection.budget()).await;
        match reply.map_err(|failure| failure.on(id))? {
            Value::BulkString(bytes) if bytes.len() == BEGINNING => {
                match Record::from_prefix(&bytes).map_err(|error| Unreadable::damaged(id, error))? {
                    Some(record) => Ok(Some(record)),
                    None => Box::pin(self.load(id)).await,
                }
            }
            // The whole record, or none.
            reply => record(id, &reply),
        }
    }

    /// Deletes a record of this owner. If the record has changed, looks at it again.
    async fn end(&self, owner: &str, id: &SessionId, record: &Record) -> Result<bool, StoreError> {
        match self.delete(id, Some(record)).await {
            Ok(Deleted::Done) => Ok(true),
            Ok(Deleted::Gone) => Ok(false),
            Ok(Deleted::Changed(_)) => Box::pin(self.revoke(owner, id)).await,
            // It opens nothing.
            Err(error) if error.is_undecodable() => Ok(false),
            Err(error) => Err(error),
        }
    }
}

/// An entry that must be written.
struct Due<'a> {
    entry: Entry<'a>,
    /// The owner had no entry for this session.
    is_new: bool,
}

impl<'a> Due<'a> {
    fn of(base: Option<&Record>, record: &'a Record) -> Option<Self> {
        let entry = Entry::of(record)?;
        let known = base.and_then(Entry::of).filter(|known| known.owner == entry.owner);
        match known {
            Some(known) if known.until >= entry.until => None,
            known => Some(Self { entry, is_new: known.is_none() }),
        }
    }
}

/// An entry of a session in its owner's index.
#[derive(Debug, PartialEq, Eq)]
struct Entry<'a> {
    owner: &'a str,
    until: Timestamp,
}

impl<'a> Entry<'a> {
    /// Returns the entry of a record, which follows from the record alone.
    ///
    /// Time is cut into spans. A span is about as long as the time from the last use to the deadline. Redis drops the record
    /// in some span, and the entry ends with the span after that one. So a session in use has its entry written once a span,
    /// not at every touch. If that write fails, the old entry still covers the span.
    fn of(record: &'a Record) -> Option<Self> {
        let owner = record.owner()?;
        let away = record.expires_at().since(record.last_used());
        let span: u64 = 1 << away.clamp(SPANS.0, SPANS.1).as_millis().ilog2();
        let dropped = record.expires_at().plus(Record::GRACE).as_millis();
        Some(Self { owner, until: Timestamp::from_millis((dropped / span + 2) * span - 1) })
    }
}

#[cfg(all(test, feature = "testing"))]
mod tests;
