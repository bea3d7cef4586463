//! Reads and writes a session's values.

use std::ops::Deref;

use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};

use super::{Session, checked::raw_of};
use crate::{
    error::{Error, SessionGetError, SessionInsertError, SessionUpdateError},
    request::{Replay, Seen},
    session::{AsKey, KeyName},
    store::Raw,
};

/// The number of times that a closure runs again while its key changes. Without a limit, a closure that changes its own
/// key would run for ever.
const TRIES: usize = 1000;

impl Session {
    /// Returns the value under `key`, parsed as a `T`, or `None` if there is no such key.
    ///
    /// # Errors
    ///
    /// The value is not a `T`, or the session is not loaded.
    pub fn get<T: DeserializeOwned>(&self, key: impl AsKey<T>) -> Result<Option<T>, SessionGetError> {
        let key = key.as_key();
        let seen = self.see(key).map_err(|error| SessionGetError::new(key, error))?;
        seen.raw.map(|raw| serde_json::from_str(&raw)).transpose().map_err(|error| SessionGetError::new(key, error))
    }

    /// Returns true if there is such a key.
    #[must_use]
    pub fn contains_key(&self, key: impl KeyName) -> bool {
        self.request.used(|session| session.raw(key.key_name()).is_some()).unwrap_or(false)
    }

    /// Returns the keys, sorted.
    #[must_use]
    pub fn keys(&self) -> Vec<String> {
        self.request.used(|session| session.entries().into_keys().map(str::to_owned).collect()).unwrap_or_default()
    }

    /// Returns a snapshot of all keys and values, parsed.
    #[must_use]
    pub fn entries(&self) -> Entries {
        // Parsing takes long, so it runs outside the lock.
        let owned = |(key, raw): (&str, &str)| (key.to_owned(), raw.to_owned());
        let raw: Vec<_> =
            self.request.used(|session| session.entries().into_iter().map(owned).collect()).unwrap_or_default();
        Entries(raw.into_iter().map(|(key, raw)| (key, value_of(&raw))).collect())
    }

    /// Returns true if there is no key.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.request.used(|session| session.entries().is_empty()).unwrap_or(true)
    }

    /// Sets the value under `key`. The last writer wins. A value that equals the stored one is no change.
    ///
    /// After [`purge`](Session::purge) it has no effect.
    ///
    /// # Errors
    ///
    /// The value cannot be written as JSON, or the session is not loaded. The session then stays as it was.
    pub fn insert<T: Serialize>(&self, key: impl AsKey<T>, value: T) -> Result<(), SessionInsertError> {
        let key = key.as_key();
        let failed = |error| SessionInsertError::new(key, error);
        let raw = raw_of(&value).map_err(|error| failed(error.into()))?;
        self.write(|session| session.insert(key, raw)).map(drop).map_err(failed)
    }

    /// Reads the value under `key`, and removes it; `None` where there is no such key. For a flash message, for example, which one
    /// page shows and the next one does not.
    ///
    /// Of several handles of one request's session, one gets the value. Two requests at once may both get it.
    ///
    /// # Errors
    ///
    /// The value is there and not a `T`, or the session is not loaded. The value stays then.
    pub fn take<T: DeserializeOwned>(&self, key: impl AsKey<T>) -> Result<Option<T>, SessionGetError> {
        let key = key.as_key();
        let failed = |error| SessionGetError::new(key, error);
        for _ in 0..TRIES {
            let Some(raw) = self.see(key).map_err(failed)?.raw else { return Ok(None) };
            let value = serde_json::from_str(&raw).map_err(|error| failed(error.into()))?;
            let is_taken = self.write(|session| {
                let is_same = session.raw(key) == Some(&*raw);
                if is_same {
                    session.edits.write(key, None);
                }
                is_same
            });
            if is_taken.map_err(failed)?.unwrap_or(true) {
                return Ok(Some(value));
            }
        }
        Err(failed(Error::conflict_on(key)))
    }

    /// Removes `key`, and gives what was there.
    pub fn remove(&self, key: impl KeyName) -> Option<Value> {
        self.take_raw(key.key_name()).map(|raw| value_of(&raw))
    }

    /// Removes `key` and returns its value as a `T`, or as JSON if it is not a `T`.
    pub fn remove_as<T: DeserializeOwned>(&self, key: impl AsKey<T>) -> Option<Result<T, Value>> {
        let raw = self.take_raw(key.as_key())?;
        Some(serde_json::from_str(&raw).map_err(|_| value_of(&raw)))
    }

    /// Changes the value under `key` by `f`. Does nothing if there is no such key.
    ///
    /// If another request changes this key between this request's load and its commit, `f` runs again on the fresh
    /// value: two requests that add one add two, and a hundred add a hundred. So `f` may run several times, also after
    /// the handler has returned, and must have no other effect. For a closure that can run only once, use
    /// [`update_once`](Session::update_once).
    ///
    /// # Errors
    ///
    /// The value is not a `T`, the result of `f` cannot be written as JSON, or the session is not loaded. The session
    /// then stays as it was.
    pub fn update<T, F>(&self, key: impl AsKey<T>, mut f: F) -> Result<(), SessionUpdateError>
    where
        T: Serialize + DeserializeOwned + 'static,
        F: FnMut(T) -> T + Send + 'static,
    {
        self.replaying(key.as_key(), move |raw| raw.map(|raw| change(raw, &mut f)).transpose())
    }

    /// Changes the value under `key` by `f`. If there is no such key, sets it to `default` without calling `f`.
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
        let default = raw_of(&default).map_err(|error| SessionUpdateError::new(key, error))?;
        self.replaying(key, move |raw| match raw {
            Some(raw) => change(raw, &mut f).map(Some),
            None => Ok(Some(default.clone())),
        })
    }

    /// Changes the value under `key` by `f`. If there is no such key, `f` gets the default value of `T`.
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
            None => Ok(Some(raw_of(&f(T::default()))?)),
        })
    }

    /// Changes the value under `key` by a closure that can run only once. Does nothing if there is no such key.
    ///
    /// If another request changes this key between this request's load and its commit, the commit fails: the client
    /// gets an error, and nothing is stored.
    ///
    /// # Errors
    ///
    /// As for [`update`](Session::update). It also fails if another handle of this session changes the key while `f`
    /// runs.
    pub fn update_once<T, F>(&self, key: impl AsKey<T>, f: F) -> Result<(), SessionUpdateError>
    where
        T: Serialize + DeserializeOwned,
        F: FnOnce(T) -> T,
    {
        let key = key.as_key();
        let failed = |error| SessionUpdateError::new(key, error);
        let seen = self.see(key).map_err(failed)?;
        let Some(raw) = &seen.raw else { return Ok(()) };
        let made = change(raw, f).map_err(failed)?;
        if self.step(key, seen, Some(made), Replay::Never).map_err(failed)? {
            Ok(())
        } else {
            Err(failed(Error::conflict_on(key)))
        }
    }

    /// Removes every key that is in the store at commit. What is inserted after it stays.
    pub fn clear(&self) {
        self.act(|session| session.edits.clear());
    }

    fn take_raw(&self, key: &str) -> Option<Raw> {
        let mut raw = None;
        self.act(|session| {
            raw = session.raw(key).map(Raw::new);
            session.edits.write(key, None);
        });
        raw
    }

    /// Returns the raw value of a key.
    fn see(&self, key: &str) -> Result<Seen, Error> {
        self.request.used(|session| session.see(key))
    }

    /// Applies a change that was made from the value `seen`. Returns false if the value is another one now.
    fn step(&self, key: &str, seen: Seen, made: Option<Raw>, replay: Replay) -> Result<bool, Error> {
        Ok(self.write(|session| session.update(key, seen, made, replay))?.unwrap_or(true))
    }

    /// Runs `make` outside the lock, and again if other handles of this session changed the key meanwhile. Keeps the
    /// closure for the commit.
    fn replaying(
        &self,
        key: &str,
        make: impl FnMut(Option<&str>) -> Result<Option<Raw>, Error> + Send + 'static,
    ) -> Result<(), SessionUpdateError> {
        let failed = |error| SessionUpdateError::new(key, error);
        let replay = Replay::with(make);
        for _ in 0..TRIES {
            let seen = self.see(key).map_err(failed)?;
            let made = replay.run(key, seen.raw.as_deref()).map_err(failed)?;
            if seen.raw.is_none() && made.is_none() {
                return Ok(());
            }
            if self.step(key, seen, made, replay.clone()).map_err(failed)? {
                return Ok(());
            }
        }
        Err(failed(Error::conflict_on(key)))
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

fn change<T: Serialize + DeserializeOwned>(raw: &str, f: impl FnOnce(T) -> T) -> Result<Raw, Error> {
    let value = serde_json::from_str(raw)?;
    Ok(raw_of(&f(value))?)
}

/// Parses a raw value. A text that is not JSON, which only a damaged record holds, becomes a string.
fn value_of(raw: &str) -> Value {
    serde_json::from_str(raw).unwrap_or_else(|_| Value::String(raw.to_owned()))
}
