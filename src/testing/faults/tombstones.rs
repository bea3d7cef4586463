//! A store whose deleted ids stay deleted.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, PoisonError},
};

use crate::store::{Created, Deleted, DynOwnerIndex, Record, Replaced, SessionId, SessionStore, StoreError};

/// Adds tombstones to a store. Clones share them.
pub(super) struct Tombstoned<S> {
    inner: Arc<S>,
    deleted: Arc<Mutex<HashSet<SessionId>>>,
}

impl<S> Tombstoned<S> {
    pub(super) fn new(inner: S) -> Self {
        Self { inner: Arc::new(inner), deleted: Arc::default() }
    }

    pub(super) fn inner(&self) -> &S {
        &self.inner
    }

    fn is_deleted(&self, id: &SessionId) -> bool {
        self.with(|deleted| deleted.contains(id))
    }

    fn with<T>(&self, work: impl FnOnce(&mut HashSet<SessionId>) -> T) -> T {
        work(&mut self.deleted.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl<S: SessionStore> Tombstoned<S> {
    pub(super) async fn load(&self, id: &SessionId) -> Result<Option<Record>, StoreError> {
        if self.is_deleted(id) { Ok(None) } else { self.inner.load(id).await }
    }

    pub(super) async fn create(&self, id: &SessionId, record: &Record) -> Result<Created, StoreError> {
        if self.is_deleted(id) { Ok(Created::Taken) } else { self.inner.create(id, record).await }
    }

    pub(super) async fn replace(&self, id: &SessionId, base: &Record, record: &Record) -> Result<Replaced, StoreError> {
        if self.is_deleted(id) { Ok(Replaced::Gone) } else { self.inner.replace(id, base, record).await }
    }

    pub(super) async fn delete(&self, id: &SessionId, base: Option<&Record>) -> Result<Deleted, StoreError> {
        if base.is_some() {
            return self.delete_if(id, base).await;
        }
        // The tombstone comes first. Otherwise a `create` between the two would return `Done`, and its record would be
        // hidden.
        if !self.with(|deleted| deleted.insert(*id)) {
            return Ok(Deleted::Gone);
        }
        let answer = self.inner.delete(id, None).await;
        if answer.is_err() {
            self.with(|deleted| deleted.remove(id));
        }
        answer
    }

    async fn delete_if(&self, id: &SessionId, base: Option<&Record>) -> Result<Deleted, StoreError> {
        if self.is_deleted(id) {
            return Ok(Deleted::Gone);
        }
        let answer = self.inner.delete(id, base).await?;
        if answer == Deleted::Done {
            self.with(|deleted| deleted.insert(*id));
        }
        Ok(answer)
    }

    fn index(&self) -> Result<&dyn DynOwnerIndex, StoreError> {
        self.inner.owner_index().ok_or_else(|| StoreError::not_done("the inner store has no index of owners"))
    }

    pub(super) async fn list(&self, owner: &str) -> Result<Vec<(SessionId, Record)>, StoreError> {
        let mut found = self.index()?.list(owner).await?;
        self.with(|deleted| found.retain(|(id, _)| !deleted.contains(id)));
        Ok(found)
    }

    pub(super) async fn revoke(&self, owner: &str, id: &SessionId) -> Result<bool, StoreError> {
        let is_revoked = !self.is_deleted(id) && self.index()?.revoke(owner, id).await?;
        if is_revoked {
            self.with(|deleted| deleted.insert(*id));
        }
        Ok(is_revoked)
    }

    pub(super) async fn revoke_all(&self, owner: &str, but: Option<&SessionId>) -> Result<Vec<SessionId>, StoreError> {
        let revoked = self.index()?.revoke_all(owner, but).await?;
        self.with(|deleted| deleted.extend(&revoked));
        Ok(revoked)
    }
}

impl<S> Clone for Tombstoned<S> {
    fn clone(&self) -> Self {
        Self { inner: Arc::clone(&self.inner), deleted: Arc::clone(&self.deleted) }
    }
}
