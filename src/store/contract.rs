//! The contract between the core and the stores.

use std::{future::Future, pin::Pin};

use crate::store::{DynOwnerIndex, Record, SessionId, StoreError};

/// Keeps records. Each of the four verbs works on one id, and two of them compare before they write.
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
/// *Nonces.* Every write has a new [`Record::nonce`]. A store compares the base's nonce with the stored record's, and
/// no other part of them.
///
/// *Clean-up.* A store may drop a record [`Record::ttl`] after it was written, but not earlier: a request that loaded
/// its session in time may write until it ends.
///
/// *Tombstones.* A call may reach the store after its sender gave up, or twice. A store in which this can happen
/// remembers a deleted id for [`Record::TOMBSTONE`]: `load` answers `None`, `create` answers [`Created::Taken`],
/// `replace` answers [`Replaced::Gone`]. A `delete` without a base leaves a tombstone even if there is no record,
/// because its `create` may arrive later. Ids are random and never used again, so a tombstone does no harm.
///
/// *Errors.* [`StoreError::new`] says that the outcome of the call is unknown. [`StoreError::not_done`] promises that
/// the call had no effect and never will. The core finds out the outcome, so a store must not send a write twice by
/// itself.
///
/// *Time-outs.* A store limits the time of its calls, and returns an error if one takes longer.
///
/// *Cancellation.* A future may be dropped at any await. Its verb is then done or not done, never half.
///
/// [`testing::contract`](crate::testing::contract) tests your store against this contract.
pub trait SessionStore: Send + Sync + 'static {
    /// Loads a record, even if it is expired.
    ///
    /// # Errors
    ///
    /// The store cannot answer, or the record cannot be read ([`StoreError::undecodable`]).
    fn load(&self, id: &SessionId) -> impl Future<Output = Result<Option<Record>, StoreError>> + Send;

    /// Stores a record under an id that has no record.
    ///
    /// # Errors
    ///
    /// The store failed.
    fn create(&self, id: &SessionId, record: &Record) -> impl Future<Output = Result<Created, StoreError>> + Send;

    /// Replaces `base` by `record`.
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

    /// Deletes a record. With a base, only if the stored record is that one. Without a base, deletes any record, even
    /// one that cannot be read.
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
pub enum Replaced<R = Record> {
    /// The record is stored.
    Done,
    /// Another record is stored: this one. Nothing changed.
    Changed(R),
    /// The id has no record. Nothing changed.
    Gone,
}

/// The outcome of [`SessionStore::delete`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Deleted<R = Record> {
    /// The record is deleted.
    Done,
    /// Another record is stored: this one. Nothing changed.
    Changed(R),
    /// The id had no record.
    Gone,
}

/// A store's answer, boxed.
pub(crate) type Reply<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// The object-safe form of [`SessionStore`], so that no type above it has a store parameter.
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
