//! The contract between the core and what keeps the records.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use crate::{changes::Changes, owners::DynOwnerIndex, record::Record, shared::at_once, token::SessionId};

/// Keeps records: four verbs over one key each.
///
/// | verb | atomic | never |
/// |---|---|---|
/// | [`load`](Self::load) | yes | an error taken for absence |
/// | [`create`](Self::create) | yes | over a live record |
/// | [`update`](Self::update) | yes | into a missing or expired record |
/// | [`delete`](Self::delete) | yes | |
///
/// *Conditions.* [`Changes::apply`] is the whole of `update`: pure, and it checks the conditions. A store over blobs
/// with compare-and-set loads, applies, and sets where nothing came between, again until it succeeds. [`Changes::base`]
/// spares it the first load.
///
/// *Time.* A store needs no clock: [`Changes::now`] and [`Record::created_at`] carry the request's time. The core checks
/// deadlines after every load, so a store's own expiry (a TTL, a sweep) is clean-up, never the rule.
///
/// *Time-outs.* The core waits for a verb as long as it takes: a store bounds its own calls, as `RedisStore` does, and fails
/// those that take longer.
///
/// *Cancellation.* A future may be dropped at any await, when a client goes away: a verb is then done or not done,
/// never half.
///
/// [`testing::contract`](crate::testing::contract) checks all of it against a store of your own.
pub trait SessionStore: Send + Sync + 'static {
    /// Loads a record, also one that has expired but is still there.
    ///
    /// # Errors
    ///
    /// The store could not say, or the record cannot be read ([`StoreError::undecodable`]).
    fn load(&self, id: &SessionId) -> impl Future<Output = Result<Option<Record>, StoreError>> + Send;

    /// Stores a new record. A record that expired by [`Record::created_at`] of the new one counts as missing.
    ///
    /// # Errors
    ///
    /// The store could not do it, or could not say that it did.
    fn create(&self, id: &SessionId, record: &Record) -> impl Future<Output = Result<Created, StoreError>> + Send;

    /// Applies `changes` to the record as it is now.
    ///
    /// A store that lost a reply may try again only where that cannot count twice: with a condition in `changes`, a
    /// [`Updated::Conflict`] whose record holds [`Changes::nonce`] says that the first try was done. One whose record
    /// holds another nonce says nothing, for somebody may have written after the first try: answer that with an error,
    /// never with the conflict, or the request is planned again and counts twice. It must not be written again either, not
    /// even where that counts nothing: others may have loaded what the first try made, and would not notice, since its nonce is
    /// the same.
    ///
    /// # Errors
    ///
    /// The store could not do it, or could not say that it did.
    fn update(&self, id: &SessionId, changes: &Changes) -> impl Future<Output = Result<Updated, StoreError>> + Send;

    /// Deletes a record. A missing one is no error.
    ///
    /// # Errors
    ///
    /// The store could not do it, or could not say that it did.
    fn delete(&self, id: &SessionId) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// The index of owners, where the store has one: `Some(self)`. Default: none.
    fn owner_index(&self) -> Option<&dyn DynOwnerIndex> {
        None
    }

    /// Whether the futures of all four verbs are always ready when they are polled first, as those of a store in memory are: a
    /// request then keeps no future of them. Say so of no other store: one that is not ready is dropped half way, and called
    /// again, perhaps several times. Default: no.
    fn is_immediate(&self) -> bool {
        false
    }
}

/// What [`SessionStore::create`] came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Created {
    /// The record is stored.
    Done,
    /// A live record has that id; nothing was changed.
    Taken,
}

/// What [`SessionStore::update`] came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Updated {
    /// The changes are stored.
    Done,
    /// There is no such record, or it has expired. Nothing was changed.
    Gone,
    /// A condition does not hold; here is the record as it is now. Nothing was changed.
    Conflict(Box<Record>),
}

/// A store failed: the cause, for logs. Clients never see it.
pub struct StoreError {
    kind: Kind,
    cause: Box<dyn std::error::Error + Send + Sync>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Failed,
    Undecodable,
}

impl StoreError {
    /// The store could not be reached, did not answer in time, or refused.
    pub fn new(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self { kind: Kind::Failed, cause: cause.into() }
    }

    /// The record is there but cannot be read.
    pub fn undecodable(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self { kind: Kind::Undecodable, cause: cause.into() }
    }

    /// Whether the store is well and one record is not.
    #[must_use]
    pub fn is_undecodable(&self) -> bool {
        self.kind == Kind::Undecodable
    }
}

impl fmt::Debug for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("StoreError").field(&self.kind).field(&self.cause).finish()
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            Kind::Failed => "the session store failed",
            Kind::Undecodable => "a session record cannot be read",
        })
    }
}

impl std::error::Error for StoreError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&*self.cause)
    }
}

/// The erased twin of [`SessionStore`], so that no type above it has a store parameter.
pub(crate) trait DynStore: Send + Sync {
    fn load<'a>(&'a self, id: &'a SessionId) -> Reply<'a, Option<Record>>;
    fn create<'a>(&'a self, id: &'a SessionId, record: &'a Record) -> Reply<'a, Created>;
    fn update<'a>(&'a self, id: &'a SessionId, changes: &'a Changes) -> Reply<'a, Updated>;
    fn delete<'a>(&'a self, id: &'a SessionId) -> Reply<'a, ()>;
    fn owner_index(&self) -> Option<&dyn DynOwnerIndex>;
    fn is_immediate(&self) -> bool;
}

impl<S: SessionStore> DynStore for S {
    fn load<'a>(&'a self, id: &'a SessionId) -> Reply<'a, Option<Record>> {
        Reply::of(self, || SessionStore::load(self, id))
    }

    fn create<'a>(&'a self, id: &'a SessionId, record: &'a Record) -> Reply<'a, Created> {
        Reply::of(self, || SessionStore::create(self, id, record))
    }

    fn update<'a>(&'a self, id: &'a SessionId, changes: &'a Changes) -> Reply<'a, Updated> {
        Reply::of(self, || SessionStore::update(self, id, changes))
    }

    fn delete<'a>(&'a self, id: &'a SessionId) -> Reply<'a, ()> {
        Reply::of(self, || SessionStore::delete(self, id))
    }

    fn owner_index(&self) -> Option<&dyn DynOwnerIndex> {
        SessionStore::owner_index(self)
    }

    fn is_immediate(&self) -> bool {
        SessionStore::is_immediate(self)
    }
}

/// What a store answers: an immediate one at once, so that nothing goes to the heap.
pub(crate) enum Reply<'a, T> {
    Made(Option<Result<T, StoreError>>),
    Awaited(Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>),
}

impl<'a, T> Reply<'a, T> {
    fn of<S: SessionStore, F>(store: &S, verb: impl Fn() -> F) -> Self
    where
        F: Future<Output = Result<T, StoreError>> + Send + 'a,
    {
        match store.is_immediate().then(|| at_once!(verb())).flatten() {
            None => Self::Awaited(Box::pin(verb())),
            made => Self::Made(made),
        }
    }
}

impl<T: Unpin> Future for Reply<'_, T> {
    type Output = Result<T, StoreError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.get_mut() {
            // Polled again after it was ready, it stays pending, as `Future` allows.
            Self::Made(made) => made.take().map_or(Poll::Pending, Poll::Ready),
            Self::Awaited(answer) => answer.as_mut().poll(cx),
        }
    }
}
