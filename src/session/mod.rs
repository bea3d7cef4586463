//! The session that a handler reads and writes.

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
    key::{AsKey, Key, KeyName},
    lazy::LazySession,
    owners::Owners,
    scoped::{RequestExtensions, Scoped, ScopedSessions},
    typed::{SessionValue, Typed},
    values::Entries,
};

/// A loaded session, which handlers read and write.
///
/// It is cheap to clone, and all clones are one session. Reading and writing do not wait. The layer stores changes
/// before it sends the response's head, and [`save`](Session::save) stores them at once. Each key has its value as
/// JSON. If two requests write different keys at the same time, both values are kept. For the same key, see
/// [`update`](Session::update).
///
/// [`Session::new`] makes a detached one, for unit tests: of functions that take a `Session`, and of handlers, if the test puts it
/// into the request's extensions. Extractors find it there if no layer stands around the handler.
///
/// ```
/// # use cloakroom::{LazySession, Session};
/// let session = Session::new();
/// session.insert("user", "Ada")?;
/// let mut request = http::Request::new(());
/// request.extensions_mut().insert(session);
/// # let found = LazySession::of(request.extensions())?.handle();
/// # assert_eq!(found.get("user")?, Some("Ada".to_owned()));
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Session {
    pub(crate) request: Arc<RequestState>,
}

/// The operations of this request until now: what the commit is going to do, not what it has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum SessionStatus {
    /// A key was written or removed, or all keys were cleared.
    Changed,
    /// [`Session::purge`] or [`Session::restart`] was called.
    Purged,
    /// [`Session::renew`] was called.
    Renewed,
    /// None of the other three.
    #[default]
    Unchanged,
}

impl Session {
    /// Makes an empty session without a store behind it, for unit tests.
    #[must_use]
    pub fn new() -> Self {
        Self { request: Arc::new(RequestState::detached()) }
    }

    /// Logs `owner` in. Call it after you checked the password. A login needs no other call.
    ///
    /// The login renews the session, so a token from before it opens nothing (session fixation), and sets the owner. If
    /// the session belonged to another user, it starts empty: only what this request inserted is kept.
    ///
    /// A login is never lost. If another request renewed or ended the session meanwhile, the login begins a new session
    /// with this request's inserts. So a form that is sent twice may leave two sessions, and both are in the user's
    /// list. A second login by the user who is logged in already renews the session.
    ///
    /// If the layer has [`owner_valid_from`](crate::SessionLayer::owner_valid_from), its value is read when the login
    /// is stored. A login that overlaps a change of the password may therefore survive the change: use
    /// [`login_at`](Self::login_at).
    pub fn login(&self, owner: impl Into<String>) {
        self.log_in(owner.into(), None);
    }

    /// Logs `owner` in, as [`login`](Self::login) does, with a value of
    /// [`owner_valid_from`](crate::SessionLayer::owner_valid_from) that the application read **before** it checked the
    /// password.
    ///
    /// If the value has become a later one when the login is stored, the checked password may have been the old one.
    /// The commit then fails with [`Error::is_login_expired`], and the user has to log in again.
    pub fn login_at(&self, owner: impl Into<String>, seen: Option<SystemTime>) {
        self.log_in(owner.into(), Some(seen.map(Timestamp::from)));
    }

    fn log_in(&self, owner: String, admitted: Option<Option<Timestamp>>) {
        if self.request.used(|session| session.log_in(owner.into(), admitted)).is_err() {
            self.request.misuse();
        }
    }

    /// Replaces the session's secret at commit. Call it whenever privileges change, against session fixation (OWASP
    /// Session Management, "Renew the Session ID After Any Privilege Level Change"). For a login, call
    /// [`login`](Session::login) instead.
    ///
    /// The session keeps its id and its state. Older tokens no longer open it.
    ///
    /// If another request renewed the session first, this renewal does nothing, and the other response carries the new
    /// token. This request's writes are merged if the session still belongs to the same user, or belongs to no user,
    /// and are dropped otherwise.
    ///
    /// If another request ended the session, the session stays ended and this request's writes are dropped if it had an
    /// owner. If it had none, a new session begins with what this request inserted.
    pub fn renew(&self) {
        self.act(|session| {
            if session.edits.act == Act::Keep {
                session.edits.act = Act::Renew;
            }
        });
    }

    /// Ends the session. The commit deletes its record and removes the cookie. Call it at logout.
    ///
    /// The purge overrides everything that this request did before it. Inserts after it have no effect, and the log
    /// says so once, unless [`restart`](Session::restart) or [`login`](Session::login) begins a new session. It also
    /// works with a token that a renewal replaced within the last 60 seconds. It is done even if the handler is dropped
    /// before it returns a response.
    pub fn purge(&self) {
        self.end(Act::Purge);
    }

    /// Ends the session as [`purge`](Session::purge) does, and begins a new one with a new id. What is inserted after
    /// it is in the new session, for example a message for the page after the logout.
    pub fn restart(&self) {
        self.end(Act::Restart);
    }

    /// Returns the operations of this request until now.
    #[must_use]
    pub fn status(&self) -> SessionStatus {
        let status = self.request.used(|session| match session.edits.act {
            Act::Purge | Act::Restart => SessionStatus::Purged,
            Act::Keep | Act::Renew if session.opening.loaded == Loaded::Ended => SessionStatus::Purged,
            Act::Renew | Act::Login => SessionStatus::Renewed,
            Act::Keep if session.edits.touches_keys() => SessionStatus::Changed,
            Act::Keep => SessionStatus::Unchanged,
        });
        status.unwrap_or_default()
    }

    /// Returns the public id, which is safe to show. `None` if the session is not stored yet. Only a move to another store
    /// (`SessionLayer::moving`) changes it.
    #[must_use]
    pub fn id(&self) -> Option<SessionId> {
        self.request.used(|session| session.visible().and(session.opening.id())).ok()?
    }

    /// Returns the owner, as [`set_owner`](Session::set_owner), [`login`](Session::login) or the layer's `owner_key`
    /// set it.
    #[must_use]
    pub fn owner(&self) -> Option<String> {
        let key = self.request.config.as_ref().and_then(|config| config.owner_key.as_ref());
        let (set, loaded, written) = self.request.used(|session| session.owner_edits(key.is_some())).ok()?;
        if let Some(owner) = set {
            return owner.as_deref().map(str::to_owned);
        }
        // A closure of the application's may run: without the lock.
        match key.zip(written).map_or(Ok(None), |(key, (edits, state))| edits.written_owner(key, &state)) {
            Ok(None) => loaded,
            Ok(Some(owner)) => owner.as_deref().map(str::to_owned),
            Err(_) => None,
        }
    }

    /// Sets the owner, at commit. If it is not the owner that was loaded, this renews the session. For a login, call
    /// [`login`](Session::login), which also empties a session that belonged to another user.
    ///
    /// A layer with [`owner_key`](crate::SessionLayer::owner_key) takes the owner from the state instead.
    pub fn set_owner(&self, owner: impl Into<String>) {
        let owner = owner.into().into();
        self.act(|session| session.edits.owner = Some(Some(owner)));
    }

    /// Removes the owner and renews the session.
    ///
    /// If another request renewed the session first and the owner is still the same, the session is deleted: the user
    /// meant to log out.
    pub fn clear_owner(&self) {
        self.act(|session| session.edits.owner = Some(None));
    }

    /// Sets a label for the owner's list of sessions: the device, for example.
    pub fn set_label(&self, label: impl Into<String>) {
        let label = label.into().into();
        self.act(|session| session.edits.label = Some(Some(label)));
    }

    /// Returns the time at which the session was created. `None` if it is not stored yet.
    #[must_use]
    pub fn created_at(&self) -> Option<SystemTime> {
        self.request.used(|session| session.opening.record().map(|record| record.created_at().into())).ok()?
    }

    /// Returns the time at which the session ends unless it is used before. `None` if it is not stored yet.
    #[must_use]
    pub fn expires_at(&self) -> Option<SystemTime> {
        let config = self.request.config.as_ref()?;
        let deadline = |record: &Record| record.deadline(&config.lifetime).into();
        self.request.used(|session| session.opening.record().map(deadline)).ok()?
    }

    /// Sets a lifetime for this session only, for example for "remember me". The session's record keeps it.
    ///
    /// If the response's head is not sent yet, the cookie is sent again with the `Max-Age` of the new lifetime.
    pub fn set_lifetime(&self, lifetime: Lifetime) {
        self.act(|session| session.edits.lifetime = Some(lifetime.into()));
    }

    /// Stores the session now, even if it is empty, so that the response's head carries its cookie. Call it in handlers
    /// that write later, from a streaming body or a WebSocket.
    ///
    /// # Errors
    ///
    /// As for [`save`](Session::save).
    pub async fn start(&self) -> Result<(), Error> {
        self.act(|session| session.edits.started = session.opening.record().is_none());
        self.save().await
    }

    /// Stores the changes now. Call it in code that runs after the response's head is sent: streaming bodies, sockets,
    /// tasks. Changes made before that are stored without it.
    ///
    /// If the future is dropped before it is ready, the save goes on as a task of the current `tokio` runtime.
    ///
    /// # Errors
    ///
    /// - The store failed: [`Error::is_store`].
    /// - The session has ended, or was renewed meanwhile: [`Error::is_gone`].
    /// - A new session or a renewal needs a cookie, and the head is sent already: [`Error::is_too_late`].
    /// - A change could not be made again on what another request stored: [`Error::is_conflict`].
    /// - The session is too large: [`Error::is_too_large`].
    ///
    /// The changes stay in the session, and a later save stores them. There is one exception: if the outcome of a save
    /// stays unknown, its changes are never applied again. Every later save then returns the same error, and only
    /// [`purge`](Self::purge) and [`restart`](Self::restart) still work.
    pub async fn save(&self) -> Result<(), Error> {
        if self.request.is_immediate() {
            return self.request.save().await;
        }
        let request = Arc::clone(&self.request);
        Outlives::new(async move { request.save().await }).await
    }

    /// Loads the session again, to see what other requests stored meanwhile. Unsaved changes are kept and applied to
    /// it.
    ///
    /// # Errors
    ///
    /// The store failed, or the session has ended or was renewed meanwhile ([`Error::is_gone`]).
    pub async fn reload(&self) -> Result<(), Error> {
        self.request.reload().await
    }

    /// Changes the session. Every write of a handler goes through this function. Returns `None` if the session has
    /// ended: the change then has no effect.
    fn write<R>(&self, change: impl FnOnce(&mut LoadedSession) -> R) -> Result<Option<R>, Error> {
        let (changed, is_told) = self.request.used(|session| {
            if session.has_ended() {
                (None, std::mem::replace(&mut session.is_end_told, true))
            } else {
                (Some(change(session)), true)
            }
        })?;
        if !is_told {
            tracing::warn!(
                "session changed after its end, without effect: call `restart` or `login` to begin another one"
            );
        }
        Ok(changed)
    }

    /// Ends the session, in whatever state it is.
    fn end(&self, act: Act) {
        if self.request.used(|session| session.edits.end(act)).is_err() {
            self.request.misuse();
        }
    }

    /// Makes a change whose method returns no error. If the session is not loaded, the commit fails instead: a logout
    /// must not get lost.
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
