//! Names all sessions, by `SCAN`.

use ::redis::{Cmd, FromRedisValue as _};

use super::{RedisStore, connection::Access};
use crate::{
    StoreError,
    store::{Cursor, Scan, Scanned},
};

/// The next cursor, and keys.
type Reply = (u64, Vec<Vec<u8>>);

/// One server, also behind Sentinel. A cluster and a store with `key_names` cannot be scanned: their calls fail. The ACL
/// user needs `+scan`.
impl Scan for RedisStore {
    async fn scan(&self, cursor: &Cursor) -> Result<Scanned, StoreError> {
        if self.connection.is_cluster() {
            return Err(StoreError::not_done("a cluster cannot be scanned; scan each of its masters as one server"));
        }
        let pattern = self.keys.pattern().ok_or_else(|| {
            StoreError::not_done("a store with key_names cannot be scanned: the id cannot be read from a key")
        })?;
        let mut command = Cmd::new();
        command.arg("SCAN").arg(cursor.number()?).arg("MATCH").arg(pattern).arg("COUNT").arg(100);
        let reply = self.connection.send(&[], &command, Access::Read, self.connection.budget()).await?;
        let (next, keys) = Reply::from_redis_value(reply).map_err(StoreError::new)?;
        let ids = keys.iter().filter_map(|key| self.keys.id(key)).collect();
        Ok(Scanned::new(ids, (next != 0).then(|| Cursor::new(next.to_string()))))
    }
}
