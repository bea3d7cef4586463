//! Clean-up.

use cloakroom::StoreError;

use crate::{
    SqlStore, columns,
    database::{Database, Value},
};

impl<DB: Database> SqlStore<DB> {
    /// Deletes at most `limit` rows of sessions that ended, and returns their number.
    ///
    /// A row is kept for [`Record::GRACE`](cloakroom::store::Record::GRACE) after its deadline, the row of a deleted session for
    /// [`Record::TOMBSTONE`](cloakroom::store::Record::TOMBSTONE), and both until the next full hour. Several processes may sweep at
    /// the same time.
    ///
    /// Call it from a job of your own, or use [`sweep_every`](Self::sweep_every).
    ///
    /// # Errors
    ///
    /// The database failed. The call may have deleted rows.
    pub async fn sweep(&self, limit: u32) -> Result<u64, StoreError> {
        let values = [Value::Int(columns::swept()), Value::Long(limit.into())];
        Ok(self.lease().await?.execute(self.call(&self.statements.sweep, &values)).await?)
    }
}
