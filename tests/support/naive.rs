//! A store such as most session libraries have: it overwrites what is there with what it had loaded.
//!
//! The races run against it, too, to see that they can be lost.

use cloakroom::{
    Clock, SessionId, StoreError,
    store::{Created, Deleted, Record, Replaced, SessionStore, Timestamp},
    testing::FaultStore,
};

/// Overwrites. Before it does, it deletes, and there a test can hold it.
///
/// Each verb asks the fault store, for its rules, and then the store inside, which has no tombstones.
pub struct Naive<S, C> {
    pub inner: FaultStore<S>,
    /// Sessions never expire: that is left to the cookie.
    pub clock: C,
}

impl<S: SessionStore, C: Clock> SessionStore for Naive<S, C> {
    /// Takes an error for absence.
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

    /// Does not look at the base.
    async fn replace(&self, id: &SessionId, _base: &Record, record: &Record) -> Result<Replaced, StoreError> {
        if self.inner.inner().load(id).await?.is_none() {
            return Ok(Replaced::Gone);
        }
        self.inner.delete(id, None).await?;
        self.inner.inner().delete(id, None).await?;
        let mut created = self.create(id, record).await?;
        // Another call may have been as fast: the last one wins.
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
