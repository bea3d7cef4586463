//! A store that does what a test tells it to.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard},
};

use self::script::Script;
pub use self::{
    call::{Call, Verb},
    gate::Gate,
    script::Rule,
};
use crate::{
    changes::Changes,
    owners::{DynOwnerIndex, OwnedSession, OwnerIndex},
    record::Record,
    store::{Created, SessionStore, StoreError, Updated},
    time::Timestamp,
    token::SessionId,
};

mod call;
mod gate;
mod script;

/// A store around another one, which fails, loses replies, is slow or waits at the calls that a test names, and records
/// all of them. Clones share rules, calls and the inner store.
///
/// | rule | what its calls do |
/// |---|---|
/// | [`fails`](Rule::fails) | an error; the inner store is not asked |
/// | [`is_undecodable`](Rule::is_undecodable) | the error of a damaged record; the inner store is not asked |
/// | [`loses_its_reply`](Rule::loses_its_reply) | the inner store does it; the answer is an error all the same |
/// | [`takes`](Rule::takes) | wait so long first |
/// | [`waits`](Rule::waits) | wait first, until the test lets them go |
/// | [`answers_late`](Rule::answers_late) | the inner store does it; the answer waits until the test lets it go |
///
/// ```
/// use cloakroom::{MemoryStore, SessionId, SessionStore, testing::{FaultStore, Verb}};
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
/// Two requests are interleaved without sleeping:
///
/// ```
/// # use cloakroom::{MemoryStore, SessionId, SessionStore, testing::{FaultStore, Verb}};
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), cloakroom::StoreError> {
/// # let store = FaultStore::new(MemoryStore::new());
/// # let id = SessionId::random();
/// let gate = store.next(Verb::Load).waits();
/// let slow = tokio::spawn({
///     let store = store.clone();
///     async move { store.load(&id).await }
/// });
/// gate.reached().await;
/// store.delete(&id).await?; // while the other request stands at the gate
/// gate.open();
/// assert_eq!(slow.await.expect("no panic")?, None);
/// # Ok(()) }
/// ```
pub struct FaultStore<S> {
    inner: Arc<S>,
    script: Arc<Mutex<Script>>,
}

impl<S> FaultStore<S> {
    /// A store that does what `inner` does, until it is told otherwise.
    pub fn new(inner: S) -> Self {
        Self { inner: Arc::new(inner), script: Arc::default() }
    }

    /// The store inside: calls to it are neither disturbed nor recorded.
    #[must_use]
    pub fn inner(&self) -> &S {
        &self.inner
    }

    /// A rule for the next call of this verb.
    pub fn next(&self, verb: Verb) -> Rule {
        self.nth(verb, 1)
    }

    /// A rule for the `n`th call of this verb from now on; the next one is the first.
    pub fn nth(&self, verb: Verb, n: usize) -> Rule {
        Rule::new(Arc::clone(&self.script), verb, n.saturating_sub(1), 1)
    }

    /// A rule for every call of this verb from now on, until [`FaultStore::heal`].
    pub fn every(&self, verb: Verb) -> Rule {
        Rule::new(Arc::clone(&self.script), verb, 0, usize::MAX)
    }

    /// Takes all rules back. Calls that stand at a gate still wait there.
    pub fn heal(&self) {
        self.script().heal();
    }

    /// The calls up to now, in the order in which they came. They compare with the names of verbs.
    #[must_use]
    pub fn calls(&self) -> Vec<Call> {
        self.script().calls.clone()
    }

    /// The calls up to now; counting starts anew.
    #[allow(clippy::must_use_candidate)] // Called for its effect alone after a test's preparations.
    pub fn take_calls(&self) -> Vec<Call> {
        std::mem::take(&mut self.script().calls)
    }

    fn script(&self) -> MutexGuard<'_, Script> {
        script::lock(&self.script)
    }

    async fn play<T>(&self, call: Call, done: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
        let faults = self.script().enter(call);
        for fault in &faults {
            fault.before().await?;
        }
        let answer = done.await;
        for fault in &faults {
            fault.after().await?;
        }
        answer
    }
}

impl<S: SessionStore> FaultStore<S> {
    fn index(&self) -> Result<&dyn DynOwnerIndex, StoreError> {
        self.inner.owner_index().ok_or_else(|| StoreError::new("the inner store has no index of owners"))
    }
}

impl<S: SessionStore> SessionStore for FaultStore<S> {
    async fn load(&self, id: &SessionId) -> Result<Option<Record>, StoreError> {
        self.play(Call::on(Verb::Load, id), self.inner.load(id)).await
    }

    async fn create(&self, id: &SessionId, record: &Record) -> Result<Created, StoreError> {
        self.play(Call::on(Verb::Create, id), self.inner.create(id, record)).await
    }

    async fn update(&self, id: &SessionId, changes: &Changes) -> Result<Updated, StoreError> {
        self.play(Call::on(Verb::Update, id), self.inner.update(id, changes)).await
    }

    async fn delete(&self, id: &SessionId) -> Result<(), StoreError> {
        self.play(Call::on(Verb::Delete, id), self.inner.delete(id)).await
    }

    fn owner_index(&self) -> Option<&dyn DynOwnerIndex> {
        self.inner.owner_index().map(|_| self as &dyn DynOwnerIndex)
    }
}

impl<S: SessionStore> OwnerIndex for FaultStore<S> {
    async fn list(&self, owner: &str, now: Timestamp) -> Result<Vec<OwnedSession>, StoreError> {
        self.play(Call::of(Verb::List, owner), self.index()?.list(owner, now)).await
    }

    async fn revoke(&self, owner: &str, id: &SessionId) -> Result<bool, StoreError> {
        let call = Call { id: Some(*id), ..Call::of(Verb::Revoke, owner) };
        self.play(call, self.index()?.revoke(owner, id)).await
    }

    async fn revoke_all(&self, owner: &str, but: Option<&SessionId>) -> Result<Vec<SessionId>, StoreError> {
        let call = Call { id: but.copied(), ..Call::of(Verb::RevokeAll, owner) };
        self.play(call, self.index()?.revoke_all(owner, but)).await
    }
}

impl<S> Clone for FaultStore<S> {
    fn clone(&self) -> Self {
        Self { inner: Arc::clone(&self.inner), script: Arc::clone(&self.script) }
    }
}

impl<S> fmt::Debug for FaultStore<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FaultStore").field("calls", &self.script().calls).finish_non_exhaustive()
    }
}
