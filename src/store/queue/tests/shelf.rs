//! A store of one session, with a gate that holds its calls.

use std::{
    collections::VecDeque,
    future::pending,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use tokio::{sync::Semaphore, task::yield_now};

use crate::store::{
    Created, Credentials, Deleted, Record, Replaced, SecretHash, SessionId, SessionStore, State as Keys, StoreError,
    Timestamp, random_nonce,
};

pub(super) const ID: SessionId = SessionId::from_bytes([7; 16]);

/// A fault of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    None,
    /// The call is done, and its reply is lost.
    LosesReply,
    /// The call is not done, and its sender does not know that.
    LosesCall,
    /// The call is not done, and its sender knows that.
    Refuses,
    /// The call is done, and never returns.
    HangsDone,
    /// The call is not done, and never returns.
    Hangs,
}

/// A store of one session.
pub(super) struct Shelf {
    record: Mutex<Option<Record>>,
    /// The calls that may pass the gate.
    gate: Semaphore,
    /// The calls that have arrived.
    arrived: Semaphore,
    faults: Mutex<VecDeque<Fault>>,
    /// The number of times that a call yields before it takes effect, and again after it.
    yields: usize,
    replaces: AtomicUsize,
}

impl Shelf {
    pub(super) fn new(is_open: bool) -> Arc<Self> {
        let mut record = Record::new(
            Credentials::new(SecretHash::from_bytes([1; 32])),
            Keys::default(),
            Timestamp::from_millis(1000),
            Timestamp::MAX,
        );
        record.body_mut().nonce = 1;
        record.body_mut().rest.trail = Some([0; 4]);
        Arc::new(Self {
            record: Mutex::new(Some(record)),
            gate: Semaphore::new(if is_open { 1_000_000 } else { 0 }),
            arrived: Semaphore::new(0),
            faults: Mutex::default(),
            yields: 3,
            replaces: AtomicUsize::new(0),
        })
    }

    pub(super) fn open(&self) {
        self.gate.add_permits(1_000_000);
    }

    /// Lets one call pass.
    pub(super) fn let_one(&self) {
        self.gate.add_permits(1);
    }

    /// Waits until the next call arrives.
    pub(super) async fn arrival(&self) {
        self.arrived.acquire().await.unwrap().forget();
    }

    pub(super) fn fail(&self, faults: impl IntoIterator<Item = Fault>) {
        self.faults.lock().unwrap().extend(faults);
    }

    pub(super) fn record(&self) -> Record {
        self.record.lock().unwrap().clone().unwrap()
    }

    pub(super) fn get(&self, key: &str) -> Option<String> {
        self.record().state().get(key).map(str::to_owned)
    }

    pub(super) fn has(&self, keys: &str) -> bool {
        let record = self.record();
        record.state().iter().map(|(key, _)| key).eq(keys.split_whitespace())
    }

    /// Writes as another process would.
    pub(super) fn write_from_afar(&self, key: &str) {
        let mut record = self.record.lock().unwrap();
        let found = record.clone().unwrap();
        *record = Some(with(&found, key, "1").written(random_nonce(), &found));
    }

    pub(super) fn count(&self) -> usize {
        self.replaces.load(Ordering::SeqCst)
    }

    pub(super) fn swap(&self, base: &Record, record: &Record) -> Replaced {
        let mut place = self.record.lock().unwrap();
        match &mut *place {
            None => Replaced::Gone,
            Some(found) if found.nonce() == base.nonce() => {
                *found = record.clone();
                Replaced::Done
            }
            Some(found) => Replaced::Changed(found.clone()),
        }
    }
}

impl SessionStore for Shelf {
    async fn load(&self, _: &SessionId) -> Result<Option<Record>, StoreError> {
        Ok(self.record.lock().unwrap().clone())
    }

    async fn create(&self, _: &SessionId, _: &Record) -> Result<Created, StoreError> {
        Ok(Created::Taken)
    }

    async fn replace(&self, _: &SessionId, base: &Record, record: &Record) -> Result<Replaced, StoreError> {
        self.replaces.fetch_add(1, Ordering::SeqCst);
        let fault = self.faults.lock().unwrap().pop_front().unwrap_or(Fault::None);
        if fault == Fault::HangsDone {
            self.swap(base, record);
        }
        self.arrived.add_permits(1);
        self.gate.acquire().await.unwrap().forget();
        for _ in 0..self.yields {
            yield_now().await;
        }
        let replaced = match fault {
            Fault::None => Ok(self.swap(base, record)),
            Fault::LosesReply => {
                self.swap(base, record);
                Err(StoreError::new("lost reply"))
            }
            Fault::LosesCall => Err(StoreError::new("lost call")),
            Fault::Refuses => Err(StoreError::not_done("refused")),
            Fault::HangsDone | Fault::Hangs => pending().await,
        };
        for _ in 0..self.yields {
            yield_now().await;
        }
        replaced
    }

    async fn delete(&self, _: &SessionId, _: Option<&Record>) -> Result<Deleted, StoreError> {
        *self.record.lock().unwrap() = None;
        Ok(Deleted::Done)
    }
}

/// Returns the record with another value under `key`.
pub(super) fn with(record: &Record, key: &str, value: &str) -> Record {
    let mut record = record.clone();
    let state = record.state().iter().chain([(key, value)]).collect();
    record.body_mut().state = state;
    record
}

pub(super) fn number(record: &Record, key: &str) -> u32 {
    record.state().get(key).map_or(0, |raw| raw.parse().unwrap())
}
