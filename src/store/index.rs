//! The sessions of one owner, as a store finds them.

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
/// Every record of an owner must be found, at any time: write its entry before the record, and remove an entry only
/// when a delete took a record of that owner out, or after [`Record::ttl`]. Entries whose record is missing or has
/// another owner do no harm; leave them, for that record may be about to come.
pub trait OwnerIndex: SessionStore {
    /// Returns the records of `owner`, expired ones among them, in any order. Their state may be left out. A record
    /// that cannot be read is left out.
    ///
    /// # Errors
    ///
    /// The store cannot answer.
    fn list(&self, owner: &str) -> impl Future<Output = Result<Vec<(SessionId, Record)>, StoreError>> + Send;

    /// Deletes one record if `owner` is its owner, and returns whether it did.
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

    /// Deletes every record of `owner`, or all but one, and returns the ids of those that it deleted. One that fails
    /// keeps none of the others alive.
    ///
    /// # Errors
    ///
    /// A call failed; the others were made all the same.
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

/// Deletes the record that was looked at, and looks again if it has changed.
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

/// The erased twin of [`OwnerIndex`]. Every `OwnerIndex` is one.
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
