//! The record that a store keeps for one session.

use std::{
    fmt,
    hash::{Hash, Hasher},
    ops::{Deref, DerefMut},
    time::Duration,
};

use triomphe::Arc;

#[cfg(feature = "device-bound")]
use crate::store::Binding;
use crate::store::{Credentials, Lifetime, SecretHash, Standing, State, Superseded, Timestamp};

#[cfg(feature = "secure-cookies")]
mod compact;
mod text;

pub use self::text::DecodeError;

/// The record that a store keeps under one [`SessionId`](crate::SessionId).
///
/// It holds no usable token, so a leaked store opens no session. It is one shared allocation, so clones are cheap.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Record(Arc<Body>);

/// 80 bytes for each session in memory.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Body {
    pub(crate) state: State,
    pub(crate) current: SecretHash,
    pub(crate) created_at: Timestamp,
    pub(crate) last_used: Timestamp,
    pub(crate) expires_at: Timestamp,
    pub(crate) nonce: u64,
    pub(crate) rest: Rest,
}

/// The parts that most sessions do not have, or do not change.
#[derive(Clone, Default)]
pub(crate) struct Rest(Option<Arc<Parts>>);

/// The content of [`Rest`].
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub(crate) struct Parts {
    pub(crate) trail: Option<Trail>,
    /// Newest first.
    pub(crate) superseded: Vec<Superseded>,
    pub(crate) owner: Option<std::sync::Arc<str>>,
    pub(crate) label: Option<std::sync::Arc<str>>,
    pub(crate) lifetime: Option<std::sync::Arc<Lifetime>>,
    /// The value of `owner_valid_from` with which the login was admitted.
    pub(crate) admitted: Option<Timestamp>,
    /// The session's binding to a device. Boxed: few sessions have one.
    #[cfg(feature = "device-bound")]
    pub(crate) binding: Option<std::sync::Arc<Binding>>,
    /// The lines of the text form that this version does not know, unchanged.
    pub(crate) unknown: Option<std::sync::Arc<str>>,
    /// The bytes of the record in another crate's format. A changed record has none.
    #[cfg(feature = "formats")]
    pub(crate) foreign: Option<std::sync::Arc<[u8]>>,
}

/// The nonces of the four writes before the record's own, newest first. 0 stands for none.
///
/// If the reply to a write was lost, the core finds its outcome here, even after other writes. Stores that cannot lose
/// a reply keep no trail.
pub(crate) type Trail = [u64; 4];

impl Record {
    /// The least time for which a store keeps a record after its deadline: 10 minutes. A request that loaded its
    /// session in time may write until it ends.
    pub const GRACE: Duration = Duration::from_secs(600);

    /// The least time for which a store remembers a deleted id: 10 minutes. No call takes longer to arrive.
    pub const TOMBSTONE: Duration = Duration::from_secs(600);

    /// Makes a record with this state. It is created and last used at `now`, and ends at `expires_at`.
    #[must_use]
    pub fn new(credentials: Credentials, state: State, now: Timestamp, expires_at: Timestamp) -> Self {
        let (created_at, last_used) = (now, now);
        let (current, superseded) = credentials.into_parts();
        let rest = Rest::of(Parts { superseded, ..Parts::default() });
        Self::of(Body { state, current, created_at, last_used, expires_at, nonce: 0, rest })
    }

    pub(crate) fn of(body: Body) -> Self {
        Self(Arc::new(body))
    }

    pub(crate) fn body(&self) -> &Body {
        &self.0
    }

    /// Returns the body, to be changed. Copies it first if it is shared.
    pub(crate) fn body_mut(&mut self) -> &mut Body {
        Arc::make_mut(&mut self.0)
    }

    /// Returns the keys and values.
    #[must_use]
    pub fn state(&self) -> &State {
        &self.0.state
    }

    /// Returns a copy of the hashes of the session's secrets.
    #[must_use]
    pub fn credentials(&self) -> Credentials {
        Credentials::from_parts(self.0.current, self.0.rest.superseded.clone())
    }

    /// Returns the standing of the secret with this `hash` at `now`: see [`Credentials::standing`].
    #[must_use]
    pub fn standing(&self, hash: &SecretHash, now: Timestamp) -> Standing {
        Standing::of(hash, &self.0.current, &self.0.rest.superseded, now)
    }

    /// Returns the owner, or `None` if there is none.
    #[must_use]
    pub fn owner(&self) -> Option<&str> {
        self.0.rest.owner.as_deref()
    }

    /// Returns the label that the application gave this session, for a "your devices" page.
    #[must_use]
    pub fn label(&self) -> Option<&str> {
        self.0.rest.label.as_deref()
    }

    /// Returns the lifetime that [`Session::set_lifetime`](crate::Session::set_lifetime) gave this session, or `None`
    /// if the layer's lifetime holds.
    #[must_use]
    pub fn lifetime(&self) -> Option<&Lifetime> {
        self.0.rest.lifetime.as_deref()
    }

    /// Returns the value of `owner_valid_from` with which the owner's login was admitted.
    pub(crate) fn admitted(&self) -> Option<Timestamp> {
        self.0.rest.admitted
    }

    /// Returns the session's binding to a device: there is one from the login on, and a device once one is registered.
    #[cfg(feature = "device-bound")]
    pub(crate) fn binding(&self) -> Option<&Binding> {
        self.0.rest.binding.as_deref()
    }

    /// Returns true if a device is registered for the session.
    #[cfg_attr(not(feature = "device-bound"), allow(clippy::unused_self))]
    pub(crate) fn is_bound(&self) -> bool {
        #[cfg(feature = "device-bound")]
        return self.binding().is_some_and(|binding| binding.device.is_some());
        #[cfg(not(feature = "device-bound"))]
        false
    }

    /// Returns the time at which the session was created. A renewal does not change it.
    #[must_use]
    pub fn created_at(&self) -> Timestamp {
        self.0.created_at
    }

    /// Returns the time at which the idle deadline was last pushed out.
    #[must_use]
    pub fn last_used(&self) -> Timestamp {
        self.0.last_used
    }

    /// Returns the time at which the session ends. The layer ends it earlier if its limits were lowered since.
    #[must_use]
    pub fn expires_at(&self) -> Timestamp {
        self.0.expires_at
    }

    /// Returns the number of the write that made this record: 64 random bits, never 0 for a write of the core. It is
    /// the record's version.
    #[must_use]
    pub fn nonce(&self) -> u64 {
        self.0.nonce
    }

    /// Returns how long a store keeps the record, counted from the moment at which it is written: the time from its
    /// last use to its deadline, plus [`Record::GRACE`]. `None` if it never ends.
    #[must_use]
    pub fn ttl(&self) -> Option<Duration> {
        let Body { last_used, expires_at, .. } = self.body();
        (*expires_at != Timestamp::MAX).then(|| expires_at.since(*last_used) + Self::GRACE)
    }

    /// Returns this record with `nonce`, as the write that replaces `base`.
    pub(crate) fn written(mut self, nonce: u64, base: &Self) -> Self {
        let body = self.body_mut();
        body.nonce = nonce;
        if let Some([first, second, third, _]) = base.0.rest.trail {
            body.rest.trail = Some([base.nonce(), first, second, third]);
        }
        #[cfg(feature = "formats")]
        if body.rest.foreign.is_some() {
            body.rest.foreign = None;
            body.rest = std::mem::take(&mut body.rest).tidied();
        }
        self
    }

    /// Returns true if `nonce` is this record's write or one of the four before it.
    pub(crate) fn follows(&self, nonce: u64) -> bool {
        self.0.nonce == nonce || self.0.rest.trail.is_some_and(|trail| trail.contains(&nonce))
    }

    /// Returns this record's own lifetime, or `default` if it has none.
    pub(crate) fn lifetime_or<'a>(&'a self, default: &'a Lifetime) -> &'a Lifetime {
        self.lifetime().unwrap_or(default)
    }

    /// Returns the time at which the session ends: the record's own deadline, or an earlier one if the layer's limits
    /// were lowered.
    pub(crate) fn deadline(&self, default: &Lifetime) -> Timestamp {
        let limits = self.lifetime_or(default);
        self.0.expires_at.min(limits.deadline(self.0.created_at, self.0.last_used))
    }
}

impl Rest {
    pub(crate) fn of(parts: Parts) -> Self {
        Self((parts != Parts::default()).then(|| Arc::new(parts)))
    }

    /// Frees the allocation if a change left all parts empty.
    pub(crate) fn tidied(self) -> Self {
        if self.0.is_none() || *self == Parts::default() { Self::default() } else { self }
    }
}

impl Deref for Rest {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        static NOTHING: Parts = Parts {
            trail: None,
            superseded: Vec::new(),
            owner: None,
            label: None,
            lifetime: None,
            admitted: None,
            #[cfg(feature = "device-bound")]
            binding: None,
            unknown: None,
            #[cfg(feature = "formats")]
            foreign: None,
        };
        self.0.as_deref().unwrap_or(&NOTHING)
    }
}

/// Copies the parts first if they are shared.
impl DerefMut for Rest {
    fn deref_mut(&mut self) -> &mut Parts {
        Arc::make_mut(self.0.get_or_insert_with(Arc::default))
    }
}

impl PartialEq for Rest {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for Rest {}

impl Hash for Rest {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (**self).hash(state);
    }
}

/// Shows the keys, but no values and no hashes.
impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Body { state, created_at, last_used, expires_at, rest, .. } = self.body();
        f.debug_struct("Record")
            .field("state", state)
            .field("created_at", created_at)
            .field("last_used", last_used)
            .field("expires_at", expires_at)
            .field("owner", &rest.owner)
            .field("label", &rest.label)
            .field("lifetime", &rest.lifetime)
            .finish_non_exhaustive()
    }
}
