//! A store like those of most session libraries: it overwrites the stored session with the loaded one.
//!
//! The races also run against it, to show that they can be lost.

use cloakroom::{
    Clock, SessionId, StoreError,
    store::{Created, Deleted, Record, Replaced, SessionStore, Timestamp},
    testing::FaultStore,
};

/// A store that overwrites. It deletes first, and a test can hold it there.
///
/// Each verb asks the fault store for its rules, and then uses the store inside, which has no tombstones.
pub struct Naive<S, C> {
    pub inner: FaultStore<S>,
    /// The clock. Sessions never expire in this store, only their cookies.
    pub clock: C,
}

impl<S: SessionStore, C: Clock> SessionStore for Naive<S, C> {
    /// Takes an error for a missing session.
    async fn load(&self, id: &SessionId) -> Result<Option<Record>, StoreError> {
        if self.inner.load(id).await.is_err() {
            return Ok(None);
        }
        let Some(record) = self.inner.inner().load(id).await? else { return Ok(None) };
        let now = Timestamp::from(self.clock.now());
        if record.expires_at() > now {
            return Ok(Some(record));
        }
        Ok(Some(Record::new(record.credentials(), record.state().clone(), now, Timestamp::MAX)))
    }

    async fn create(&self, id: &SessionId, record: &Record) -> Result<Created, StoreError> {
        match self.inner.create(id, record).await? {
            Created::Done => Ok(Created::Done),
            // A tombstone, or a record.
            Created::Taken => self.inner.inner().create(id, record).await,
        }
    }

    /// Ignores the base.
    async fn replace(&self, id: &SessionId, _base: &Record, record: &Record) -> Result<Replaced, StoreError> {
        if self.inner.inner().load(id).await?.is_none() {
            return Ok(Replaced::Gone);
        }
        self.inner.delete(id, None).await?;
        self.inner.inner().delete(id, None).await?;
        let mut created = self.create(id, record).await?;
        // Another call may have been as fast. The last one wins.
        while created == Created::Taken {
            self.inner.inner().delete(id, None).await?;
            created = self.inner.inner().create(id, record).await?;
        }
        Ok(Replaced::Done)
    }

    async fn delete(&self, id: &SessionId, _base: Option<&Record>) -> Result<Deleted, StoreError> {
        self.inner.delete(id, None).await?;
        self.inner.inner().delete(id, None).await?;
        Ok(Deleted::Done)
    }
}
