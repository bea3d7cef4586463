//! The four verbs.

use ::redis::Value;
use tokio::time::{Instant, timeout_at};

use super::{
    RedisStore, columns,
    failure::{Failure, Fate},
    line::Again,
    record::{self, RECORD},
    script::{self, Call},
    turns::Turn,
};
use crate::{Changes, Created, DynOwnerIndex, Record, SessionId, SessionStore, StoreError, Updated};

impl SessionStore for RedisStore {
    async fn load(&self, id: &SessionId) -> Result<Option<Record>, StoreError> {
        let key = self.key(id);
        let mut command = ::redis::cmd("HGETALL");
        command.arg(&key);
        let reply = self.link.send(&key, &command, Again::Yes, self.link.deadline()).await;
        record::record(id, &reply.map_err(|failure| failure.on(id))?)
    }

    async fn create(&self, id: &SessionId, record: &Record) -> Result<Created, StoreError> {
        let (key, deadline) = (self.key(id), self.link.deadline());
        self.index(id, record, None, record.created_at(), deadline).await?;
        let (reply, lost) = self.call_twice(&record::create(&key, record), deadline).await;
        match reply.map_err(|failure| failure.on(id))? {
            Value::BulkString(reply) if reply == b"done" => {
                if lost.is_some() {
                    // The first one may have been done, and revoked meanwhile, and its entry with it.
                    self.index(id, record, None, record.created_at(), deadline).await?;
                }
                Ok(Created::Done)
            }
            // Perhaps by the first one, whose reply was lost.
            Value::BulkString(reply) if reply == b"taken" => match lost {
                Some(_) if self.has_nonce(&key, record.nonce(), deadline).await? => Ok(Created::Done),
                _ => Ok(Created::Taken),
            },
            _ => Err(unexpected()),
        }
    }

    /// Compare and set: what the changes make of the record as this request has it is stored, if that is what Redis has;
    /// and else what they make of the one that Redis has. Who has to try again waits for a turn first, so that many who
    /// write one session are each late once, and not as often as there are others.
    async fn update(&self, id: &SessionId, changes: &Changes) -> Result<Updated, StoreError> {
        let (key, deadline) = (self.key(id), self.link.deadline());
        // Where that has expired, others may have pushed the deadline out.
        let mut found = match changes.base().filter(|base| base.is_live(changes.now())) {
            Some(base) => Some(base.clone()),
            None => Box::pin(self.load(id)).await?,
        };
        let (mut known, mut lost, mut turn) = (None, None, None);
        loop {
            let Some(base) = found.filter(|base| base.is_live(changes.now())) else { return Ok(Updated::Gone) };
            let Ok(after) = changes.apply(&base) else { return Ok(Updated::Conflict(Box::new(base))) };
            if known.is_some() && turn.is_none() {
                let mut ours = Box::pin(self.turn(id, deadline)).await?;
                // It may be old: whether there is a conflict, only Redis knows.
                let left = ours.take(id).filter(|left| left.is_live(changes.now()) && changes.apply(left).is_ok());
                found = Some(left.unwrap_or(base));
                turn = Some(ours);
                continue;
            }
            self.index(id, &after, known.as_ref().or(Some(&base)), changes.now(), deadline).await?;
            let call = record::swap(&key, &base, &after, changes.now());
            let (reply, lost_now) = self.call_twice(&call, deadline).await;
            lost = lost.or(lost_now);
            found = match reply.map_err(|failure| failure.on(id))? {
                Value::BulkString(reply) if reply == b"done" => {
                    if let Some(turn) = turn {
                        turn.leave(id, after);
                    }
                    return Ok(Updated::Done);
                }
                Value::BulkString(reply) if reply == b"gone" => None,
                reply => record::record(id, &reply)?,
            };
            if found.as_ref().is_some_and(|found| found.nonce() == changes.nonce()) {
                return Ok(Updated::Done);
            }
            // Others wrote; whether we had written before them, nobody can say, and it must not be done twice. Of a deadline they
            // have pushed it out themselves.
            if let (Some(failure), Some(found)) = (lost.take(), &found) {
                let is_done = changes.is_touch() && changes.apply(found).is_ok();
                return if is_done { Ok(Updated::Done) } else { Err(failure.on(id)) };
            }
            known = Some(after);
        }
    }

    async fn delete(&self, id: &SessionId) -> Result<(), StoreError> {
        let key = self.key(id);
        let call = Call::new(&script::DELETE, &key);
        let reply = self.link.call(&call, Again::Yes, self.link.deadline()).await?;
        if let Value::BulkString(owner) = reply
            && let Some(owner) = owner.strip_prefix(b"=").and_then(|owner| std::str::from_utf8(owner).ok())
        {
            self.forget(owner, &[*id]).await;
        }
        Ok(())
    }

    fn owner_index(&self) -> Option<&dyn DynOwnerIndex> {
        Some(self)
    }
}

impl RedisStore {
    /// Waits until it is this update's turn to try again.
    async fn turn(&self, id: &SessionId, deadline: Instant) -> Result<Turn<'_>, StoreError> {
        let late = |_| StoreError::new("other requests kept changing the session");
        timeout_at(deadline, self.link.turns.of(id)).await.map_err(late)
    }

    /// Calls a script that does no more when it is called again: once more, where the connection broke before it answered.
    /// Says how, too.
    async fn call_twice(&self, call: &Call<'_>, deadline: Instant) -> (Result<Value, Failure>, Option<Failure>) {
        match self.link.call(call, Again::No, deadline).await {
            Err(failure) if failure.fate == Fate::ReplyLost => {
                (Box::pin(self.link.call(call, Again::No, deadline)).await, Some(failure))
            }
            reply => (reply, None),
        }
    }

    /// Whether the record is what this write made.
    async fn has_nonce(&self, key: &[u8], nonce: u64, deadline: Instant) -> Result<bool, Failure> {
        let mut command = ::redis::cmd("HGET");
        command.arg(key).arg(RECORD);
        let field = self.link.send(key, &command, Again::Yes, deadline).await?;
        Ok(matches!(field, Value::BulkString(field) if columns::has_nonce(&field, nonce)))
    }
}

/// Not an answer of a Redis that runs our scripts. The answer itself may hold what nobody should read in a log.
pub(super) fn unexpected() -> StoreError {
    StoreError::new("Redis gave an answer of another kind than was asked for")
}

#[cfg(all(test, feature = "testing"))]
mod tests;
