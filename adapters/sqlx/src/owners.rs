//! The sessions of an owner.

use cloakroom::{
    SessionId, StoreError,
    store::{OwnerIndex, Record},
};

use crate::{
    SqlStore, columns,
    database::{Database, Revocation, Value},
};

impl<DB: Database> OwnerIndex for SqlStore<DB> {
    /// Reads the first KiB of each record, and leaves the state out.
    async fn list(&self, owner: &str) -> Result<Vec<(SessionId, Record)>, StoreError> {
        let name = columns::owner(owner);
        let mut lease = self.lease().await?;
        let rows = lease.rows(self.call(&self.statements.list, &[Value::Owner(Some(&name))])).await?;
        let mut records = Vec::with_capacity(rows.len());
        for (id, start) in rows {
            let Ok(id) = id.parse::<SessionId>() else { continue };
            let record = match Record::from_prefix(&start) {
                Ok(Some(record)) => Ok(Some(record)),
                Ok(None) => self.found(&id, &mut lease).await,
                Err(_) => Ok(None),
            };
            match record {
                // It may have changed after the first KiB was read.
                Ok(record) => {
                    records.extend(record.filter(|record| record.owner() == Some(owner)).map(|found| (id, found)));
                }
                Err(error) if error.is_undecodable() => {}
                Err(error) => return Err(error),
            }
        }
        Ok(records)
    }

    async fn revoke(&self, owner: &str, id: &SessionId) -> Result<bool, StoreError> {
        let (name, text, (expires_at, sweep)) = (columns::owner(owner), id.to_string(), columns::tombstone());
        let values = [Value::Long(expires_at), Value::Int(sweep), Value::Id(&text), Value::Owner(Some(&name))];
        Ok(self.lease().await?.execute(self.call(&self.statements.bury_owned, &values)).await? > 0)
    }

    async fn revoke_all(&self, owner: &str, but: Option<&SessionId>) -> Result<Vec<SessionId>, StoreError> {
        let (name, but) = (columns::owner(owner), but.map(SessionId::to_string).unwrap_or_default());
        let revocation =
            Revocation { tombstone: columns::tombstone(), owner: &name, but: &but, mode: self.access.mode };
        let ended = self.lease().await?.revoke_all(&self.statements, revocation).await?;
        Ok(ended.into_iter().filter_map(|(id, _)| id.parse().ok()).collect())
    }
}
