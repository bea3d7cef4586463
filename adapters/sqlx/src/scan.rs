//! Names all sessions, in the order of their ids.

use cloakroom::{
    SessionId, StoreError,
    store::{Cursor, Scan, Scanned},
};

use crate::{
    SqlStore,
    database::{Database, Value},
};

impl<DB: Database> Scan for SqlStore<DB> {
    async fn scan(&self, cursor: &Cursor) -> Result<Scanned, StoreError> {
        let after = cursor.as_str();
        if !after.is_empty() && after.parse::<SessionId>().is_err() {
            return Err(StoreError::not_done(format!("the cursor {cursor} is not one of this store")));
        }
        let rows = self.lease().await?.rows(self.call(&self.statements.scan, &[Value::Id(after)])).await?;
        let next = rows.last().map(|(id, _)| Cursor::new(id.as_str()));
        Ok(Scanned::new(rows.iter().filter_map(|(id, _)| id.parse().ok()).collect(), next))
    }
}
