//! Names all sessions, one shard after the other.

use super::{MemoryStore, lock};
use crate::store::{Cursor, Scan, Scanned, StoreError};

impl Scan for MemoryStore {
    async fn scan(&self, cursor: &Cursor) -> Result<Scanned, StoreError> {
        let at = cursor.number()?;
        let next = at + 1;
        let shards = &self.tables.shards;
        let Some(shard) = usize::try_from(at).ok().and_then(|at| shards.get(at)) else {
            return Ok(Scanned::default());
        };
        let ids = lock(shard).iter().map(|(id, _)| id).collect();
        let is_last = usize::try_from(next).is_ok_and(|next| next >= shards.len());
        Ok(Scanned::new(ids, (!is_last).then(|| Cursor::new(next.to_string()))))
    }
}
