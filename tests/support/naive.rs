//! A store such as most session libraries have: it loads, changes what it loaded, and overwrites what is there.
//!
//! The races run against it, too, to see that they can be lost.

use cloakroom::{Changes, Clock, Created, Record, SessionId, SessionStore, StoreError, Timestamp, Updated};

/// Overwrites. Between its load and its overwriting it deletes, and there a test can hold it.
pub struct Naive<S, C> {
    pub inner: S,
    /// Sessions never expire: that is the cookie's affair.
    pub clock: C,
}

impl<S: SessionStore, C: Clock> SessionStore for Naive<S, C> {
    /// Takes an error for absence.
    async fn load(&self, id: &SessionId) -> Result<Option<Record>, StoreError> {
        let Ok(Some(record)) = self.inner.load(id).await else { return Ok(None) };
        let now = Timestamp::from(self.clock.now());
        let mut fresh = Record::new(record.credentials(), record.state().clone(), now, Timestamp::MAX);
        if record.expires_at() > now {
            fresh = record;
        }
        Ok(Some(fresh))
    }

    async fn create(&self, id: &SessionId, record: &Record) -> Result<Created, StoreError> {
        self.inner.create(id, record).await
    }

    async fn update(&self, id: &SessionId, changes: &Changes) -> Result<Updated, StoreError> {
        let Some(loaded) = self.inner.load(id).await? else { return Ok(Updated::Gone) };
        let Ok(record) = changes.apply(&loaded) else { return Ok(Updated::Conflict(Box::new(loaded))) };
        self.inner.delete(id).await?;
        // Another one may have been as fast: the last one wins.
        while self.inner.create(id, &record).await? == Created::Taken {
            self.inner.delete(id).await?;
        }
        Ok(Updated::Done)
    }

    async fn delete(&self, id: &SessionId) -> Result<(), StoreError> {
        self.inner.delete(id).await
    }
}
