//! The index of owners.

use std::future::Future;

use super::{Deleted, Reply, SessionStore, StoreError};
use crate::store::{Record, SessionId};

/// The number of times that a revocation starts again while other requests write the record.
const TRIES: u32 = 64;

/// The index of owners of a store: finds an owner's sessions, and ends them.
///
/// Only [`list`](Self::list) is required. A store with an index returns `Some(self)` from
/// [`SessionStore::owner_index`], and takes the owner from the records that it is given.
///
/// Every record of an owner must be found at any time. So write the entry before the record. Remove an entry only if a
/// delete removed a record of that owner, or after [`Record::ttl`]. Leave entries whose record is missing or has
/// another owner: they do no harm, and the record may arrive later.
pub trait OwnerIndex: SessionStore {
    /// Returns the records of `owner` in any order, expired ones included. Leaves out records that cannot be read. May
    /// leave out the records' states.
    ///
    /// # Errors
    ///
    /// The store cannot answer.
    fn list(&self, owner: &str) -> impl Future<Output = Result<Vec<(SessionId, Record)>, StoreError>> + Send;

    /// Deletes one record if `owner` is its owner. Returns true if it deleted the record.
    ///
    /// # Errors
    ///
    /// The store failed.
    fn revoke(&self, owner: &str, id: &SessionId) -> impl Future<Output = Result<bool, StoreError>> + Send {
        async move {
            let found = match self.load(id).await {
                Ok(found) => found,
                Err(error) if error.is_undecodable() => None,
                Err(error) => return Err(error),
            };
            end(self, owner, id, found).await
        }
    }

    /// Deletes every record of `owner`, except `but`, and returns the ids of the deleted records. If one deletion
    /// fails, the others are still done.
    ///
    /// # Errors
    ///
    /// A call failed. The other calls were made.
    fn revoke_all(
        &self,
        owner: &str,
        but: Option<&SessionId>,
    ) -> impl Future<Output = Result<Vec<SessionId>, StoreError>> + Send {
        async move {
            let (mut ended, mut failed) = (Vec::new(), None);
            for (id, record) in self.list(owner).await?.into_iter().filter(|(id, _)| Some(id) != but) {
                match end(self, owner, &id, Some(record)).await {
                    Ok(true) => ended.push(id),
                    Ok(false) => {}
                    Err(error) => failed = Some(error),
                }
            }
            failed.map_or(Ok(ended), Err)
        }
    }
}

/// Deletes the record that was found. If it has changed meanwhile, checks the owner and tries again.
pub(crate) async fn end<S: SessionStore + ?Sized>(
    store: &S,
    owner: &str,
    id: &SessionId,
    mut found: Option<Record>,
) -> Result<bool, StoreError> {
    for _ in 0..TRIES {
        let Some(record) = found.filter(|record| record.owner() == Some(owner)) else { return Ok(false) };
        found = match store.delete(id, Some(&record)).await? {
            Deleted::Done => return Ok(true),
            Deleted::Gone => return Ok(false),
            Deleted::Changed(record) => Some(record),
        };
    }
    Err(StoreError::not_done("other requests kept changing the session"))
}

/// The object-safe form of [`OwnerIndex`]. Every `OwnerIndex` implements it.
pub trait DynOwnerIndex: Send + Sync {
    /// See [`OwnerIndex::list`].
    fn list<'a>(&'a self, owner: &'a str) -> Reply<'a, Vec<(SessionId, Record)>>;
    /// See [`OwnerIndex::revoke`].
    fn revoke<'a>(&'a self, owner: &'a str, id: &'a SessionId) -> Reply<'a, bool>;
    /// See [`OwnerIndex::revoke_all`].
    fn revoke_all<'a>(&'a self, owner: &'a str, but: Option<&'a SessionId>) -> Reply<'a, Vec<SessionId>>;
}

impl<T: OwnerIndex> DynOwnerIndex for T {
    fn list<'a>(&'a self, owner: &'a str) -> Reply<'a, Vec<(SessionId, Record)>> {
        Box::pin(OwnerIndex::list(self, owner))
    }

    fn revoke<'a>(&'a self, owner: &'a str, id: &'a SessionId) -> Reply<'a, bool> {
        Box::pin(OwnerIndex::revoke(self, owner, id))
    }

    fn revoke_all<'a>(&'a self, owner: &'a str, but: Option<&'a SessionId>) -> Reply<'a, Vec<SessionId>> {
        Box::pin(OwnerIndex::revoke_all(self, owner, but))
    }
}
