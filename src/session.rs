//! What a handler holds.

use std::{
    fmt,
    ops::Deref,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::SystemTime,
};

use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};

use crate::{
    commit::owner_in,
    error::{Error, SessionGetError, SessionInsertError, SessionUpdateError},
    key::AsKey,
    lazy::{Inner, Shared},
    lifetime::Lifetime,
    ops::{Act, Replay},
    plan::Loaded,
    token::SessionId,
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
    pub(crate) shared: Arc<Shared>,
}

/// What was asked for in this request so far. It says what is going to happen, not what has.
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
        Self { shared: Arc::new(Shared::detached()) }
    }

    /// Reads the value under `key`, parsed as a `T`; `None` where there is no such key.
    ///
    /// # Errors
    ///
    /// The value is there and not a `T`, or the session is not loaded.
    pub fn get<T: DeserializeOwned>(&self, key: impl AsKey<T>) -> Result<Option<T>, SessionGetError> {
        let key = key.as_key();
        let inner = self.inner().map_err(|error| SessionGetError::new(key, error))?;
        let raw = inner.raw(key).map(str::to_owned);
        drop(inner);
        raw.map(|raw| serde_json::from_str(&raw)).transpose().map_err(|error| SessionGetError::new(key, error))
    }

    /// Whether there is such a key.
    #[must_use]
    pub fn contains_key(&self, key: impl AsRef<str>) -> bool {
        self.inner().is_ok_and(|inner| inner.raw(key.as_ref()).is_some())
    }

    /// The keys, sorted.
    #[must_use]
    pub fn keys(&self) -> Vec<String> {
        self.inner().map_or_else(|_| Vec::new(), |inner| inner.entries().into_keys().map(str::to_owned).collect())
    }

    /// A snapshot of all keys and values, parsed.
    #[must_use]
    pub fn entries(&self) -> Entries {
        let raw: Vec<(String, String)> = self.inner().map_or_else(
            |_| Vec::new(),
            |inner| inner.entries().into_iter().map(|(key, raw)| (key.to_owned(), raw.to_owned())).collect(),
        );
        Entries(raw.into_iter().map(|(key, raw)| (key, value_of(&raw))).collect())
    }

    /// Whether there is no key at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.inner().map_or(true, |inner| inner.entries().is_empty())
    }

    /// Sets `key`. The last writer wins; a value equal to the one that is there is no change.
    ///
    /// After [`purge`](Session::purge) it has no effect.
    ///
    /// # Errors
    ///
    /// The value cannot be written as JSON, or the session is not loaded. The session is then as it was before.
    pub fn insert<T: Serialize>(&self, key: impl AsKey<T>, value: T) -> Result<(), SessionInsertError> {
        let key = key.as_key();
        let failed = |error| SessionInsertError::new(key, error);
        let raw = serde_json::to_string(&value).map_err(|error| failed(error.into()))?;
        self.write(|inner| {
            if inner.raw(key) != Some(&*raw) {
                inner.ops.write(key, Some(raw.into()));
            }
        })
        .map_err(failed)
    }

    /// Removes `key`, and gives what was there.
    pub fn remove(&self, key: impl AsRef<str>) -> Option<Value> {
        self.take(key.as_ref()).map(|raw| value_of(&raw))
    }

    /// Removes `key`, and gives what was there as a `T`, or as it was where it is none.
    pub fn remove_as<T: DeserializeOwned>(&self, key: impl AsKey<T>) -> Option<Result<T, Value>> {
        let raw = self.take(key.as_key())?;
        Some(serde_json::from_str(&raw).map_err(|_| value_of(&raw)))
    }

    /// Changes the value under `key` by `f`. Does nothing where there is no such key.
    ///
    /// Where another request changes this key between our load and our commit, `f` runs again on the fresh value: two
    /// requests that add one add two, a hundred add a hundred. So `f` may run several times, also after the handler is
    /// done; it must not be what counts the calls. [`update_once`](Session::update_once) takes closures that cannot.
    ///
    /// # Errors
    ///
    /// The value is not a `T`, what `f` makes of it cannot be written as JSON, or the session is not loaded. The session
    /// is then as it was before.
    pub fn update<T, F>(&self, key: impl AsKey<T>, mut f: F) -> Result<(), SessionUpdateError>
    where
        T: Serialize + DeserializeOwned + 'static,
        F: FnMut(T) -> T + Send + 'static,
    {
        self.replaying(key.as_key(), move |raw| raw.map(|raw| change(raw, &mut f)).transpose())
    }

    /// Changes the value under `key` by `f`; sets it to `default` where there is no such key, without calling `f`.
    ///
    /// Otherwise as [`update`](Session::update).
    ///
    /// # Errors
    ///
    /// As for [`update`](Session::update).
    pub fn update_or<T, F>(&self, key: impl AsKey<T>, default: T, mut f: F) -> Result<(), SessionUpdateError>
    where
        T: Serialize + DeserializeOwned + 'static,
        F: FnMut(T) -> T + Send + 'static,
    {
        let key = key.as_key();
        let default: Arc<str> =
            serde_json::to_string(&default).map_err(|error| SessionUpdateError::new(key, error))?.into();
        self.replaying(key, move |raw| match raw {
            Some(raw) => change(raw, &mut f).map(Some),
            None => Ok(Some(Arc::clone(&default))),
        })
    }

    /// Changes the value under `key` by `f`, which gets the default value where there is no such key.
    ///
    /// Otherwise as [`update`](Session::update).
    ///
    /// # Errors
    ///
    /// As for [`update`](Session::update).
    pub fn update_or_default<T, F>(&self, key: impl AsKey<T>, mut f: F) -> Result<(), SessionUpdateError>
    where
        T: Serialize + DeserializeOwned + Default + 'static,
        F: FnMut(T) -> T + Send + 'static,
    {
        self.replaying(key.as_key(), move |raw| match raw {
            Some(raw) => change(raw, &mut f).map(Some),
            None => Ok(Some(serde_json::to_string(&f(T::default()))?.into())),
        })
    }

    /// Changes the value under `key` by a closure that can run only once. Does nothing where there is no such key.
    ///
    /// Where another request changes this key between our load and our commit, the commit fails: the client gets an
    /// error, and nothing is stored.
    ///
    /// # Errors
    ///
    /// As for [`update`](Session::update); besides, where another handle of this session changes the key while `f` runs.
    pub fn update_once<T, F>(&self, key: impl AsKey<T>, f: F) -> Result<(), SessionUpdateError>
    where
        T: Serialize + DeserializeOwned,
        F: FnOnce(T) -> T,
    {
        let key = key.as_key();
        let failed = |error| SessionUpdateError::new(key, error);
        let (raw, version) = self.see(key).map_err(failed)?;
        let Some(raw) = raw else { return Ok(()) };
        let made = change(&raw, f).map_err(failed)?;
        if self.step(key, version, Some(made), Replay::Never).map_err(failed)? {
            Ok(())
        } else {
            Err(failed(Error::conflict_on(key)))
        }
    }

    /// Removes every key: those that are there at commit; what is inserted after it stays.
    pub fn clear(&self) {
        self.act(|inner| inner.ops.clear());
    }

    /// Replaces the secret at commit. Call it at every login and whenever privileges change: it is what stops session
    /// fixation (OWASP Session Management, "Renew the Session ID After Any Privilege Level Change").
    ///
    /// The session keeps its id and its state; tokens from before are dead. A renewal that loses a race with another one,
    /// or with a logout, still ends with the user logged in: see [`set_owner`](Session::set_owner).
    pub fn renew(&self) {
        self.act(|inner| {
            if inner.ops.act == Act::Keep {
                inner.ops.act = Act::Renew;
            }
        });
    }

    /// Ends the session: at commit its record is deleted and the cookie taken away. Call it at logout.
    ///
    /// It beats everything done before it in this request; what is inserted after it has no effect, unless
    /// [`restart`](Session::restart) begins a new session.
    pub fn purge(&self) {
        self.act(|inner| inner.ops.end(Act::Purge));
    }

    /// Ends the session as [`purge`](Session::purge) does, and begins a new one with a new id, for what is inserted after
    /// it: a message for the page after the logout, say.
    pub fn restart(&self) {
        match self.inner() {
            Ok(mut inner) => inner.ops.end(Act::Restart),
            Err(_) => self.shared.fail_commit(),
        }
    }

    /// What was asked for so far.
    #[must_use]
    pub fn status(&self) -> SessionStatus {
        self.inner().map_or(SessionStatus::Unchanged, |inner| match inner.ops.act {
            Act::Purge | Act::Restart => SessionStatus::Purged,
            Act::Keep if inner.visit.loaded == Loaded::Ended => SessionStatus::Purged,
            Act::Renew => SessionStatus::Renewed,
            Act::Keep if inner.ops.touches_keys() => SessionStatus::Changed,
            Act::Keep => SessionStatus::Unchanged,
        })
    }

    /// The public id, safe to show; `None` for a session that is not stored yet.
    #[must_use]
    pub fn id(&self) -> Option<SessionId> {
        let inner = self.inner().ok()?;
        if inner.ops.hides_session() { None } else { inner.visit.record().and(inner.visit.id()) }
    }

    /// Whose session it is: as [`set_owner`](Session::set_owner) or the layer's `owner_key` says.
    #[must_use]
    pub fn owner(&self) -> Option<String> {
        let inner = self.inner().ok()?;
        if let Some(owner) = &inner.ops.owner {
            return owner.as_deref().map(str::to_owned);
        }
        let key = self.shared.core.as_ref().and_then(|core| core.owner_key.as_deref());
        match key {
            Some(key) if inner.ops.touches_keys() => {
                inner.raw(key).and_then(owner_in).map(|owner| owner.as_ref().to_owned())
            }
            _ if inner.ops.hides_session() => None,
            _ => inner.visit.record().and_then(|record| record.owner()).map(str::to_owned),
        }
    }

    /// Says whose session it is, from the commit on. Call it at login, with [`renew`](Session::renew): "log out
    /// everywhere" works on it, and so do logins that race.
    ///
    /// A layer with [`owner_key`](crate::SessionLayer::owner_key) finds it out by itself.
    pub fn set_owner(&self, owner: impl Into<String>) {
        let owner = owner.into().into();
        self.act(|inner| inner.ops.owner = Some(Some(owner)));
    }

    /// Says that the session is nobody's any more.
    pub fn clear_owner(&self) {
        self.act(|inner| inner.ops.owner = Some(None));
    }

    /// Names the session for its owner's list of sessions: the device, say.
    pub fn set_label(&self, label: impl Into<String>) {
        let label = label.into().into();
        self.act(|inner| inner.ops.label = Some(Some(label)));
    }

    /// When the session was made; `None` for one that is not stored yet.
    #[must_use]
    pub fn created_at(&self) -> Option<SystemTime> {
        self.inner().ok()?.visit.record().map(|record| record.created_at().into())
    }

    /// When the session ends, unless it is used meanwhile; `None` for one that is not stored yet.
    #[must_use]
    pub fn expires_at(&self) -> Option<SystemTime> {
        let core = self.shared.core.as_ref()?;
        self.inner().ok()?.visit.record().map(|record| record.deadline(&core.lifetime).into())
    }

    /// Gives this session a lifetime of its own, kept in its record: "remember me". The cookie is sent again, with the
    /// `Max-Age` that belongs to it, where the response's head has not left yet.
    pub fn set_lifetime(&self, lifetime: Lifetime) {
        self.act(|inner| inner.ops.lifetime = Some(Arc::new(lifetime)));
    }

    /// Makes sure that there is a session: stores it now, even if it is empty, so that its cookie goes out with the
    /// response's head. For handlers that write later, from a streaming body or a WebSocket.
    ///
    /// # Errors
    ///
    /// As for [`save`](Session::save).
    pub async fn start(&self) -> Result<(), Error> {
        self.act(|inner| inner.ops.started = inner.visit.record().is_none());
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
    pub async fn save(&self) -> Result<(), Error> {
        self.shared.save().await
    }

    /// Loads the session again, to see what other requests wrote meanwhile. Unsaved changes stay, on top of that.
    ///
    /// # Errors
    ///
    /// The store failed, or the session has ended or was renewed meanwhile ([`Error::is_gone`]).
    pub async fn reload(&self) -> Result<(), Error> {
        self.shared.reload().await
    }

    fn inner(&self) -> Result<MutexGuard<'_, Inner>, Error> {
        self.shared.inner()
    }

    /// The one gate for changes: everything a handler writes comes through here.
    fn write(&self, change: impl FnOnce(&mut Inner)) -> Result<(), Error> {
        let mut inner = self.inner()?;
        if !inner.has_ended() {
            change(&mut inner);
        }
        Ok(())
    }

    /// A change whose method cannot fail: on a session that nobody loaded, the commit fails in its place. A logout must
    /// not get lost.
    fn act(&self, change: impl FnOnce(&mut Inner)) {
        if self.write(change).is_err() {
            self.shared.fail_commit();
        }
    }

    fn take(&self, key: &str) -> Option<String> {
        let mut raw = None;
        self.act(|inner| {
            raw = inner.raw(key).map(str::to_owned);
            inner.ops.write(key, None);
        });
        raw
    }

    /// A key's raw value, and the version at which that is it.
    fn see(&self, key: &str) -> Result<(Option<Arc<str>>, u64), Error> {
        let inner = self.inner()?;
        Ok((inner.raw(key).map(Arc::from), inner.ops.version()))
    }

    /// Takes a step that was made of the value at `version`; says whether that still was the value.
    fn step(&self, key: &str, version: u64, made: Option<Arc<str>>, replay: Replay) -> Result<bool, Error> {
        let mut inner = self.inner()?;
        if inner.has_ended() {
            return Ok(true);
        }
        if inner.ops.version() != version {
            return Ok(false);
        }
        inner.update(key, made, replay);
        Ok(true)
    }

    /// Runs `make` outside the lock, again while other handles of this session come between, and keeps it for the commit.
    fn replaying(
        &self,
        key: &str,
        make: impl FnMut(Option<&str>) -> Result<Option<Arc<str>>, Error> + Send + 'static,
    ) -> Result<(), SessionUpdateError> {
        let failed = |error| SessionUpdateError::new(key, error);
        let make = Arc::new(Mutex::new(make));
        loop {
            let (raw, version) = self.see(key).map_err(failed)?;
            let made = {
                let mut make = make.lock().unwrap_or_else(PoisonError::into_inner);
                make(raw.as_deref()).map_err(failed)?
            };
            if raw.is_none() && made.is_none() {
                return Ok(());
            }
            let replay = Replay::With(Arc::clone(&make) as _);
            if self.step(key, version, made, replay).map_err(failed)? {
                return Ok(());
            }
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

/// A snapshot of a session's keys and values. It derefs to a map.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Entries(Map<String, Value>);

impl Deref for Entries {
    type Target = Map<String, Value>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl IntoIterator for Entries {
    type Item = (String, Value);
    type IntoIter = serde_json::map::IntoIter;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

fn change<T: Serialize + DeserializeOwned>(raw: &str, f: impl FnOnce(T) -> T) -> Result<Arc<str>, Error> {
    let value = serde_json::from_str(raw)?;
    Ok(serde_json::to_string(&f(value))?.into())
}

/// A raw value, parsed; a text that is no JSON, which only a damaged record holds, comes as the text that it is.
fn value_of(raw: &str) -> Value {
    serde_json::from_str(raw).unwrap_or_else(|_| Value::String(raw.to_owned()))
}
