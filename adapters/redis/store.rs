//! The four verbs.

use ::redis::{Cmd, Value};

use super::{
    RedisStore,
    connection::Access,
    failure::Failure,
    limits::Budget,
    replace::{self, Replacement, TOMBSTONE, Ttl},
    unreadable::Unreadable,
};
use crate::{
    SessionId, StoreError,
    store::{Created, Deleted, DynOwnerIndex, Record, Replaced, SessionStore},
};

/// The number of times that a delete on a full server is tried while other requests write the record.
const TRIES: u32 = 8;

impl SessionStore for RedisStore {
    async fn load(&self, id: &SessionId) -> Result<Option<Record>, StoreError> {
        let key = self.keys.session(id);
        record(id, &self.get(id, &key, self.connection.budget()).await?)
    }

    async fn create(&self, id: &SessionId, record: &Record) -> Result<Created, StoreError> {
        let mut budget = self.connection.budget();
        if record.owner().is_some() {
            Box::pin(self.index(id, None, record, budget)).await?;
            budget = budget.next();
        }
        let (key, bytes) = (self.keys.session(id), record.to_bytes());
        let mut command = Cmd::with_capacity(6, key.len() + bytes.len() + 32);
        command.arg("SET").arg(&key).arg(bytes).arg("NX");
        if let Ttl::Millis(millis) = Ttl::of(record) {
            command.arg("PX").arg(millis);
        }
        match self.connection.send(&key, &command, Access::Write, budget).await? {
            Value::Nil => Ok(Created::Taken),
            reply if is_ok(&reply) => Ok(Created::Done),
            _ => Err(unexpected()),
        }
    }

    async fn replace(&self, id: &SessionId, base: &Record, record: &Record) -> Result<Replaced, StoreError> {
        let mut budget = self.connection.budget();
        if Self::must_index(Some(base), record) {
            Box::pin(self.index(id, Some(base), record, budget)).await?;
            budget = budget.next();
        }
        let (key, bytes, ttl) = (self.keys.session(id), record.to_bytes(), Ttl::after(base, record));
        let reply = match Replacement::of(base, record, &bytes, self.connection.tries_if_equal()) {
            Replacement::IfEqual { base: old } => {
                let command = replace::if_equal(&key, &old, &bytes, ttl);
                match self.connection.send(&key, &command, Access::Write, budget).await {
                    Ok(reply) if is_ok(&reply) => return Ok(Replaced::Done),
                    // Another value is stored.
                    Ok(Value::Nil) => Box::pin(self.get(id, &key, budget.next())).await?,
                    Ok(_) => return Err(unexpected()),
                    Err(failure) if failure.is_syntax_error() => {
                        self.connection.has_no_if_equal();
                        return Box::pin(self.replace_whole(id, &key, base, &bytes, ttl, budget.next())).await;
                    }
                    Err(failure) => return Err(failure.on(id)),
                }
            }
            Replacement::Head { length } => {
                let call = replace::head(&key, base, &bytes, length, ttl);
                self.connection.call(&call, budget).await.map_err(|failure| failure.on(id))?
            }
            Replacement::Whole => return self.replace_whole(id, &key, base, &bytes, ttl, budget).await,
        };
        if has_nonce(&reply, base) {
            // Another program wrote these bytes. The nonce decides, and the script compares only the nonce.
            return Box::pin(self.replace_whole(id, &key, base, &bytes, ttl, budget.next())).await;
        }
        outcome(id, &reply)
    }

    async fn delete(&self, id: &SessionId, base: Option<&Record>) -> Result<Deleted, StoreError> {
        let (key, budget) = (self.keys.session(id), self.connection.budget());
        match base {
            Some(base) => self.delete_base(id, &key, base, budget).await,
            None => self.delete_any(id, &key, budget).await,
        }
    }

    fn owner_index(&self) -> Option<&dyn DynOwnerIndex> {
        Some(self)
    }
}

impl RedisStore {
    async fn get(&self, id: &SessionId, key: &[u8], budget: Budget) -> Result<Value, StoreError> {
        let mut command = Cmd::with_capacity(2, key.len() + 3);
        command.arg("GET").arg(key);
        self.connection.send(key, &command, Access::Read, budget).await.map_err(|failure| failure.on(id))
    }

    async fn replace_whole(
        &self,
        id: &SessionId,
        key: &[u8],
        base: &Record,
        bytes: &[u8],
        ttl: Ttl,
        budget: Budget,
    ) -> Result<Replaced, StoreError> {
        let call = replace::whole(key, base, bytes, ttl);
        outcome(id, &self.connection.call(&call, budget).await.map_err(|failure| failure.on(id))?)
    }

    async fn delete_base(
        &self,
        id: &SessionId,
        key: &[u8],
        base: &Record,
        budget: Budget,
    ) -> Result<Deleted, StoreError> {
        let call = replace::tombstone(key, &base.nonce_digits());
        let reply = self.connection.call(&call, budget).await.map_err(|failure| failure.on(id))?;
        match outcome(id, &reply)? {
            Replaced::Done => {
                self.forget(base.owner(), id, budget).await;
                Ok(Deleted::Done)
            }
            Replaced::Changed(record) => Ok(Deleted::Changed(record)),
            Replaced::Gone => Ok(Deleted::Gone),
        }
    }

    async fn delete_any(&self, id: &SessionId, key: &[u8], budget: Budget) -> Result<Deleted, StoreError> {
        let mut command = tombstone(key);
        command.arg("GET");
        match self.connection.send(key, &command, Access::Write, budget).await {
            Ok(Value::Nil) => Ok(Deleted::Gone),
            Ok(Value::BulkString(found)) if found.is_empty() => Ok(Deleted::Gone),
            Ok(Value::BulkString(found)) => {
                self.forget(owner(&found).as_deref(), id, budget).await;
                Ok(Deleted::Done)
            }
            Ok(_) => Err(unexpected()),
            Err(failure) if failure.says("WRONGTYPE") => Box::pin(self.delete_other_kind(key, budget)).await,
            Err(failure) if failure.says("OOM") => Box::pin(self.delete_when_full(id, key, budget)).await,
            Err(failure) => Err(failure.into()),
        }
    }

    /// Deletes a key that is not a string. `SET .. GET` refuses such a key.
    async fn delete_other_kind(&self, key: &[u8], budget: Budget) -> Result<Deleted, StoreError> {
        self.send_del(key, budget).await?;
        let command = tombstone(key);
        // The key is deleted. Only a session's record needs a tombstone.
        if let Err(failure) = self.connection.send(key, &command, Access::Write, budget.next()).await {
            tracing::debug!(%failure, "a deleted key has no tombstone");
        }
        Ok(Deleted::Done)
    }

    /// Deletes a record on a server that refuses every `SET`, because its memory is full. A script may store a tombstone
    /// after its own `DEL`.
    async fn delete_when_full(&self, id: &SessionId, key: &[u8], budget: Budget) -> Result<Deleted, StoreError> {
        for _ in 0..TRIES {
            let found = match self.get(id, key, budget.next()).await {
                Ok(Value::Nil) => Vec::new(),
                Ok(Value::BulkString(found)) => found,
                Err(error) if error.is_undecodable() => return self.delete_other_kind(key, budget.next()).await,
                Err(error) => return Err(error),
                Ok(_) => return Err(unexpected()),
            };
            // The script compares this part with the same part of the stored value. Without a key, both are empty.
            let (start, end) = (Record::NONCE.start.min(found.len()), Record::NONCE.end.min(found.len()));
            let call = replace::tombstone(key, found.get(start..end).unwrap_or_default());
            if is_ok(&self.connection.call(&call, budget.next()).await?) {
                if found.is_empty() {
                    return Ok(Deleted::Gone);
                }
                self.forget(owner(&found).as_deref(), id, budget).await;
                return Ok(Deleted::Done);
            }
        }
        Err(StoreError::not_done("Redis is out of memory, and other requests kept changing the session"))
    }

    async fn send_del(&self, key: &[u8], budget: Budget) -> Result<(), Failure> {
        let mut command = ::redis::cmd("DEL");
        command.arg(key);
        self.connection.send(key, &command, Access::Write, budget.next()).await.map(drop)
    }
}

/// Returns `SET key "" PX 600000`.
fn tombstone(key: &[u8]) -> Cmd {
    let mut command = Cmd::with_capacity(6, key.len() + 16);
    command.arg("SET").arg(key).arg("").arg("PX").arg(TOMBSTONE);
    command
}

/// Reads the record in a reply. `None` stands for no key, and for a tombstone.
pub(super) fn record(id: &SessionId, reply: &Value) -> Result<Option<Record>, StoreError> {
    match reply {
        Value::Nil => Ok(None),
        Value::BulkString(bytes) if bytes.is_empty() => Ok(None),
        Value::BulkString(bytes) => Record::from_bytes(bytes).map(Some).map_err(|error| Unreadable::damaged(id, error)),
        _ => Err(unexpected()),
    }
}

/// Reads the answer of the replace script.
fn outcome(id: &SessionId, reply: &Value) -> Result<Replaced, StoreError> {
    if is_ok(reply) {
        return Ok(Replaced::Done);
    }
    Ok(record(id, reply)?.map_or(Replaced::Gone, Replaced::Changed))
}

fn has_nonce(reply: &Value, base: &Record) -> bool {
    matches!(reply, Value::BulkString(bytes) if bytes.get(Record::NONCE) == Some(&base.nonce_digits()[..]))
}

/// Returns the owner of a record in its text form.
fn owner(bytes: &[u8]) -> Option<String> {
    Record::from_prefix(bytes).ok().flatten()?.owner().map(str::to_owned)
}

pub(super) fn is_ok(reply: &Value) -> bool {
    match reply {
        Value::Okay => true,
        Value::SimpleString(text) => text == "OK",
        _ => false,
    }
}

/// Returns the error for a reply that Redis never gives to these commands. It does not show the reply, which may be a session.
pub(super) fn unexpected() -> StoreError {
    StoreError::new("Redis sent a reply of an unexpected type")
}
