//! The session that a handler holds.

use std::{fmt, time::SystemTime};

use triomphe::Arc;

use crate::{
    error::Error,
    request::{Act, Loaded, LoadedSession, Outlives, RequestState},
    store::{Lifetime, Record, SessionId, Timestamp},
};

mod checked;
#[cfg(feature = "device-bound")]
mod device;
mod key;
mod lazy;
mod owners;
mod scoped;
mod typed;
mod values;

#[cfg(feature = "device-bound")]
pub use self::device::{Device, RequireBoundDevice};
pub(crate) use self::scoped::attach;
pub use self::{
    key::{AsKey, Key},
    lazy::LazySession,
    owners::Owners,
    scoped::{RequestExtensions, Scoped, ScopedSessions},
    typed::{SessionValue, Typed},
    values::Entries,
};

/// A loaded session: what a handler reads and writes.
///
/// It is cheap to clone, and all clones are one session. Reading and writing are synchronous; what was written is
/// stored when the response's head is made, or by [`save`](Session::save). Values are kept as JSON, one per key; two
/// requests that write different keys at once keep both, see [`update`](Session::update) for the same key.
///
/// [`Session::new`] makes a detached one, for unit tests.
#[derive(Clone)]
pub struct Session {
    pub(crate) request: Arc<RequestState>,
}

/// The operations of this request so far. It says what the commit is going to do, not what is done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum SessionStatus {
    /// A key was written, removed or cleared.
    Changed,
    /// [`Session::purge`] or [`Session::restart`] was called.
    Purged,
    /// [`Session::renew`] was called.
    Renewed,
    /// None of these.
    #[default]
    Unchanged,
}

impl Session {
    /// A session without a store behind it, empty: for unit tests of functions that take a [`Session`].
    #[must_use]
    pub fn new() -> Self {
        Self { request: Arc::new(RequestState::detached()) }
    }

    /// Logs `owner` in. Call it after you checked the password; nothing else is needed for a login.
    ///
    /// It renews the session, so that a token from before it is worth nothing (session fixation), and sets the owner. If the
    /// session belonged to another user, it starts from an empty one: only what this request inserted stays.
    ///
    /// A login is never lost. If another request renewed or ended the session meanwhile, it begins a new session from this
    /// request's own inserts. So a form that is sent twice may leave two sessions; both are in the user's list. A second
    /// login by a user who is logged in already renews the session.
    ///
    /// If the layer has [`owner_valid_from`](crate::SessionLayer::owner_valid_from), its value is read when the login is
    /// stored, so a login that overlaps a change of the password may survive it: use [`login_at`](Self::login_at) then.
    pub fn login(&self, owner: impl Into<String>) {
        self.log_in(owner.into(), None);
    }

    /// Logs `owner` in, as [`login`](Self::login) does, under the value of
    /// [`owner_valid_from`](crate::SessionLayer::owner_valid_from) that the application read **before** it checked the
    /// password.
    ///
    /// If the value has moved on by the time at which the login is stored, the password may have been an old one: the commit
    /// fails with [`Error::is_login_expired`], and the user has to log in again.
    pub fn login_at(&self, owner: impl Into<String>, seen: Option<SystemTime>) {
        self.log_in(owner.into(), Some(seen.map(Timestamp::from)));
    }

    fn log_in(&self, owner: String, admitted: Option<Option<Timestamp>>) {
        if self.request.with(|session| session.log_in(owner.into(), admitted)).is_err() {
            self.request.misuse();
        }
    }

    /// Replaces the secret at commit. Call it whenever privileges change: it is what stops session
    /// fixation (OWASP Session Management, "Renew the Session ID After Any Privilege Level Change").
    ///
    /// The session keeps its id and its state; tokens from before are dead. For a login, call [`login`](Session::login).
    ///
    /// If another request renewed the session first, this renewal does nothing, and the other response carries the token; the
    /// writes of this request are merged if the session still belongs to the same user, or to nobody, and are dropped
    /// otherwise. If another request ended the session, a session that had an owner stays ended, and this request's writes are
    /// dropped; a session without an owner begins anew with what this request inserted.
    pub fn renew(&self) {
        self.act(|session| {
            if session.edits.act == Act::Keep {
                session.edits.act = Act::Renew;
            }
        });
    }

    /// Ends the session: at commit its record is deleted and the cookie taken away. Call it at logout.
    ///
    /// It beats everything done before it in this request; what is inserted after it has no effect, which the log says once,
    /// unless [`restart`](Session::restart) or [`login`](Session::login) begins a new session. It also works with a token that a
    /// renewal replaced within the last 60 seconds. If the handler is dropped before it answers, the purge is done all the same.
    pub fn purge(&self) {
        self.end(Act::Purge);
    }

    /// Ends the session as [`purge`](Session::purge) does, and begins a new one with a new id, for what is inserted after
    /// it: a message for the page after the logout, say.
    pub fn restart(&self) {
        self.end(Act::Restart);
    }

    /// Returns the operations of this request so far.
    #[must_use]
    pub fn status(&self) -> SessionStatus {
        let status = self.request.with(|session| match session.edits.act {
            Act::Purge | Act::Restart => SessionStatus::Purged,
            Act::Keep | Act::Renew if session.opening.loaded == Loaded::Ended => SessionStatus::Purged,
            Act::Renew | Act::Login => SessionStatus::Renewed,
            Act::Keep if session.edits.touches_keys() => SessionStatus::Changed,
            Act::Keep => SessionStatus::Unchanged,
        });
        status.unwrap_or_default()
    }

    /// The public id, safe to show; `None` for a session that is not stored yet.
    #[must_use]
    pub fn id(&self) -> Option<SessionId> {
        self.request.with(|session| session.visible().and(session.opening.id())).ok()?
    }

    /// Whose session it is: as [`set_owner`](Session::set_owner) or the layer's `owner_key` says.
    #[must_use]
    pub fn owner(&self) -> Option<String> {
        let key = self.request.config.as_ref().and_then(|config| config.owner_key.as_deref());
        self.request.with(|session| session.owner(key)).ok()?
    }

    /// Sets the owner, from the commit on. Another owner than the one that was loaded renews the session, as a login does. For a
    /// login, call [`login`](Session::login), which also empties the session if it belonged to another user.
    ///
    /// A layer with [`owner_key`](crate::SessionLayer::owner_key) takes the owner from the state.
    pub fn set_owner(&self, owner: impl Into<String>) {
        let owner = owner.into().into();
        self.act(|session| session.edits.owner = Some(Some(owner)));
    }

    /// Removes the owner, and renews the session. If another request renewed it first and the owner is still the same, the
    /// session is deleted: the user meant to log out.
    pub fn clear_owner(&self) {
        self.act(|session| session.edits.owner = Some(None));
    }

    /// Names the session for its owner's list of sessions: the device, say.
    pub fn set_label(&self, label: impl Into<String>) {
        let label = label.into().into();
        self.act(|session| session.edits.label = Some(Some(label)));
    }

    /// Returns the time at which the session was made; `None` if it is not stored yet.
    #[must_use]
    pub fn created_at(&self) -> Option<SystemTime> {
        self.request.with(|session| session.opening.record().map(|record| record.created_at().into())).ok()?
    }

    /// Returns the time at which the session ends if it is not used before; `None` if it is not stored yet.
    #[must_use]
    pub fn expires_at(&self) -> Option<SystemTime> {
        let config = self.request.config.as_ref()?;
        let deadline = |record: &Record| record.deadline(&config.lifetime).into();
        self.request.with(|session| session.opening.record().map(deadline)).ok()?
    }

    /// Gives this session a lifetime of its own, kept in its record: "remember me". The cookie is sent again, with the
    /// `Max-Age` that belongs to it, where the response's head has not left yet.
    pub fn set_lifetime(&self, lifetime: Lifetime) {
        self.act(|session| session.edits.lifetime = Some(lifetime.into()));
    }

    /// Makes sure that there is a session: stores it now, even if it is empty, so that its cookie goes out with the
    /// response's head. For handlers that write later, from a streaming body or a WebSocket.
    ///
    /// # Errors
    ///
    /// As for [`save`](Session::save).
    pub async fn start(&self) -> Result<(), Error> {
        self.act(|session| session.edits.started = session.opening.record().is_none());
        self.save().await
    }

    /// Stores what was changed, now. For what goes on after the response's head has left: streaming bodies, sockets,
    /// tasks. Before that it is done without asking.
    ///
    /// # Errors
    ///
    /// The store failed ([`Error::is_store`]); the session has ended or was renewed meanwhile ([`Error::is_gone`]); a new
    /// session or a renewal needs a cookie and the head has left ([`Error::is_too_late`]); a change that could not be made
    /// again ([`Error::is_conflict`]); too much state ([`Error::is_too_large`]). The changes stay, to be saved again.
    ///
    /// Dropped before it is ready, it goes on as a task of the current `tokio` runtime. If the outcome of a save stays unknown,
    /// its changes are never applied again: every later save is the same error, and only [`purge`](Self::purge) and
    /// [`restart`](Self::restart) still work.
    pub async fn save(&self) -> Result<(), Error> {
        if self.request.is_immediate() {
            return self.request.save().await;
        }
        let request = Arc::clone(&self.request);
        Outlives::new(async move { request.save().await }).await
    }

    /// Loads the session again, to see what other requests wrote meanwhile. Unsaved changes stay, on top of that.
    ///
    /// # Errors
    ///
    /// The store failed, or the session has ended or was renewed meanwhile ([`Error::is_gone`]).
    pub async fn reload(&self) -> Result<(), Error> {
        self.request.reload().await
    }

    /// The one gate for changes: everything a handler writes comes through here. `None`: the session has ended, so the change has
    /// no effect.
    fn write<R>(&self, change: impl FnOnce(&mut LoadedSession) -> R) -> Result<Option<R>, Error> {
        let (changed, is_told) = self.request.with(|session| {
            if session.has_ended() {
                (None, std::mem::replace(&mut session.is_end_told, true))
            } else {
                (Some(change(session)), true)
            }
        })?;
        if !is_told {
            tracing::warn!("session changed after its end, without effect: `restart` or `login` begins another one");
        }
        Ok(changed)
    }

    /// Ends the session, whatever became of it before.
    fn end(&self, act: Act) {
        if self.request.with(|session| session.edits.end(act)).is_err() {
            self.request.misuse();
        }
    }

    /// A change whose method cannot fail: on a session that nobody loaded, the commit fails in its place. A logout must
    /// not get lost.
    fn act(&self, change: impl FnOnce(&mut LoadedSession)) {
        if self.write(change).is_err() {
            self.request.misuse();
        }
    }
}

impl Default for Session {
    fn default() -> Self {
        Self::new()
    }
}

/// Shows keys and status, not values.
impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("id", &self.id())
            .field("keys", &self.keys())
            .field("status", &self.status())
            .finish_non_exhaustive()
    }
}
