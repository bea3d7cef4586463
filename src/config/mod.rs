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
mod moves;
mod other_store;
mod owner_key;
mod quota;
mod scope;
mod transport;
mod valid_from;

#[cfg(feature = "formats")]
pub use self::other_store::ForeignSessions;
pub(crate) use self::{
    backend::{Backend, Place},
    moves::{Moves, Successor},
    owner_key::{OwnerKey, at, owner_in, splits},
    quota::Quota,
    scope::Scope,
    transport::{Transport, Way},
};
pub use self::{
    cookie::{CookieOptions, CookieOptionsBuilder, SameSite},
    event::{Event, Rejection},
    other_store::OtherStore,
    quota::OverLimit,
    valid_from::ValidFrom,
};
#[cfg(feature = "formats")]
use crate::client::KeyAge;
use crate::{
    client::{Format, Opened, PlainTokens, Refused, Terms},
    error::Error,
    store::{Lifetime, Record, SessionId, StoreError, Timestamp},
};

/// The backends and the options.
#[derive(Clone)]
pub(crate) struct Config {
    /// The primary backend, in which sessions begin.
    pub(crate) backend: Backend,
    /// The backends that [`also`](crate::SessionLayer::also) added.
    pub(crate) others: Vec<Backend>,
    /// Set if sessions of other backends move, or have moved, to another one.
    pub(crate) moves: Option<Arc<Moves>>,
    /// The form of the tokens of all stores.
    pub(crate) tokens: Arc<dyn Format>,
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
            others: Vec::new(),
            moves: None,
            tokens: Arc::new(PlainTokens),
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
        self.backends().all(Backend::is_immediate) && self.quota.is_none() && self.owner_valid_from.is_none()
    }

    /// Returns the primary backend, then the others.
    pub(crate) fn backends(&self) -> impl DoubleEndedIterator<Item = &Backend> {
        std::iter::once(&self.backend).chain(&self.others)
    }

    /// Returns the backend at this place. The primary one stands at 0.
    pub(crate) fn backend_at(&self, at: usize) -> &Backend {
        at.checked_sub(1).and_then(|other| self.others.get(other)).unwrap_or(&self.backend)
    }

    /// Sets the form of the tokens of all stores.
    #[cfg(feature = "secure-cookies")]
    pub(crate) fn set_tokens(&mut self, tokens: Arc<dyn Format>) {
        self.tokens = tokens;
        for backend in std::iter::once(&mut self.backend).chain(&mut self.others) {
            backend.set_tokens(&self.tokens);
        }
    }

    /// Binds all values that are written from now on to the layer's cookie or header.
    pub(crate) fn bind(&mut self) {
        let terms = self.terms();
        if let Some(tokens) = self.tokens.bound(&terms) {
            self.tokens = tokens;
        }
        for backend in std::iter::once(&mut self.backend).chain(&mut self.others) {
            backend.bind(&terms);
        }
        #[cfg(feature = "device-bound")]
        {
            let cookie = self.transport.cookie.as_ref().filter(|_| self.device.is_some());
            self.proof_cookie = cookie.and_then(CookieOptions::of_proof);
        }
    }

    fn terms(&self) -> Terms {
        #[cfg(feature = "formats")]
        let (clock, owner_key) = (Arc::clone(&self.clock), self.owner_key.clone());
        Terms {
            name: self.transport.name().into(),
            #[cfg(feature = "formats")]
            idle: self.lifetime.idle(),
            #[cfg(feature = "formats")]
            now: Arc::new(move || clock.now().into()),
            #[cfg(feature = "formats")]
            owner: Arc::new(move |state| owner_key.as_ref()?.owner_of(state)),
        }
    }

    /// Returns true if a value of this length may be a backend's.
    pub(crate) fn fits(&self, len: usize) -> bool {
        self.backend.fits(len) || self.others.iter().any(|backend| backend.fits(len))
    }

    /// Opens a client's value by the first backend, from `from` on, whose form it has. Returns the place of that backend.
    #[inline]
    pub(crate) fn open(&self, value: &[u8], from: usize) -> (Result<Opened, Refused>, usize) {
        if self.others.is_empty() {
            return (self.backend.open(value), 0);
        }
        self.open_from(value, from)
    }

    #[inline(never)]
    fn open_from(&self, value: &[u8], from: usize) -> (Result<Opened, Refused>, usize) {
        let mut refused = Refused::Malformed;
        for (at, backend) in self.backends().enumerate().skip(from) {
            match backend.open(value) {
                Ok(opened) => return (Ok(opened), at),
                Err(error) if error != Refused::Malformed => refused = error,
                Err(_) => {}
            }
        }
        (Err(refused), from)
    }

    /// Returns the age of a token's key. A token that is accepted once counts as current if its session does not move.
    #[cfg(feature = "formats")]
    pub(crate) fn age_at(&self, at: usize, key: KeyAge) -> KeyAge {
        let is_moving = at != 0 && self.moves.as_ref().is_some_and(|moves| moves.is_moving);
        if key == KeyAge::Once && !is_moving { KeyAge::Current } else { key }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now().into()
    }

    /// Returns the lifetime that holds for a record.
    pub(crate) fn lifetime_of<'a>(&'a self, record: &'a Record) -> &'a Lifetime {
        record.lifetime_or(&self.lifetime)
    }

    /// Returns true if the deadline must be moved on by a write. `at` is the place of the session's backend. `changes` is true
    /// if the request changes keys.
    pub(crate) fn is_touch_due(&self, at: usize, record: &Record, changes: bool, now: Timestamp) -> bool {
        let created = self.begun_at(at, record, now);
        self.lifetime_of(record).is_touch_due(record, created, changes, now) && self.backend_at(at).has_times()
    }

    /// Returns the time from which a use at `now` counts the absolute limit. The records of another crate do not say when their
    /// sessions began, so that limit never ends them.
    pub(crate) fn begun_at(&self, at: usize, record: &Record, now: Timestamp) -> Timestamp {
        if self.backend_at(at).is_foreign() { now } else { record.created_at() }
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
