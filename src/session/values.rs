//! Reading and writing a session's values.

use std::ops::Deref;

use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};

use super::{Session, checked::raw_of};
use crate::{
    error::{Error, SessionGetError, SessionInsertError, SessionUpdateError},
    request::Replay,
    session::{AsKey, KeyName},
    store::Raw,
};

/// The number of times that a closure runs again while its key changes. A closure that changes its own key would run for ever.
const TRIES: usize = 1000;

impl Session {
    /// Reads the value under `key`, parsed as a `T`; `None` where there is no such key.
    ///
    /// # Errors
    ///
    /// The value is there and not a `T`, or the session is not loaded.
    pub fn get<T: DeserializeOwned>(&self, key: impl AsKey<T>) -> Result<Option<T>, SessionGetError> {
        let key = key.as_key();
        let raw = self.see(key).map_err(|error| SessionGetError::new(key, error))?;
        raw.map(|raw| serde_json::from_str(&raw)).transpose().map_err(|error| SessionGetError::new(key, error))
    }

    /// Returns whether there is such a key.
    #[must_use]
    pub fn contains_key(&self, key: impl KeyName) -> bool {
        self.request.used(|session| session.raw(key.key_name()).is_some()).unwrap_or(false)
    }

    /// The keys, sorted.
    #[must_use]
    pub fn keys(&self) -> Vec<String> {
        self.request.used(|session| session.entries().into_keys().map(str::to_owned).collect()).unwrap_or_default()
    }

    /// A snapshot of all keys and values, parsed.
    #[must_use]
    pub fn entries(&self) -> Entries {
        // Parsed without the lock.
        let owned = |(key, raw): (&str, &str)| (key.to_owned(), raw.to_owned());
        let raw: Vec<_> =
            self.request.used(|session| session.entries().into_iter().map(owned).collect()).unwrap_or_default();
        Entries(raw.into_iter().map(|(key, raw)| (key, value_of(&raw))).collect())
    }

    /// Returns whether there is no key at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.request.used(|session| session.entries().is_empty()).unwrap_or(true)
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
        let raw = raw_of(&value).map_err(|error| failed(error.into()))?;
        self.write(|session| session.insert(key, raw)).map(drop).map_err(failed)
    }

    /// Removes `key`, and gives what was there.
    pub fn remove(&self, key: impl KeyName) -> Option<Value> {
        self.take(key.key_name()).map(|raw| value_of(&raw))
    }

    /// Removes `key`, and gives what was there as a `T`, or as it was where it is none.
    pub fn remove_as<T: DeserializeOwned>(&self, key: impl AsKey<T>) -> Option<Result<T, Value>> {
        let raw = self.take(key.as_key())?;
        Some(serde_json::from_str(&raw).map_err(|_| value_of(&raw)))
    }

    /// Changes the value under `key` by `f`. Does nothing where there is no such key.
    ///
    /// If another request changes this key between this request's load and its commit, `f` runs again on the fresh value: two
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
        let default = raw_of(&default).map_err(|error| SessionUpdateError::new(key, error))?;
        self.replaying(key, move |raw| match raw {
            Some(raw) => change(raw, &mut f).map(Some),
            None => Ok(Some(default.clone())),
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
            None => Ok(Some(raw_of(&f(T::default()))?)),
        })
    }

    /// Changes the value under `key` by a closure that can run only once. Does nothing where there is no such key.
    ///
    /// If another request changes this key between this request's load and its commit, the commit fails: the client gets an
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
        let Some(raw) = self.see(key).map_err(failed)? else { return Ok(()) };
        let made = change(&raw, f).map_err(failed)?;
        if self.step(key, Some(raw), Some(made), Replay::Never).map_err(failed)? {
            Ok(())
        } else {
            Err(failed(Error::conflict_on(key)))
        }
    }

    /// Removes every key: those that are there at commit; what is inserted after it stays.
    pub fn clear(&self) {
        self.act(|session| session.edits.clear());
    }

    fn take(&self, key: &str) -> Option<Raw> {
        let mut raw = None;
        self.act(|session| {
            raw = session.raw(key).map(Raw::new);
            session.edits.write(key, None);
        });
        raw
    }

    /// A key's raw value.
    fn see(&self, key: &str) -> Result<Option<Raw>, Error> {
        self.request.used(|session| session.raw(key).map(Raw::new))
    }

    /// Takes a step that was made of the value `seen`. Returns false if the value is another one by now.
    fn step(&self, key: &str, seen: Option<Raw>, made: Option<Raw>, replay: Replay) -> Result<bool, Error> {
        Ok(self.write(|session| session.update(key, seen, made, replay))?.unwrap_or(true))
    }

    /// Runs `make` outside the lock, again while other handles of this session come between, and keeps it for the commit.
    fn replaying(
        &self,
        key: &str,
        make: impl FnMut(Option<&str>) -> Result<Option<Raw>, Error> + Send + 'static,
    ) -> Result<(), SessionUpdateError> {
        let failed = |error| SessionUpdateError::new(key, error);
        let replay = Replay::with(make);
        for _ in 0..TRIES {
            let raw = self.see(key).map_err(failed)?;
            let made = replay.run(key, raw.as_deref()).map_err(failed)?;
            if raw.is_none() && made.is_none() {
                return Ok(());
            }
            if self.step(key, raw, made, replay.clone()).map_err(failed)? {
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

/// A raw value, parsed; a text that is no JSON, which only a damaged record holds, comes as the text that it is.
fn value_of(raw: &str) -> Value {
    serde_json::from_str(raw).unwrap_or_else(|_| Value::String(raw.to_owned()))
}
