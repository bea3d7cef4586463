//! The calls that each session's last request made, for the line on the page.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use cloakroom::{
    SessionId, StoreError,
    store::{Created, Deleted, DynOwnerIndex, Record, Replaced, SessionStore},
};

/// Sessions that are remembered. It is for a demonstration.
const MOST: usize = 10_000;

/// The calls of each session's request, by their names.
#[derive(Clone, Default)]
pub(crate) struct Calls(Arc<Mutex<HashMap<SessionId, Requests>>>);

#[derive(Default)]
struct Requests {
    last: Vec<&'static str>,
    current: Vec<&'static str>,
}

impl Calls {
    /// The calls of the request before this one, which is not over yet.
    pub(crate) fn last(&self, id: &SessionId) -> Vec<&'static str> {
        let requests = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        requests.get(id).map(|requests| requests.last.clone()).unwrap_or_default()
    }

    /// A request loads its session once, before everything else.
    fn note(&self, id: &SessionId, call: &'static str) {
        let mut requests = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if requests.len() >= MOST && !requests.contains_key(id) {
            requests.clear();
        }
        let requests = requests.entry(*id).or_default();
        if call == "load" {
            requests.last = std::mem::take(&mut requests.current);
        }
        requests.current.push(call);
    }
}

/// A store that notes each call.
pub(crate) struct Noting<S> {
    store: S,
    calls: Calls,
}

impl<S> Noting<S> {
    pub(crate) fn new(store: S) -> (Self, Calls) {
        let calls = Calls::default();
        (Self { store, calls: calls.clone() }, calls)
    }
}

impl<S: SessionStore> SessionStore for Noting<S> {
    async fn load(&self, id: &SessionId) -> Result<Option<Record>, StoreError> {
        self.calls.note(id, "load");
        self.store.load(id).await
    }

    async fn create(&self, id: &SessionId, record: &Record) -> Result<Created, StoreError> {
        self.calls.note(id, "create");
        self.store.create(id, record).await
    }

    async fn replace(&self, id: &SessionId, base: &Record, record: &Record) -> Result<Replaced, StoreError> {
        self.calls.note(id, "replace");
        self.store.replace(id, base, record).await
    }

    async fn delete(&self, id: &SessionId, base: Option<&Record>) -> Result<Deleted, StoreError> {
        self.calls.note(id, "delete");
        self.store.delete(id, base).await
    }

    fn owner_index(&self) -> Option<&dyn DynOwnerIndex> {
        self.store.owner_index()
    }
}
