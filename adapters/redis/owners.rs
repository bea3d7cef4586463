//! The sessions of one owner: a sorted set of ids, each with the time until which its session may live.
//!
//! An entry is written before the record that it is for, and taken out when that record is deleted, or when its time has
//! passed. So every live session of an owner is in the owner's set; what is in the set may be gone, or another owner's
//! by now, and the records tell. Nothing is taken out because its record is missing: that record may be about to come.

use std::time::Duration;

use ::redis::Value;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use tokio::time::Instant;

use super::{
    RedisStore,
    columns::{self, NEVER},
    line::Again,
    record::{self, RECORD},
    script::{self, Call},
    store::unexpected,
};
use crate::{OwnedSession, OwnerIndex, Record, SessionId, StoreError, Timestamp};

/// How many records are asked for at the same time.
const AT_ONCE: usize = 32;
/// Into how long spans time is cut, at least and at most: see [`entry`]. The least is what clients' clocks may differ by.
const SPANS: (Duration, Duration) = (Duration::from_millis(1 << 17), Duration::from_secs(24 * 60 * 60));

impl OwnerIndex for RedisStore {
    async fn list(&self, owner: &str, now: Timestamp) -> Result<Vec<OwnedSession>, StoreError> {
        let ids = self.ids(owner).await?;
        let owned = |id: SessionId| async move {
            let record = match self.meta(&id).await {
                // It opens nothing, so its owner misses nothing.
                Err(error) if error.is_undecodable() => None,
                record => record?,
            };
            let record = record.filter(|record| record.owner() == Some(owner) && record.is_live(now));
            Ok::<_, StoreError>(record.map(|record| OwnedSession::new(id, &record)))
        };
        let found = stream::iter(ids).map(owned).buffer_unordered(AT_ONCE);
        found.try_filter_map(async |session| Ok(session)).try_collect().await
    }

    async fn revoke(&self, owner: &str, id: &SessionId) -> Result<bool, StoreError> {
        let is_revoked = self.end(owner, id).await?;
        if is_revoked {
            self.forget(owner, &[*id]).await;
        }
        Ok(is_revoked)
    }

    async fn revoke_all(&self, owner: &str, but: Option<&SessionId>) -> Result<Vec<SessionId>, StoreError> {
        let ids = self.ids(owner).await?.into_iter().filter(|id| Some(id) != but);
        let end = |id: SessionId| async move { (id, self.end(owner, &id).await) };
        let mut ended = stream::iter(ids).map(end).buffer_unordered(AT_ONCE);
        let (mut revoked, mut failed) = (Vec::new(), None);
        // One that fails keeps none of the others alive.
        while let Some((id, result)) = ended.next().await {
            match result {
                Ok(true) => revoked.push(id),
                Ok(false) => {}
                Err(error) if error.is_undecodable() => {}
                Err(error) => failed = Some(error),
            }
        }
        for ids in revoked.chunks(AT_ONCE) {
            self.forget(owner, ids).await;
        }
        failed.map_or(Ok(revoked), Err)
    }
}

impl RedisStore {
    /// Writes a session into its owner's set, unless it stands there as `known` was written.
    pub(super) async fn index(
        &self,
        id: &SessionId,
        record: &Record,
        known: Option<&Record>,
        now: Timestamp,
        deadline: Instant,
    ) -> Result<(), StoreError> {
        match entry(record).filter(|new| known.and_then(entry).as_ref() != Some(new)) {
            Some((owner, until)) => Box::pin(self.write_entry(id, owner, until, now, deadline)).await,
            None => Ok(()),
        }
    }

    async fn write_entry(
        &self,
        id: &SessionId,
        owner: &str,
        until: Timestamp,
        now: Timestamp,
        deadline: Instant,
    ) -> Result<(), StoreError> {
        let key = self.owner_key(owner);
        let mut call = Call::new(&script::INDEX, &key);
        call.arg(id.to_string()).arg(&columns::millis(until)[..]).arg(&columns::millis(now)[..]);
        self.link.call(&call, Again::Yes, deadline).await?;
        Ok(())
    }

    /// Takes deleted sessions out of their owner's set. A failure leaves entries that end by themselves.
    pub(super) async fn forget(&self, owner: &str, ids: &[SessionId]) {
        let key = self.owner_key(owner);
        let mut command = ::redis::cmd("ZREM");
        command.arg(&key);
        for id in ids {
            command.arg(id.to_string());
        }
        if let Err(failure) = self.link.send(&key, &command, Again::Yes, self.link.deadline()).await {
            tracing::debug!(%failure, "an owner's index keeps sessions that have ended");
        }
    }

    async fn ids(&self, owner: &str) -> Result<Vec<SessionId>, StoreError> {
        let key = self.owner_key(owner);
        let mut command = ::redis::cmd("ZRANGE");
        command.arg(&key).arg(0).arg(-1);
        let reply = self.link.send(&key, &command, Again::Yes, self.link.deadline()).await?;
        let id = |value: &Value| match value {
            Value::BulkString(bytes) => std::str::from_utf8(bytes).ok()?.parse().ok(),
            _ => None,
        };
        Ok(reply.as_sequence().ok_or_else(unexpected)?.iter().filter_map(id).collect())
    }

    async fn meta(&self, id: &SessionId) -> Result<Option<Record>, StoreError> {
        let key = self.key(id);
        let mut command = ::redis::cmd("HGET");
        command.arg(&key).arg(RECORD);
        let reply = self.link.send(&key, &command, Again::Yes, self.link.deadline()).await?;
        record::meta(id, &reply)
    }

    /// Deletes a record if it is that owner's. A lost reply is an error: nobody could say who ended it.
    async fn end(&self, owner: &str, id: &SessionId) -> Result<bool, StoreError> {
        let key = self.key(id);
        let mut call = Call::new(&script::REVOKE, &key);
        call.arg(columns::owner(owner));
        match self.link.call(&call, Again::No, self.link.deadline()).await? {
            Value::BulkString(reply) => Ok(reply == b"done"),
            _ => Err(unexpected()),
        }
    }
}

/// The owner in whose set a record stands, and until when.
///
/// Time is cut into spans about as long as the deadline is away, and an entry stands until the end of the span after that in
/// which the deadline lies. So a session in use has its entry written now and then, not at every touch; and what was written
/// follows from the record.
fn entry(record: &Record) -> Option<(&str, Timestamp)> {
    let owner = record.owner()?;
    let span = record.expires_at().since(record.last_used()).clamp(SPANS.0, SPANS.1).as_millis();
    let span = 1 << span.ilog2();
    let until =
        Timestamp::from_millis(record.expires_at().as_millis() / span * span).plus(Duration::from_millis(2 * span - 1));
    Some((owner, if until < NEVER { until } else { Timestamp::MAX }))
}
