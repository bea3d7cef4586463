//! The records of other crates, in their own keys.

use std::{fmt, sync::Arc, time::Duration};

use ::redis::{Cmd, FromRedisValue as _, Value};

use super::{
    RedisStore,
    connection::{Access, Connection},
    failure::Failure,
    script::{self, Call},
    store::{is_ok, unexpected},
};
use crate::{
    StoreError,
    formats::{ByteStore, Stored},
    store::{Created, Deleted, Replaced},
};

/// The longest TTL. Redis refuses one whose sum with the time does not fit into 64 bits.
const LONGEST: u64 = 1 << 62;

/// Keeps the records of another crate in Redis, as that crate does: string values with a TTL. Clones share the
/// [`RedisStore`]'s connection.
///
/// A format's key is used as it is, without the prefix of the `RedisStore`.
///
/// | call | commands |
/// |---|---|
/// | load | one script: `GET`, `PTTL` |
/// | create | `SET .. NX PX` |
/// | replace | one script: `GET`, `SET .. PX`, or `PTTL` if another value is stored |
/// | delete | `DEL`; with a base, one script |
///
/// An ACL user needs `+get +set +del +pttl +eval +evalsha` on these keys.
///
/// Failures are those of a `RedisStore`: a load is sent once more if its reply is lost, and a write never is. A key that
/// is no string is [undecodable](StoreError::is_undecodable). Messages do not show a key, because it is the token in these
/// formats.
#[derive(Clone)]
#[cfg_attr(docsrs, doc(cfg(feature = "formats")))]
pub struct RedisBytes {
    connection: Arc<Connection>,
}

impl RedisStore {
    /// Returns a store for the records of another crate, over the same connection.
    #[cfg_attr(docsrs, doc(cfg(feature = "formats")))]
    #[must_use]
    pub fn bytes(&self) -> RedisBytes {
        RedisBytes { connection: Arc::clone(&self.connection) }
    }
}

impl ByteStore for RedisBytes {
    async fn load(&self, key: &str) -> Result<Option<Stored>, StoreError> {
        let call = call(key, 0);
        match outcome(self.connection.read(&call, self.connection.budget()).await)? {
            Outcome::Found(stored) => Ok(Some(stored)),
            Outcome::Nothing => Ok(None),
            Outcome::Written => Err(unexpected()),
        }
    }

    async fn create(&self, key: &str, record: &Stored) -> Result<Created, StoreError> {
        let mut command = Cmd::with_capacity(6, key.len() + record.bytes.len() + 32);
        command.arg("SET").arg(key).arg(&record.bytes[..]).arg("NX");
        if let Some(ttl) = record.ttl {
            command.arg("PX").arg(millis(ttl));
        }
        let sent = self.connection.send(key.as_bytes(), &command, Access::Write, self.connection.budget());
        match sent.await.map_err(failed)? {
            Value::Nil => Ok(Created::Taken),
            reply if is_ok(&reply) => Ok(Created::Done),
            _ => Err(unexpected()),
        }
    }

    async fn replace(&self, key: &str, base: &[u8], record: &Stored) -> Result<Replaced<Stored>, StoreError> {
        let call = call(key, base.len() + record.bytes.len()).arg(base);
        let call = match record.ttl {
            Some(ttl) => call.arg(millis(ttl)),
            None => call.arg("none"),
        };
        let call = call.arg(&record.bytes[..]);
        Ok(match outcome(self.connection.call(&call, self.connection.budget()).await)? {
            Outcome::Written => Replaced::Done,
            Outcome::Found(stored) => Replaced::Changed(stored),
            Outcome::Nothing => Replaced::Gone,
        })
    }

    async fn delete(&self, key: &str, base: Option<&[u8]>) -> Result<Deleted<Stored>, StoreError> {
        let budget = self.connection.budget();
        let Some(base) = base else {
            let mut command = Cmd::with_capacity(2, key.len() + 3);
            command.arg("DEL").arg(key);
            let reply = self.connection.send(key.as_bytes(), &command, Access::Write, budget).await.map_err(failed)?;
            let is_deleted = bool::from_redis_value(reply).map_err(StoreError::new)?;
            return Ok(if is_deleted { Deleted::Done } else { Deleted::Gone });
        };
        let call = call(key, base.len()).arg(base).arg("delete");
        Ok(match outcome(self.connection.call(&call, budget).await)? {
            Outcome::Written => Deleted::Done,
            Outcome::Found(stored) => Deleted::Changed(stored),
            Outcome::Nothing => Deleted::Gone,
        })
    }
}

/// The answer of the script.
enum Outcome {
    Written,
    Found(Stored),
    Nothing,
}

fn call(key: &str, length: usize) -> Call<'_> {
    Call::new(&script::BYTES, key.as_bytes(), length)
}

fn outcome(reply: Result<Value, Failure>) -> Result<Outcome, StoreError> {
    let reply = reply.map_err(failed)?;
    if is_ok(&reply) {
        return Ok(Outcome::Written);
    }
    let (bytes, left) = <(Option<Vec<u8>>, i64)>::from_redis_value(reply).map_err(|_| unexpected())?;
    // A key that never ends has -1.
    let ttl = u64::try_from(left).ok().map(Duration::from_millis);
    Ok(bytes.map_or(Outcome::Nothing, |bytes| Outcome::Found(Stored { bytes, ttl })))
}

/// Returns a TTL in milliseconds. Redis refuses 0.
fn millis(ttl: Duration) -> u64 {
    u64::try_from(ttl.as_millis()).unwrap_or(LONGEST).clamp(1, LONGEST)
}

fn failed(failure: Failure) -> StoreError {
    if failure.says("WRONGTYPE") { StoreError::undecodable(failure) } else { failure.into() }
}

impl fmt::Debug for RedisBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisBytes").field("connection", &self.connection).finish()
    }
}
