//! Reading and writing a session's values.

use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use super::{Error, Result, Session};

impl Session {
    /// Reads the value under `key`.
    ///
    /// # Errors
    ///
    /// The value is not a `T`, or the store failed.
    pub async fn get<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>> {
        self.native().await?.get(key).map_err(|error| Error::of_value(&error))
    }

    /// Reads the value under `key`, as JSON.
    ///
    /// # Errors
    ///
    /// The store failed.
    pub async fn get_value(&self, key: &str) -> Result<Option<Value>> {
        self.get(key).await
    }

    /// Sets `key`.
    ///
    /// # Errors
    ///
    /// JSON cannot hold the value, or the store failed.
    pub async fn insert(&self, key: &str, value: impl Serialize) -> Result<()> {
        let session = self.native().await?;
        let before: Option<Value> = session.get(key).ok().flatten();
        session.insert(key, value).map_err(|error| Error::of_value(&error))?;
        if session.get::<Value>(key).ok().flatten() != before {
            self.modified();
        }
        Ok(())
    }

    /// Sets `key` to a JSON value, and returns the value that was there. `None` if it was an equal one.
    ///
    /// # Errors
    ///
    /// The store failed.
    pub async fn insert_value(&self, key: &str, value: Value) -> Result<Option<Value>> {
        let before = self.get_value(key).await?;
        if before.as_ref() == Some(&value) {
            return Ok(None);
        }
        self.insert(key, value).await?;
        Ok(before)
    }

    /// Removes `key`, and returns the value that was there.
    ///
    /// # Errors
    ///
    /// The value is not a `T`, and is removed all the same; or the store failed.
    pub async fn remove<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>> {
        let session = self.native().await?;
        self.modified();
        match session.remove_as(key) {
            None => Ok(None),
            Some(Ok(value)) => Ok(Some(value)),
            Some(Err(value)) => Ok(Some(serde_json::from_value(value)?)),
        }
    }

    /// Removes `key`, and returns the JSON value that was there.
    ///
    /// # Errors
    ///
    /// The store failed.
    pub async fn remove_value(&self, key: &str) -> Result<Option<Value>> {
        self.remove(key).await
    }

    /// Removes every key.
    ///
    /// If the session cannot be loaded, the request fails when its response is made: a clear must not get lost.
    pub async fn clear(&self) {
        match self.lazy.load().await {
            Ok(session) => session.clear(),
            Err(_) => self.lazy.handle().clear(),
        }
        self.modified();
    }
}
