//! The four verbs.

use cloakroom::{
    SessionId, StoreError,
    store::{Created, Deleted, DynOwnerIndex, Record, Replaced, SessionStore},
};

use crate::{
    SqlStore,
    columns::{self, Columns},
    database::{Database, Value},
    failure::{Failure, Unreadable},
    lease::Lease,
};

/// The number of times that a delete looks for a record and for the place of a tombstone, while other requests create and
/// delete the record.
const TRIES: u32 = 8;

impl<DB: Database> SessionStore for SqlStore<DB> {
    async fn load(&self, id: &SessionId) -> Result<Option<Record>, StoreError> {
        self.found(id, &mut self.lease().await?).await
    }

    async fn create(&self, id: &SessionId, record: &Record) -> Result<Created, StoreError> {
        let (name, text) = (id.to_string(), record.to_bytes());
        let Columns { nonce, expires_at, sweep, owner } = Columns::of(record);
        let values = [
            Value::Id(&name),
            Value::Long(nonce),
            Value::Long(expires_at),
            Value::Int(sweep),
            Value::Owner(owner.as_deref()),
            Value::Record(&text),
        ];
        Ok(self.insert(&values, &mut self.lease().await?).await?)
    }

    async fn replace(&self, id: &SessionId, base: &Record, record: &Record) -> Result<Replaced, StoreError> {
        let (name, text) = (id.to_string(), record.to_bytes());
        let Columns { nonce, expires_at, sweep, owner } = Columns::of(record);
        let (nonce, expires_at) = (Value::Long(nonce), Value::Long(expires_at));
        let (text, id_is, base_is) = (Value::Record(&text), Value::Id(&name), Value::Long(columns::nonce(base)));
        // The row with the base's nonce has the base's columns.
        let is_rewrite = Columns::of(base).sweep == sweep && base.owner() == record.owner();
        let whole = [nonce, expires_at, Value::Int(sweep), Value::Owner(owner.as_deref()), text, id_is, base_is];
        let part = [nonce, expires_at, text, id_is, base_is];
        let call = if is_rewrite {
            self.call(&self.statements.rewrite, &part)
        } else {
            self.call(&self.statements.replace, &whole)
        };
        let mut lease = self.lease().await?;
        if lease.execute(call).await? > 0 {
            return Ok(Replaced::Done);
        }
        Ok(self.found(id, &mut lease).await?.map_or(Replaced::Gone, Replaced::Changed))
    }

    async fn delete(&self, id: &SessionId, base: Option<&Record>) -> Result<Deleted, StoreError> {
        let mut lease = self.lease().await?;
        match base {
            Some(base) => self.delete_base(id, base, &mut lease).await,
            None => self.delete_any(id, &mut lease).await,
        }
    }

    fn owner_index(&self) -> Option<&dyn DynOwnerIndex> {
        Some(self)
    }
}

impl<DB: Database> SqlStore<DB> {
    /// Looks for a record. A tombstone is none.
    pub(crate) async fn found(&self, id: &SessionId, lease: &mut Lease<DB>) -> Result<Option<Record>, StoreError> {
        let name = id.to_string();
        let text = lease.record(self.call(&self.statements.load, &[Value::Id(&name)])).await?;
        let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(None) };
        Record::from_bytes(&text).map(Some).map_err(|error| Unreadable::record(id, error))
    }

    async fn insert(&self, values: &[Value<'_>], lease: &mut Lease<DB>) -> Result<Created, Failure> {
        match lease.execute(self.call(&self.statements.create, values)).await {
            Ok(0) => Ok(Created::Taken),
            Ok(_) => Ok(Created::Done),
            Err(failure) if failure.is_taken() => Ok(Created::Taken),
            Err(failure) => Err(failure),
        }
    }

    async fn delete_base(&self, id: &SessionId, base: &Record, lease: &mut Lease<DB>) -> Result<Deleted, StoreError> {
        let (name, (expires_at, sweep)) = (id.to_string(), columns::tombstone());
        let nonce = columns::nonce(base);
        let values = [Value::Long(expires_at), Value::Int(sweep), Value::Id(&name), Value::Long(nonce)];
        if lease.execute(self.call(&self.statements.bury_base, &values)).await? > 0 {
            return Ok(Deleted::Done);
        }
        Ok(self.found(id, lease).await?.map_or(Deleted::Gone, Deleted::Changed))
    }

    async fn delete_any(&self, id: &SessionId, lease: &mut Lease<DB>) -> Result<Deleted, StoreError> {
        let (name, (expires_at, sweep)) = (id.to_string(), columns::tombstone());
        let buried = [Value::Long(expires_at), Value::Int(sweep), Value::Id(&name)];
        let made = [
            Value::Id(&name),
            Value::Long(0),
            Value::Long(expires_at),
            Value::Int(sweep),
            Value::Owner(None),
            Value::Record(&[]),
        ];
        for _ in 0..TRIES {
            if lease.execute(self.call(&self.statements.bury, &buried)).await? > 0 {
                return Ok(Deleted::Done);
            }
            if self.insert(&made, lease).await? == Created::Done
                || lease.execute(self.call(&self.statements.keep_buried, &buried)).await? > 0
            {
                return Ok(Deleted::Gone);
            }
        }
        Err(StoreError::not_done("other requests kept creating and deleting the session"))
    }
}
