//! The four verbs.

use ::redis::Value;
use tokio::time::Instant;

use super::{
    RedisStore,
    columns::{self, Millis},
    failure::{Failure, Fate},
    line::Again,
    record::{self, Joined},
    script::{self, Call},
};
use crate::{Changes, Created, DynOwnerIndex, Record, SessionId, SessionStore, StoreError, Timestamp, Updated};

/// How many keys `update.lua` takes: Lua's stack is limited.
const MOST_KEYS: usize = 500;
/// How often an update meets an owner that another request has set just before.
const OWNER_TRIES: u32 = 4;

impl SessionStore for RedisStore {
    async fn load(&self, id: &SessionId) -> Result<Option<Record>, StoreError> {
        let key = self.key(id);
        let mut command = ::redis::cmd("HGETALL");
        command.arg(&key);
        let reply = self.link.send(&key, &command, Again::Yes, self.link.deadline()).await;
        record::record(id, &reply.map_err(|failure| failure.on(id))?)
    }

    async fn create(&self, id: &SessionId, record: &Record) -> Result<Created, StoreError> {
        let (now, expires_at) = (record.created_at(), record.expires_at());
        let mut indexed = None;
        if let Some(owner) = record.owner() {
            indexed = Some(self.index(owner, id, expires_at, now).await?);
        }
        let key = self.key(id);
        let mut call = Call::new(&script::CREATE, &key);
        record::write(record, indexed.as_ref(), &mut call);
        let deadline = self.link.deadline();
        let (reply, is_second) = match self.link.call(&call, Again::No, deadline).await {
            Err(failure) if failure.fate == Fate::ReplyLost => (self.link.call(&call, Again::No, deadline).await, true),
            reply => (reply, false),
        };
        match reply.map_err(|failure| failure.on(id))? {
            Value::BulkString(reply) if reply == b"done" => Ok(Created::Done),
            // By the first one, whose reply was lost.
            Value::BulkString(_) if is_second && self.has_nonce(&key, record.nonce(), deadline).await => {
                Ok(Created::Done)
            }
            Value::BulkString(reply) if reply == b"taken" => Ok(Created::Taken),
            _ => Err(unexpected()),
        }
    }

    async fn update(&self, id: &SessionId, changes: &Changes) -> Result<Updated, StoreError> {
        let (key, deadline) = (self.key(id), self.link.deadline());
        let mut indexed = None;
        if let Some(owner) = changes.owner().flatten() {
            indexed = Some((owner.to_owned(), self.index(owner, id, changes.expires_at(), changes.now()).await?));
        }
        for _ in 0..OWNER_TRIES {
            let reply = match self.send_update(&key, changes, indexed.as_ref(), deadline).await {
                Err(failure)
                    if failure.fate == Fate::ReplyLost && self.has_nonce(&key, changes.nonce(), deadline).await =>
                {
                    return Ok(Updated::Done);
                }
                reply => reply.map_err(|failure| failure.on(id))?,
            };
            match Reply::read(id, reply)? {
                Reply::Done => return Ok(Updated::Done),
                Reply::Gone => return Ok(Updated::Gone),
                Reply::Conflict(record) => return Ok(Updated::Conflict(Box::new(record))),
                Reply::Index { owner, expires_at } => {
                    let until = self.index(&owner, id, expires_at, changes.now()).await?;
                    indexed = Some((owner, until));
                }
            }
        }
        Err(StoreError::new("other requests kept changing the session's owner"))
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
    async fn send_update(
        &self,
        key: &[u8],
        changes: &Changes,
        indexed: Option<&(String, Millis)>,
        deadline: Instant,
    ) -> Result<Value, Failure> {
        let credentials = (changes.expected_credentials(), changes.credentials());
        let (conditions, removed) = (record::conditions(changes).count(), record::removed(changes).count());
        let is_plain = removed == 0
            && changes.keys().len() <= MOST_KEYS
            && !changes.clears()
            && changes.lifetime().is_none()
            && changes.owner().is_none()
            && indexed.is_none()
            && credentials == (None, None);
        let mut call = Call::new(if is_plain { &script::UPDATE } else { &script::AMEND }, key);
        call.arg(&columns::head(changes.expires_at(), changes.now(), changes.nonce())[..]).arg(conditions);
        if !is_plain {
            let flag = |flag: bool| if flag { "1" } else { "0" };
            call.arg(removed)
                .arg(flag(changes.lifetime().is_some()))
                .arg(flag(changes.clears()))
                .arg(match changes.owner() {
                    None => Joined("", ""),
                    Some(None) => Joined("-", ""),
                    Some(Some(owner)) => Joined("=", owner),
                })
                .arg(indexed.map_or(Joined("", ""), |(owner, _)| Joined("=", owner)))
                .arg(indexed.map_or(&[][..], |(_, until)| until))
                .arg(credentials.0.map(columns::text).unwrap_or_default())
                .arg(credentials.1.map(columns::text).unwrap_or_default());
        }
        record::write_conditions(changes, &mut call);
        for field in record::removed(changes) {
            call.arg(field);
        }
        record::write_set(changes, &mut call);
        // Only a deadline can be pushed out twice. Anything else might undo what came after the first time.
        let again = if changes.is_touch() { Again::Yes } else { Again::No };
        self.link.call(&call, again, deadline).await
    }

    /// Whether a write whose reply was lost was done: the record then holds its nonce, unless another write came after
    /// it. An error is taken for no: the write is then reported as failed.
    async fn has_nonce(&self, key: &[u8], nonce: u64, deadline: Instant) -> bool {
        let mut command = ::redis::cmd("HGET");
        command.arg(key).arg("record");
        match self.link.send(key, &command, Again::Yes, deadline).await {
            Ok(Value::BulkString(line)) => columns::has_nonce(&line, nonce),
            _ => false,
        }
    }
}

/// What a script answers to an update.
enum Reply {
    Done,
    Gone,
    Conflict(Record),
    /// The owner's index must know of the session until that deadline, first.
    Index {
        owner: String,
        expires_at: Timestamp,
    },
}

impl Reply {
    fn read(id: &SessionId, reply: Value) -> Result<Self, StoreError> {
        let mut items = match reply {
            Value::BulkString(word) if word == b"done" => return Ok(Self::Done),
            Value::BulkString(word) if word == b"gone" => return Ok(Self::Gone),
            Value::Array(items) => items.into_iter(),
            _ => return Err(unexpected()),
        };
        match (items.next(), items.as_slice()) {
            (Some(Value::BulkString(word)), [Value::BulkString(owner), Value::BulkString(deadline)])
                if word == b"index" =>
            {
                let text =
                    |bytes: &[u8]| std::str::from_utf8(bytes).map(str::to_owned).map_err(StoreError::undecodable);
                let millis = text(deadline)?.parse().map_err(StoreError::undecodable)?;
                Ok(Self::Index { owner: text(owner)?, expires_at: Timestamp::from_millis(millis) })
            }
            (Some(Value::BulkString(word)), _) if word == b"conflict" => {
                let record = record::record(id, &Value::Array(items.collect()))?;
                Ok(record.map_or(Self::Gone, Self::Conflict))
            }
            _ => Err(unexpected()),
        }
    }
}

/// Not an answer of a Redis that runs our scripts. The answer itself may hold what nobody should read in a log.
pub(super) fn unexpected() -> StoreError {
    StoreError::new("Redis gave an answer of another kind than was asked for")
}
