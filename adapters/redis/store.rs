//! The four verbs.

use ::redis::Value;
use tokio::{
    sync::MutexGuard,
    time::{Instant, timeout_at},
};

use super::{
    RedisStore, columns,
    failure::{Failure, Fate},
    line::Again,
    record::{self, RECORD},
    script::{self, Call},
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
        self.index(id, record, None, record.created_at()).await?;
        let (key, deadline) = (self.key(id), self.link.deadline());
        let (reply, lost) = self.call_twice(&record::create(&key, record), deadline).await;
        match reply.map_err(|failure| failure.on(id))? {
            Value::BulkString(reply) if reply == b"done" => Ok(Created::Done),
            // By the first one, whose reply was lost.
            Value::BulkString(_) if lost.is_some() && self.has_nonce(&key, record.nonce(), deadline).await => {
                Ok(Created::Done)
            }
            Value::BulkString(reply) if reply == b"taken" => Ok(Created::Taken),
            _ => Err(unexpected()),
        }
    }

    /// Compare and set: what the changes make of the record as this request has it is stored, if that is what Redis has;
    /// and else what they make of the one that Redis has. Who has to try again waits for a turn first, so that many who
    /// write one session are each late once, and not as often as there are others.
    async fn update(&self, id: &SessionId, changes: &Changes) -> Result<Updated, StoreError> {
        let (key, deadline) = (self.key(id), self.link.deadline());
        let mut found = match changes.base() {
            Some(base) => Some(base.clone()),
            None => Box::pin(self.load(id)).await?,
        };
        let (mut known, mut lost, mut turn) = (None, None, None);
        loop {
            let Some(base) = found.filter(|base| base.is_live(changes.now())) else { return Ok(Updated::Gone) };
            let Ok(after) = changes.apply(&base) else { return Ok(Updated::Conflict(Box::new(base))) };
            if known.is_some() && turn.is_none() {
                turn = Some(Box::pin(self.turn(id, deadline)).await?);
            }
            self.index(id, &after, known.as_ref().or(Some(&base)), changes.now()).await?;
            let call = record::swap(&key, &base, &after, changes.now());
            let (reply, lost_now) = self.call_twice(&call, deadline).await;
            lost = lost.or(lost_now);
            found = match reply.map_err(|failure| failure.on(id))? {
                Value::BulkString(reply) if reply == b"done" => return Ok(Updated::Done),
                Value::BulkString(reply) if reply == b"gone" => None,
                reply => record::record(id, &reply)?,
            };
            if found.as_ref().is_some_and(|found| found.nonce() == changes.nonce()) {
                return Ok(Updated::Done);
            }
            // Others wrote; whether we had written before them, nobody can say. Only a deadline can be pushed out twice.
            if let Some(failure) = lost.take_if(|_| found.is_some() && !changes.is_touch()) {
                return Err(failure.on(id));
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
    async fn turn(&self, id: &SessionId, deadline: Instant) -> Result<MutexGuard<'_, ()>, StoreError> {
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

    /// Whether a record whose making was not answered was made. An error is taken for no: it is then reported as failed.
    async fn has_nonce(&self, key: &[u8], nonce: u64, deadline: Instant) -> bool {
        let mut command = ::redis::cmd("HGET");
        command.arg(key).arg(RECORD);
        match self.link.send(key, &command, Again::Yes, deadline).await {
            Ok(Value::BulkString(field)) => columns::has_nonce(&field, nonce),
            _ => false,
        }
    }
}

/// Not an answer of a Redis that runs our scripts. The answer itself may hold what nobody should read in a log.
pub(super) fn unexpected() -> StoreError {
    StoreError::new("Redis gave an answer of another kind than was asked for")
}
