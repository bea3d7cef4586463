//! Redis, by the names of actix-session 0.11.

use std::fmt;

use super::{super::config::CookieContentSecurity, IntoLayer};
use crate::{
    SessionLayer,
    keys::Keyring,
    redis::{ConnectError, RedisStore, RedisStoreBuilder},
};

/// Keeps sessions in Redis: a [`RedisStore`], made as actix-session makes its own.
///
/// ```no_run
/// use actix_web::cookie::Key;
/// use cloakroom::actix_web::{SessionMiddleware, storage::RedisSessionStore};
///
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// let store = RedisSessionStore::new("redis://127.0.0.1:6379").await?;
/// let middleware = SessionMiddleware::new(store, Key::generate());
/// # Ok(()) }
/// ```
///
/// Axum services share its sessions through [`RedisStore::from`].
#[derive(Clone, Debug)]
pub struct RedisSessionStore(RedisStore);

impl RedisSessionStore {
    /// Connects to one server. For the URL see [`RedisStore::connect`].
    ///
    /// # Errors
    ///
    /// A URL that cannot be read, and a server that cannot be reached, or refuses us, within a second.
    pub async fn new(connection_string: impl Into<String>) -> Result<Self, ConnectError> {
        Self::builder(connection_string).build().await
    }

    /// Starts from the defaults, for one server.
    pub fn builder(connection_string: impl Into<String>) -> RedisSessionStoreBuilder {
        RedisSessionStoreBuilder(Place::Server(Box::new(RedisStore::builder(connection_string))))
    }

    /// Takes a pool of deadpool-redis 0.23. [`new`](Self::new) needs none: one connection carries any number of requests at once.
    ///
    /// # Errors
    ///
    /// None: a pool connects when it is used.
    #[cfg(feature = "redis-pool")]
    #[cfg_attr(docsrs, doc(cfg(feature = "redis-pool")))]
    pub async fn new_pooled(pool: impl Into<deadpool_redis::Pool>) -> Result<Self, ConnectError> {
        Self::builder_pooled(pool).build().await
    }

    /// Starts from the defaults, for a pool of deadpool-redis 0.23.
    #[cfg(feature = "redis-pool")]
    #[cfg_attr(docsrs, doc(cfg(feature = "redis-pool")))]
    pub fn builder_pooled(pool: impl Into<deadpool_redis::Pool>) -> RedisSessionStoreBuilder {
        RedisSessionStoreBuilder(Place::Store(RedisStore::from_pool(pool)))
    }
}

/// Makes a [`RedisSessionStore`].
#[must_use]
pub struct RedisSessionStoreBuilder(Place);

enum Place {
    Server(Box<RedisStoreBuilder>),
    #[cfg(feature = "redis-pool")]
    Store(RedisStore),
}

impl RedisSessionStoreBuilder {
    /// Sets the names of keys in Redis: `keygen` gets the session's public id, or `owner:` and the owner. Default: behind
    /// `cloakroom:`.
    pub fn cache_keygen<F>(self, keygen: F) -> Self
    where
        F: Fn(&str) -> String + 'static + Send + Sync,
    {
        Self(match self.0 {
            Place::Server(builder) => Place::Server(Box::new(builder.key_names(keygen))),
            #[cfg(feature = "redis-pool")]
            Place::Store(store) => Place::Store(store.key_names(keygen)),
        })
    }

    /// Makes the store, and connects where it is not a pool.
    ///
    /// # Errors
    ///
    /// As for [`RedisSessionStore::new`].
    pub async fn build(self) -> Result<RedisSessionStore, ConnectError> {
        Ok(RedisSessionStore(match self.0 {
            Place::Server(builder) => builder.connect().await?,
            #[cfg(feature = "redis-pool")]
            Place::Store(store) => store,
        }))
    }
}

impl fmt::Debug for RedisSessionStoreBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisSessionStoreBuilder").finish_non_exhaustive()
    }
}

impl From<RedisSessionStore> for RedisStore {
    fn from(store: RedisSessionStore) -> Self {
        store.0
    }
}

impl IntoLayer for RedisSessionStore {
    fn into_layer(self, keyring: Keyring, content: CookieContentSecurity) -> SessionLayer {
        self.0.into_layer(keyring, content)
    }
}
