//! A store whose replies the model controls.

use std::{
    cell::Cell,
    future::poll_fn,
    sync::{Arc, Mutex, MutexGuard},
    task::{Context, Poll, Waker},
};

use super::{
    Bug, Luck,
    records::{marked, marks},
};
use crate::{
    SessionId, StoreError,
    store::{Created, Deleted, Record, Replaced, SessionStore},
};

/// The store of one session. Each call waits until [`Gate::reply`] answers it.
#[derive(Clone)]
pub(super) struct Gate(Arc<Mutex<Store>>);

pub(super) struct Store {
    pub(super) record: Option<Record>,
    /// The nonces and the marks of all records that were ever stored.
    pub(super) stored: Vec<(u64, Vec<u8>)>,
    pub(super) calls: Vec<Call>,
    pub(super) packets: Vec<(u64, Record)>,
    bug: Option<Bug>,
}

/// A call that waits for its reply.
pub(super) struct Call {
    number: usize,
    /// The base's nonce, and the record that replaces it. `None` for a load.
    pub(super) put: Option<(u64, Record)>,
    pub(super) reply: Option<Result<Reply, StoreError>>,
    waker: Option<Waker>,
}

pub(super) enum Reply {
    Found(Option<Record>),
    Replaced(Replaced),
}

impl Gate {
    pub(super) fn new(record: Record, bug: Option<Bug>) -> Self {
        let stored = vec![(record.nonce(), marks(&record))];
        let store = Store { record: Some(record), stored, calls: Vec::new(), packets: Vec::new(), bug };
        Self(Arc::new(Mutex::new(store)))
    }

    pub(super) fn store(&self) -> MutexGuard<'_, Store> {
        self.0.lock().unwrap()
    }

    /// Runs the call with this index among those without a reply.
    pub(super) fn reply(&self, at: usize, luck: Luck) {
        let mut store = self.store();
        let unanswered = |call: &&Call| call.reply.is_none();
        let put = store.calls.iter().filter(unanswered).nth(at).expect("it was not answered").put.clone();
        let reply = match (put, luck) {
            (_, Luck::NotDone) => Err(StoreError::not_done("it was refused")),
            (None, _) => Ok(Reply::Found(store.record.clone())),
            (Some((base, record)), Luck::Late) => {
                store.packets.push((base, record));
                Err(StoreError::new("no reply came"))
            }
            (Some((base, record)), Luck::Lost) => {
                store.replace(base, record);
                // A seeded bug returns a promise that it cannot keep.
                Err(if store.bug == Some(Bug::AppliesAgain) {
                    StoreError::not_done("it was refused")
                } else {
                    StoreError::new("no reply came")
                })
            }
            (Some((base, record)), Luck::Fine) => Ok(Reply::Replaced(store.replace(base, record))),
        };
        let call = store.calls.iter_mut().filter(|call| call.reply.is_none()).nth(at).expect("it was not answered");
        call.reply = Some(reply);
        if let Some(waker) = call.waker.take() {
            drop(store);
            waker.wake();
        }
    }

    async fn ask(&self, put: Option<(u64, Record)>) -> Result<Reply, StoreError> {
        thread_local! {
            static COUNT: Cell<usize> = const { Cell::new(0) };
        }
        let number = COUNT.replace(COUNT.get() + 1);
        self.store().calls.push(Call { number, put, reply: None, waker: None });
        let asked = Asked { gate: self.clone(), number };
        poll_fn(|cx| asked.poll(cx)).await
    }
}

/// A call in progress. If it is dropped, its reply is lost, but the call still arrives.
struct Asked {
    gate: Gate,
    number: usize,
}

impl Asked {
    fn poll(&self, cx: &Context<'_>) -> Poll<Result<Reply, StoreError>> {
        let mut store = self.gate.store();
        let at = store.calls.iter().position(|call| call.number == self.number).unwrap();
        match store.calls[at].reply.take() {
            Some(reply) => {
                store.calls.remove(at);
                Poll::Ready(reply)
            }
            None => {
                store.calls[at].waker = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        let mut store = self.gate.store();
        if let Some(at) = store.calls.iter().position(|call| call.number == self.number) {
            let packet = store.calls.remove(at).put;
            store.packets.extend(packet);
        }
    }
}

impl Store {
    pub(super) fn replace(&mut self, base: u64, mut record: Record) -> Replaced {
        match &self.record {
            None => Replaced::Gone,
            Some(found) if found.nonce() != base => Replaced::Changed(found.clone()),
            Some(found) => {
                let (before, mut after) = (marks(found), marks(&record));
                // A seeded bug stores the last change of a batch only.
                if self.bug == Some(Bug::DropsAChange) && after.len() > before.len() + 1 {
                    after.remove(before.len());
                    record = marked(record, &after);
                }
                self.stored.push((record.nonce(), marks(&record)));
                self.record = Some(record);
                Replaced::Done
            }
        }
    }
}

impl SessionStore for Gate {
    async fn load(&self, _: &SessionId) -> Result<Option<Record>, StoreError> {
        match self.ask(None).await? {
            Reply::Found(record) => Ok(record),
            Reply::Replaced(_) => Ok(None),
        }
    }

    async fn create(&self, _: &SessionId, _: &Record) -> Result<Created, StoreError> {
        Ok(Created::Taken)
    }

    async fn replace(&self, _: &SessionId, base: &Record, record: &Record) -> Result<Replaced, StoreError> {
        match self.ask(Some((base.nonce(), record.clone()))).await? {
            Reply::Replaced(replaced) => Ok(replaced),
            Reply::Found(_) => Ok(Replaced::Gone),
        }
    }

    async fn delete(&self, _: &SessionId, _: Option<&Record>) -> Result<Deleted, StoreError> {
        Ok(Deleted::Gone)
    }
}
