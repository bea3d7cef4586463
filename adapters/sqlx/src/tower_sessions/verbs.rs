//! The four verbs.

use std::{iter, time::Duration};

use cloakroom::{
    StoreError,
    formats::{ByteStore, Stored},
    store::{Created, Deleted, Replaced},
};

use super::TowerSessionsTable;
use crate::{
    database::{Database, Value},
    failure::Failure,
    lease::Lease,
};

const YEAR: u64 = 365 * 24 * 60 * 60 * 1000;
/// Stands for "for ever", in milliseconds: a year of more than four digits is no date in some databases.
const FOR_EVER: u64 = 1000 * YEAR;
/// A row that is kept for longer is kept for ever. It was written up to 100 years ago.
const IS_FOR_EVER: u64 = 900 * YEAR;

impl<DB: Database> ByteStore for TowerSessionsTable<DB> {
    async fn load(&self, key: &str) -> Result<Option<Stored>, StoreError> {
        self.found(key, &mut self.access.lease().await?).await
    }

    async fn create(&self, key: &str, record: &Stored) -> Result<Created, StoreError> {
        let mut lease = self.access.lease().await?;
        if self.insert(key, record, &mut lease).await? {
            return Ok(Created::Done);
        }
        // An expired row is nothing, but has the id.
        let ids: Vec<_> = ids::<DB>(key).collect();
        let is_free = lease.execute(self.access.call(&self.statements.delete_expired, &ids)).await? > 0;
        let is_done = is_free && self.insert(key, record, &mut lease).await?;
        Ok(if is_done { Created::Done } else { Created::Taken })
    }

    async fn replace(&self, key: &str, base: &[u8], record: &Stored) -> Result<Replaced<Stored>, StoreError> {
        let values = [Value::Record(&record.bytes), Value::Long(millis(record.ttl))].into_iter();
        let values: Vec<_> = values.chain(ids::<DB>(key)).chain([Value::Record(base)]).collect();
        let mut lease = self.access.lease().await?;
        if lease.execute(self.access.call(&self.statements.replace, &values)).await? > 0 {
            return Ok(Replaced::Done);
        }
        Ok(self.found(key, &mut lease).await?.map_or(Replaced::Gone, Replaced::Changed))
    }

    async fn delete(&self, key: &str, base: Option<&[u8]>) -> Result<Deleted<Stored>, StoreError> {
        let text = if base.is_some() { &self.statements.delete_base } else { &self.statements.delete };
        let values: Vec<_> = ids::<DB>(key).chain(base.map(Value::Record)).collect();
        let mut lease = self.access.lease().await?;
        if lease.execute(self.access.call(text, &values)).await? > 0 {
            return Ok(Deleted::Done);
        }
        if base.is_none() {
            return Ok(Deleted::Gone);
        }
        Ok(self.found(key, &mut lease).await?.map_or(Deleted::Gone, Deleted::Changed))
    }
}

impl<DB: Database> TowerSessionsTable<DB> {
    async fn found(&self, key: &str, lease: &mut Lease<DB>) -> Result<Option<Stored>, StoreError> {
        let ids: Vec<_> = ids::<DB>(key).collect();
        let rows = lease.rows(self.access.call(&self.statements.load, &ids)).await?;
        let Some((left, bytes)) = rows.into_iter().next() else { return Ok(None) };
        Ok(Some(Stored { bytes, ttl: ttl(&left)? }))
    }

    /// Returns false if the id is taken.
    async fn insert(&self, key: &str, record: &Stored, lease: &mut Lease<DB>) -> Result<bool, Failure> {
        let values = [Value::Id(key), Value::Record(&record.bytes), Value::Long(millis(record.ttl))];
        match lease.execute(self.access.call(&self.statements.create, &values)).await {
            Ok(rows) => Ok(rows > 0),
            Err(failure) if failure.is_taken() => Ok(false),
            Err(failure) => Err(failure),
        }
    }
}

/// Returns the parameters of the condition on an id.
fn ids<DB: Database>(key: &str) -> impl Iterator<Item = Value<'_>> {
    iter::repeat_n(Value::Id(key), DB::TOWER_SESSIONS.id_is.1)
}

fn millis(ttl: Option<Duration>) -> i64 {
    let millis = ttl.and_then(|ttl| u64::try_from(ttl.as_millis()).ok()).unwrap_or(FOR_EVER).min(FOR_EVER);
    i64::try_from(millis).unwrap_or(i64::MAX)
}

/// Reads the rest of a row's time.
fn ttl(left: &str) -> Result<Option<Duration>, StoreError> {
    if left.is_empty() {
        return Ok(None);
    }
    let millis: i64 = left.parse().map_err(|_| StoreError::undecodable("the date of a session's row is not a date"))?;
    let millis = u64::try_from(millis).unwrap_or_default();
    Ok((millis < IS_FOR_EVER).then(|| Duration::from_millis(millis)))
}
