//! Stores that keep the records of another crate.

use std::{fmt, future::Future, time::Duration};

use crate::store::{Created, Deleted, Replaced, Reply, StoreError};

/// Keeps the records of another crate: bytes, under that crate's keys.
///
/// It is to a format of this module what a [`SessionStore`](crate::store::SessionStore) is to cloakroom's own records: four
/// verbs, each atomic. Two of them compare before they write, and they compare **all bytes**, because such a record has no
/// nonce. A store decides nothing, and needs no clock.
///
/// *Clean-up.* A store drops a record when its [`ttl`](Stored::ttl) is over, as the other crate's own nodes expect.
///
/// *Time-outs.* A store limits the time of its calls, and returns an error if one takes longer.
///
/// *Cancellation.* A future may be dropped at any await. Its verb is then done or not done, never half.
///
/// *Errors.* [`StoreError::new`] says that the outcome of the call is unknown. [`StoreError::not_done`] promises that the
/// call had no effect and never will.
///
/// `cloakroom::testing::byte_contract` tests your store against this contract.
pub trait ByteStore: Send + Sync + 'static {
    /// Loads a record that is not past its time.
    ///
    /// # Errors
    ///
    /// The store cannot answer.
    fn load(&self, key: &str) -> impl Future<Output = Result<Option<Stored>, StoreError>> + Send;

    /// Stores a record under a key that has none.
    ///
    /// # Errors
    ///
    /// The store failed.
    fn create(&self, key: &str, record: &Stored) -> impl Future<Output = Result<Created, StoreError>> + Send;

    /// Replaces the record if its bytes are `base`. Sets its time even if the bytes stay the same.
    ///
    /// # Errors
    ///
    /// The store failed.
    fn replace(
        &self,
        key: &str,
        base: &[u8],
        record: &Stored,
    ) -> impl Future<Output = Result<Replaced<Stored>, StoreError>> + Send;

    /// Deletes a record. With a base, only if its bytes are these.
    ///
    /// # Errors
    ///
    /// The store failed.
    fn delete(
        &self,
        key: &str,
        base: Option<&[u8]>,
    ) -> impl Future<Output = Result<Deleted<Stored>, StoreError>> + Send;
}

/// A record of another crate, as its store keeps it.
#[derive(Clone, PartialEq, Eq)]
pub struct Stored {
    /// The record.
    pub bytes: Vec<u8>,
    /// The time for which the store keeps it, from now on. `None`: for ever.
    pub ttl: Option<Duration>,
}

/// Hides the bytes: they have the values of the session, and in some formats its key.
impl fmt::Debug for Stored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stored").field("length", &self.bytes.len()).field("ttl", &self.ttl).finish()
    }
}

/// The object-safe form of [`ByteStore`].
pub(crate) trait DynByteStore: Send + Sync {
    fn load<'a>(&'a self, key: &'a str) -> Reply<'a, Option<Stored>>;
    fn create<'a>(&'a self, key: &'a str, record: &'a Stored) -> Reply<'a, Created>;
    fn replace<'a>(&'a self, key: &'a str, base: &'a [u8], record: &'a Stored) -> Reply<'a, Replaced<Stored>>;
    fn delete<'a>(&'a self, key: &'a str, base: Option<&'a [u8]>) -> Reply<'a, Deleted<Stored>>;
}

impl<S: ByteStore> DynByteStore for S {
    fn load<'a>(&'a self, key: &'a str) -> Reply<'a, Option<Stored>> {
        Box::pin(ByteStore::load(self, key))
    }

    fn create<'a>(&'a self, key: &'a str, record: &'a Stored) -> Reply<'a, Created> {
        Box::pin(ByteStore::create(self, key, record))
    }

    fn replace<'a>(&'a self, key: &'a str, base: &'a [u8], record: &'a Stored) -> Reply<'a, Replaced<Stored>> {
        Box::pin(ByteStore::replace(self, key, base, record))
    }

    fn delete<'a>(&'a self, key: &'a str, base: Option<&'a [u8]>) -> Reply<'a, Deleted<Stored>> {
        Box::pin(ByteStore::delete(self, key, base))
    }
}
