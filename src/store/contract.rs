//! The contract between the core and what keeps the records.

use std::{future::Future, pin::Pin};

use crate::store::{DynOwnerIndex, Record, SessionId, StoreError};

/// Keeps records: four verbs over one key each, of which two compare before they write.
///
/// | verb | writes if |
/// |---|---|
/// | [`load`](Self::load) | |
/// | [`create`](Self::create) | nothing is there: no record, no expired record, no tombstone |
/// | [`replace`](Self::replace) | the stored record's nonce is the base's |
/// | [`delete`](Self::delete) | the stored record's nonce is the base's; always, without a base |
///
/// Each verb is atomic. A store **decides nothing**: it merges nothing, judges no deadline and needs no clock. The core
/// does that, in one place, for every store.
///
/// *Nonces.* Every write has a new [`Record::nonce`]. A store compares it with that of the record it keeps, and never
/// another part.
///
/// *Clean-up.* A store may drop a record [`Record::ttl`] after it was written, no earlier: a request that loaded its
/// session in time may write until it ends.
///
/// *Tombstones.* A call may reach the store after its sender gave up, or twice. A store in which this can happen
/// remembers a deleted id for [`Record::TOMBSTONE`]: `load` answers `None`, `create` answers [`Created::Taken`],
/// `replace` answers [`Replaced::Gone`]. A `delete` without a base leaves a tombstone even if there is no record: its create
/// may be on its way. Ids are random and never used again, so a tombstone does no harm.
///
/// *Errors.* [`StoreError::new`] says "I do not know whether it was done". [`StoreError::not_done`] promises that it was
/// not, and never will be. The core finds out what became of a call, so a store sends no write twice by itself.
///
/// *Time-outs.* A store bounds its own calls, and fails those that take longer.
///
/// *Cancellation.* A future may be dropped at any await. Its verb is then done or not done, never half.
///
/// [`testing::contract`](crate::testing::contract) checks all of it against a store of your own.
pub trait SessionStore: Send + Sync + 'static {
    /// Loads a record, expired or not.
    ///
    /// # Errors
    ///
    /// The store cannot answer, or the record cannot be read ([`StoreError::undecodable`]).
    fn load(&self, id: &SessionId) -> impl Future<Output = Result<Option<Record>, StoreError>> + Send;

    /// Stores a record under an id that has none.
    ///
    /// # Errors
    ///
    /// The store failed.
    fn create(&self, id: &SessionId, record: &Record) -> impl Future<Output = Result<Created, StoreError>> + Send;

    /// Stores `record` in the place of `base`.
    ///
    /// # Errors
    ///
    /// The store failed, or the stored record cannot be read.
    fn replace(
        &self,
        id: &SessionId,
        base: &Record,
        record: &Record,
    ) -> impl Future<Output = Result<Replaced, StoreError>> + Send;

    /// Deletes a record. With a base, only if the stored record is that one; without, whatever is there, also what
    /// cannot be read.
    ///
    /// # Errors
    ///
    /// The store failed, or there is a base and the stored record cannot be read.
    fn delete(&self, id: &SessionId, base: Option<&Record>)
    -> impl Future<Output = Result<Deleted, StoreError>> + Send;

    /// Returns the index of owners, `Some(self)`, if the store has one. Default: `None`.
    fn owner_index(&self) -> Option<&dyn DynOwnerIndex> {
        None
    }
}

/// The outcome of [`SessionStore::create`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Created {
    /// The record is stored.
    Done,
    /// The id has a record or a tombstone. Nothing changed.
    Taken,
}

/// The outcome of [`SessionStore::replace`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Replaced {
    /// The record is stored.
    Done,
    /// The stored record is not the base: here it is. Nothing changed.
    Changed(Record),
    /// The id has no record. Nothing changed.
    Gone,
}

/// The outcome of [`SessionStore::delete`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Deleted {
    /// The record is deleted.
    Done,
    /// The stored record is not the base: here it is. Nothing changed.
    Changed(Record),
    /// The id had no record.
    Gone,
}

/// A store's answer, boxed.
pub(crate) type Reply<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// The erased twin of [`SessionStore`], so that no type above it has a store parameter.
pub(crate) trait DynStore: Send + Sync {
    fn load<'a>(&'a self, id: &'a SessionId) -> Reply<'a, Option<Record>>;
    fn create<'a>(&'a self, id: &'a SessionId, record: &'a Record) -> Reply<'a, Created>;
    fn replace<'a>(&'a self, id: &'a SessionId, base: &'a Record, record: &'a Record) -> Reply<'a, Replaced>;
    fn delete<'a>(&'a self, id: &'a SessionId, base: Option<&'a Record>) -> Reply<'a, Deleted>;
    fn owner_index(&self) -> Option<&dyn DynOwnerIndex>;
}

impl<S: SessionStore> DynStore for S {
    fn load<'a>(&'a self, id: &'a SessionId) -> Reply<'a, Option<Record>> {
        Box::pin(SessionStore::load(self, id))
    }

    fn create<'a>(&'a self, id: &'a SessionId, record: &'a Record) -> Reply<'a, Created> {
        Box::pin(SessionStore::create(self, id, record))
    }

    fn replace<'a>(&'a self, id: &'a SessionId, base: &'a Record, record: &'a Record) -> Reply<'a, Replaced> {
        Box::pin(SessionStore::replace(self, id, base, record))
    }

    fn delete<'a>(&'a self, id: &'a SessionId, base: Option<&'a Record>) -> Reply<'a, Deleted> {
        Box::pin(SessionStore::delete(self, id, base))
    }

    fn owner_index(&self) -> Option<&dyn DynOwnerIndex> {
        SessionStore::owner_index(self)
    }
}
