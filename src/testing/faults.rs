//! A store that fails and delays calls on request.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard},
};

pub use self::{
    call::{Call, Verb},
    gate::Gate,
    late::Late,
    rule::Rule,
};
use self::{script::Script, sent::Sent, tombstones::Tombstoned};
use crate::store::{
    Created, Deleted, DynOwnerIndex, OwnerIndex, Record, Replaced, SessionId, SessionStore, StoreError,
};

mod call;
mod gate;
mod late;
mod rule;
mod script;
mod sent;
mod tombstones;

/// Wraps another store. Disturbs the calls that a test names, and records all calls. Clones share the rules, the calls
/// and the inner store.
///
/// | rule | effect on a call |
/// |---|---|
/// | [`fails`](Rule::fails) | It is not done. The caller gets an error that promises this. |
/// | [`is_undecodable`](Rule::is_undecodable) | It is not done. The caller gets the error for a damaged record. |
/// | [`loses_its_reply`](Rule::loses_its_reply) | It is done. The caller gets an error of unknown outcome. |
/// | [`arrives_late`](Rule::arrives_late) | The caller gets an error of unknown outcome. The call is done later, when the test says so. |
/// | [`arrives_twice`](Rule::arrives_twice) | It is done and answered. A copy of it is done later, when the test says so. |
/// | [`takes`](Rule::takes) | It waits for a given time before it is done. |
/// | [`waits`](Rule::waits) | It waits before it is done, until the test lets it go. |
/// | [`answers_late`](Rule::answers_late) | It is done. The answer waits until the test lets it go. |
///
/// ```
/// use cloakroom::{MemoryStore, SessionId, store::SessionStore, testing::{FaultStore, Verb}};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let store = FaultStore::new(MemoryStore::new());
/// store.next(Verb::Load).fails();
///
/// let id = SessionId::random();
/// assert!(store.load(&id).await.is_err());
/// assert!(store.load(&id).await.is_ok());
/// assert_eq!(store.calls(), ["load", "load"]);
/// # }
/// ```
///
/// A gate interleaves two requests without sleeping:
///
/// ```
/// # use cloakroom::{MemoryStore, SessionId, store::SessionStore, testing::{FaultStore, Verb}};
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), cloakroom::StoreError> {
/// # let store = FaultStore::new(MemoryStore::new());
/// # let id = SessionId::random();
/// let gate = store.next(Verb::Load).waits();
/// let slow = tokio::spawn({
///     let store = store.clone();
///     async move { store.load(&id).await }
/// });
/// gate.reached().await;
/// store.delete(&id, None).await?; // while the other request waits at the gate
/// gate.open();
/// assert_eq!(slow.await.expect("no panic")?, None);
/// # Ok(()) }
/// ```
///
/// A call can arrive after its sender gave up:
///
/// ```
/// # use cloakroom::{MemoryStore, SessionId, store::{SessionStore, Timestamp}};
/// # use cloakroom::testing::{FaultStore, RecordBuilder, Verb};
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), cloakroom::StoreError> {
/// # let store = FaultStore::new(MemoryStore::new());
/// # let (id, record) = (SessionId::random(), RecordBuilder::new(Timestamp::from_millis(1_000)).build());
/// let late = store.next(Verb::Create).arrives_late();
/// assert!(store.create(&id, &record).await.is_err_and(|error| error.is_unknown()));
/// assert_eq!(store.load(&id).await?, None);
///
/// late.arrives().await;
/// assert_eq!(store.load(&id).await?, Some(record));
/// # Ok(()) }
/// ```
///
/// # Tombstones
///
/// Because its calls can arrive late, this store keeps tombstones, even if the inner store keeps none. It remembers
/// every id that was deleted through it, for ever: `load` answers `None`, `create` answers [`Created::Taken`],
/// `replace` answers [`Replaced::Gone`], `delete` answers [`Deleted::Gone`]. A `delete` without a base leaves a
/// tombstone even if the id had no record, because its `create` may arrive later.
pub struct FaultStore<S> {
    store: Tombstoned<S>,
    script: Arc<Mutex<Script>>,
}

impl<S> FaultStore<S> {
    /// Wraps `inner`. Disturbs nothing until a rule is made.
    pub fn new(inner: S) -> Self {
        Self { store: Tombstoned::new(inner), script: Arc::default() }
    }

    /// Returns the inner store. Calls of it are not disturbed, are not recorded, and see no tombstones.
    #[must_use]
    pub fn inner(&self) -> &S {
        self.store.inner()
    }

    /// Starts a rule for the next call of this verb.
    pub fn next(&self, verb: Verb) -> Rule {
        self.nth(verb, 1)
    }

    /// Starts a rule for the `n`th call of this verb from now on. The next one is the first.
    pub fn nth(&self, verb: Verb, n: usize) -> Rule {
        Rule::new(Arc::clone(&self.script), verb, n.saturating_sub(1), 1)
    }

    /// Starts a rule for every call of this verb from now on, until [`FaultStore::heal`].
    pub fn every(&self, verb: Verb) -> Rule {
        Rule::new(Arc::clone(&self.script), verb, 0, usize::MAX)
    }

    /// Removes all rules. Calls that wait at a gate still wait, and late calls can still arrive.
    pub fn heal(&self) {
        self.script().heal();
    }

    /// Returns the calls until now, in the order in which they were made. A call is recorded once, when it is sent,
    /// even if it arrives late or twice. Calls compare equal to the names of their verbs.
    #[must_use]
    pub fn calls(&self) -> Vec<Call> {
        self.script().calls.clone()
    }

    /// Returns the calls until now, and forgets them.
    #[allow(clippy::must_use_candidate)] // Called for its effect alone after a test's preparations.
    pub fn take_calls(&self) -> Vec<Call> {
        std::mem::take(&mut self.script().calls)
    }

    fn script(&self) -> MutexGuard<'_, Script> {
        script::lock(&self.script)
    }
}

impl<S: SessionStore> FaultStore<S> {
    async fn play<T>(&self, sent: Sent, done: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
        let faults = self.script().enter(sent.call());
        let copy = || sent.arrival(&self.store);
        for fault in &faults {
            fault.before(copy).await?;
        }
        let answer = done.await;
        for fault in &faults {
            fault.after(copy).await?;
        }
        answer
    }
}

impl<S: SessionStore> SessionStore for FaultStore<S> {
    async fn load(&self, id: &SessionId) -> Result<Option<Record>, StoreError> {
        self.play(Sent::Load(*id), self.store.load(id)).await
    }

    async fn create(&self, id: &SessionId, record: &Record) -> Result<Created, StoreError> {
        self.play(Sent::Create(*id, record.clone()), self.store.create(id, record)).await
    }

    async fn replace(&self, id: &SessionId, base: &Record, record: &Record) -> Result<Replaced, StoreError> {
        let sent = Sent::Replace(*id, base.clone(), record.clone());
        self.play(sent, self.store.replace(id, base, record)).await
    }

    async fn delete(&self, id: &SessionId, base: Option<&Record>) -> Result<Deleted, StoreError> {
        self.play(Sent::Delete(*id, base.cloned()), self.store.delete(id, base)).await
    }

    fn owner_index(&self) -> Option<&dyn DynOwnerIndex> {
        self.inner().owner_index().map(|_| self as &dyn DynOwnerIndex)
    }
}

impl<S: SessionStore> OwnerIndex for FaultStore<S> {
    async fn list(&self, owner: &str) -> Result<Vec<(SessionId, Record)>, StoreError> {
        self.play(Sent::List(owner.to_owned()), self.store.list(owner)).await
    }

    async fn revoke(&self, owner: &str, id: &SessionId) -> Result<bool, StoreError> {
        self.play(Sent::Revoke(owner.to_owned(), *id), self.store.revoke(owner, id)).await
    }

    async fn revoke_all(&self, owner: &str, but: Option<&SessionId>) -> Result<Vec<SessionId>, StoreError> {
        self.play(Sent::RevokeAll(owner.to_owned(), but.copied()), self.store.revoke_all(owner, but)).await
    }
}

impl<S> Clone for FaultStore<S> {
    fn clone(&self) -> Self {
        Self { store: self.store.clone(), script: Arc::clone(&self.script) }
    }
}

impl<S> fmt::Debug for FaultStore<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FaultStore").field("calls", &self.script().calls).finish_non_exhaustive()
    }
}
