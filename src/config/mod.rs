//! The state that a layer shares with all its sessions.

use std::{
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, SystemTime},
};

use http::StatusCode;

mod backend;
mod cookie;
mod event;
mod owner_key;
mod quota;
mod scope;
mod transport;
mod valid_from;

pub(crate) use self::{
    backend::{Backend, Place},
    owner_key::{OwnerKey, splits},
    quota::Quota,
    scope::Scope,
    transport::{Transport, Way},
};
pub use self::{
    cookie::{CookieOptions, CookieOptionsBuilder, SameSite},
    event::{Event, Rejection},
    quota::OverLimit,
    valid_from::ValidFrom,
};
use crate::{
    error::Error,
    store::{Lifetime, Record, SessionId, StoreError, Timestamp, queue::Queue},
};

/// The backend and the options.
#[derive(Clone)]
pub(crate) struct Config {
    pub(crate) backend: Backend,
    /// The queue of this process's writers that wait for each other. Clones of a layer share it.
    pub(crate) queue: Arc<Queue>,
    /// True while housekeeping fails. The log says so once, and once more when it works again.
    upkeep_fails: Arc<AtomicBool>,
    pub(crate) transport: Transport,
    pub(crate) scope: Scope,
    pub(crate) lifetime: Lifetime,
    pub(crate) owner_key: Option<OwnerKey>,
    pub(crate) quota: Option<Quota>,
    pub(crate) valid_from: ValidFrom,
    pub(crate) owner_valid_from: Option<Arc<OwnerValidFrom>>,
    pub(crate) max_bytes: usize,
    pub(crate) commit_timeout: Duration,
    pub(crate) commit_if: Option<Arc<dyn Fn(StatusCode) -> bool + Send + Sync>>,
    pub(crate) on_store_error: OnStoreError,
    pub(crate) failure_status: StatusCode,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) on_event: Option<Arc<Hook>>,
    #[cfg(feature = "device-bound")]
    pub(crate) device: Option<Arc<crate::device::DeviceBound>>,
    /// The cookie of proofs, beside the session's. `None`: sessions of this layer cannot be bound.
    #[cfg(feature = "device-bound")]
    pub(crate) proof_cookie: Option<CookieOptions>,
}

/// Asks the application since when an owner's sessions are valid.
pub(crate) type OwnerValidFrom = dyn Fn(String) -> ValidFromFuture + Send + Sync;
type ValidFromFuture = Pin<Box<dyn Future<Output = Result<Option<SystemTime>, StoreError>> + Send>>;

type Hook = dyn Fn(&Event<'_>) + Send + Sync;

/// Decides what a request gets if the store cannot load its session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum OnStoreError {
    /// The error, in the place in which the handler asks for the session. The default.
    #[default]
    Fail,
    /// An empty, read-only session. Nothing is written, and no cookie is changed. A login, another change of the owner,
    /// `renew`, `purge` and `restart` are still errors, because none of them may get lost.
    Anonymous,
}

/// Returns the time. Every `Fn() -> SystemTime` implements it.
pub trait Clock: Send + Sync + 'static {
    /// Returns the time now.
    fn now(&self) -> SystemTime;
}

impl<F: Fn() -> SystemTime + Send + Sync + 'static> Clock for F {
    fn now(&self) -> SystemTime {
        self()
    }
}

impl Config {
    pub(crate) fn new(backend: Backend) -> Self {
        Self {
            backend,
            queue: Arc::default(),
            upkeep_fails: Arc::default(),
            transport: Transport { cookie: Some(CookieOptions::default()), header: None },
            scope: Scope::default_scope(),
            lifetime: Lifetime::default(),
            owner_key: None,
            quota: None,
            valid_from: ValidFrom::default(),
            owner_valid_from: None,
            max_bytes: 64 * 1024,
            commit_timeout: Duration::from_secs(5),
            commit_if: None,
            on_store_error: OnStoreError::default(),
            failure_status: StatusCode::SERVICE_UNAVAILABLE,
            clock: Arc::new(SystemTime::now),
            on_event: None,
            #[cfg(feature = "device-bound")]
            device: None,
            #[cfg(feature = "device-bound")]
            proof_cookie: None,
        }
    }

    /// Returns true if no request ever waits: neither for the store, nor for its index, nor for the application's
    /// `owner_valid_from`.
    pub(crate) fn is_immediate(&self) -> bool {
        self.backend.is_immediate() && self.quota.is_none() && self.owner_valid_from.is_none()
    }

    /// Follows a change of the options: what depends on the name of the session's cookie.
    pub(crate) fn bind(&mut self) {
        self.backend.bind(self.transport.name());
        #[cfg(feature = "device-bound")]
        {
            let cookie = self.transport.cookie.as_ref().filter(|_| self.device.is_some());
            self.proof_cookie = cookie.and_then(CookieOptions::of_proof);
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now().into()
    }

    /// Returns the lifetime that holds for a record.
    pub(crate) fn lifetime_of<'a>(&'a self, record: &'a Record) -> &'a Lifetime {
        record.lifetime_or(&self.lifetime)
    }

    /// Returns true if the deadline must be moved on by a write. `changes` is true if the request changes keys.
    pub(crate) fn is_touch_due(&self, record: &Record, changes: bool, now: Timestamp) -> bool {
        self.lifetime_of(record).is_touch_due(record, changes, now)
    }

    /// Reports that housekeeping failed.
    pub(crate) fn upkeep_failed(&self, id: SessionId, error: &Error) {
        if !self.upkeep_fails.swap(true, Ordering::Relaxed) {
            let error = error as &(dyn std::error::Error + 'static);
            tracing::warn!(store = self.backend.store, %id, error, "session housekeeping fails: deadlines do not move on; requests are answered");
        }
        self.emit(&Event::UpkeepFailed { id, error });
    }

    pub(crate) fn upkeep_works(&self) {
        if self.upkeep_fails.load(Ordering::Relaxed) && self.upkeep_fails.swap(false, Ordering::Relaxed) {
            tracing::warn!("session housekeeping works again");
        }
    }

    pub(crate) fn emit(&self, event: &Event<'_>) {
        event.trace(self.backend.store);
        if let Some(hook) = &self.on_event {
            hook(event);
        }
    }
}
