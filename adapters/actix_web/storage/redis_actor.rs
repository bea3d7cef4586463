//! Redis, by the names of actix-session 0.9 and before.

use std::fmt;

use super::{super::config::CookieContentSecurity, IntoLayer};
use crate::{
    SessionLayer,
    keys::Keyring,
    redis::{RedisStore, RedisStoreBuilder},
};

/// Keeps sessions in Redis, and connects when it is used first: what actix-session dropped in its version 0.10.
///
/// ```
/// use actix_web::cookie::Key;
/// use cloakroom::actix_web::{SessionMiddleware, storage::RedisActorSessionStore};
///
/// let middleware = SessionMiddleware::new(RedisActorSessionStore::new("127.0.0.1:6379"), Key::generate());
/// ```
///
/// There are no actors in it. Made inside the factory of `HttpServer`, every worker has a connection of its own, as it was. Passwords
/// and TLS work.
#[derive(Clone, Debug)]
pub struct RedisActorSessionStore(RedisStore);

impl RedisActorSessionStore {
    /// A store on one server. For the URL see [`RedisStore::connect`].
    ///
    /// # Panics
    ///
    /// Panics if the URL cannot be read. The builder of actix-session 0.7, whose API this is, has no `Result` to return. It runs when
    /// the service starts, never for a request.
    #[must_use]
    pub fn new(connection_string: impl Into<String>) -> Self {
        Self::builder(connection_string).build()
    }

    /// Starts from the defaults, for one server.
    pub fn builder(connection_string: impl Into<String>) -> RedisActorSessionStoreBuilder {
        RedisActorSessionStoreBuilder(RedisStore::builder(connection_string))
    }
}

/// Makes a [`RedisActorSessionStore`].
#[must_use]
pub struct RedisActorSessionStoreBuilder(RedisStoreBuilder);

impl RedisActorSessionStoreBuilder {
    /// Sets the names of keys in Redis: see [`RedisSessionStoreBuilder::cache_keygen`](super::RedisSessionStoreBuilder::cache_keygen).
    pub fn cache_keygen<F>(self, keygen: F) -> Self
    where
        F: Fn(&str) -> String + 'static + Send + Sync,
    {
        Self(self.0.key_names(keygen))
    }

    /// Makes the store.
    ///
    /// # Panics
    ///
    /// Panics if the URL cannot be read. The builder of actix-session 0.7, whose API this is, has no `Result` to return. It runs when
    /// the service starts, never for a request.
    #[must_use]
    pub fn build(self) -> RedisActorSessionStore {
        RedisActorSessionStore(self.0.lazy().unwrap_or_else(|error| panic!("{error:?}")))
    }
}

impl fmt::Debug for RedisActorSessionStoreBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisActorSessionStoreBuilder").finish_non_exhaustive()
    }
}

impl From<RedisActorSessionStore> for RedisStore {
    fn from(store: RedisActorSessionStore) -> Self {
        store.0
    }
}

impl IntoLayer for RedisActorSessionStore {
    fn into_layer(self, keyring: Keyring, content: CookieContentSecurity) -> SessionLayer {
        self.0.into_layer(keyring, content)
    }
}
