//! Sessions in Redis 6.2 or later: one server, Sentinel, Cluster, with or without TLS.
//!
//! ```no_run
//! use cloakroom::{SessionLayer, redis::RedisStore};
//!
//! # async fn run() -> Result<(), cloakroom::redis::ConnectError> {
//! let store = RedisStore::connect("redis://127.0.0.1:6379").await?;
//! let layer = SessionLayer::new(store);
//! # Ok(()) }
//! ```
//!
//! # Commands
//!
//! Each command works on one key, so the store runs in a cluster.
//!
//! | call | commands |
//! |---|---|
//! | a request that does not use its session | none |
//! | load | `GET` |
//! | create | `SET .. NX PX` |
//! | replace | `SET .. IFEQ`, or one script |
//! | delete | `SET key "" PX .. GET`, or one script |
//! | a session with an owner | one more script when the owner changes, and sometimes when the deadline moves; `ZREM` after a delete |
//! | the sessions of an owner | `ZRANGE`, and a `GETRANGE` for each |
//!
//! *Replace* is compare-and-set. Valkey 8.1 and Redis 8.4 can do it themselves: `SET .. IFEQ` costs the server a third
//! of the script's time. The first write of each new connection tries it. The script compares 16 bytes, the record's
//! nonce. The store uses the script for other servers, for records beyond 16 KiB, in clusters, and over connections and
//! pools of the application. The script carries the whole record. If only the deadline moved, it carries the first line
//! or two.
//!
//! # Keys
//!
//! `cloakroom:<id>` is a readable string:
//!
//! ```text
//! $ redis-cli --raw GET cloakroom:Kq3vZ1cB0mZ5bQyE8Yw1Tg
//! cloakroom=1 nonce=5f0c6e1c9e02a7d4 expires=001767312000000 used=001767225600000 created=001767225600000 secret=..
//! owner=5:alice
//!
//! 4:cart=7:[1,2,3]
//! ```
//!
//! Times are milliseconds since 1970. The secret is a hash, so the data in Redis cannot be used to log in. The key has
//! a TTL: it is kept for 10 minutes after the session's deadline, so that a request that began in time may write until
//! it ends. It opens nothing in these 10 minutes.
//!
//! A deleted session leaves a *tombstone*, an empty string, for 10 minutes. A command that arrives late cannot bring
//! the session back.
//!
//! `cloakroom:owner:<owner>` is a sorted set of session ids. It has a TTL, unless one of its sessions never ends.
//!
//! A key that holds another value, or a damaged record, is reported as [undecodable](StoreError::is_undecodable). So
//! are the hashes of versions before 0.1.
//!
//! # Failures
//!
//! A load, create, replace or delete ends within the time-outs, 1 s for a connection and 1 s for a reply. The next
//! connection is tried at once, then with pauses of at most half a second. A read whose reply is lost or late is sent
//! once more, on a new connection. A write is sent once more only if the server refused it: a replica that was a
//! master, a node of a cluster that no longer has the key, a script that the server does not know. If the reply to a
//! write is lost, the store reports that, and the request loads the record to find out the outcome.
//!
//! # Rights
//!
//! An ACL user needs `~cloakroom:* +ping +get +getrange +set +setrange +strlen +del +pexpire +persist +eval +evalsha
//! +zadd +zrange +zrangebyscore +zrevrange +zrem`, in a cluster also `+cluster|slots` and `+asking`, and behind
//! Sentinel also `+role`. With `+info` the store can warn of eviction.
//!
//! # Passwords that expire
//!
//! A password in the URL is the same for every connection. After it has expired, no new connection can log in, and
//! requests that use their session are answered 503. For tokens (AWS IAM, Microsoft Entra ID) and for passwords that
//! are rotated, use [`RedisStoreBuilder::credentials`]. It takes a function that each new connection asks for its user
//! and password. It works for one server, Sentinel and Cluster:
//!
//! ```no_run
//! use cloakroom::redis::{RedisCredentials, RedisStore};
//!
//! # async fn token() -> Result<String, std::io::Error> { Ok(String::new()) }
//! # async fn run() -> Result<(), cloakroom::redis::ConnectError> {
//! let store = RedisStore::builder("redis://10.0.0.1:6379")
//!     .credentials(|| async { Ok(RedisCredentials::new("sessions", token().await?)) })
//!     .connect()
//!     .await?;
//! # Ok(()) }
//! ```
//!
//! # Eviction
//!
//! Set `maxmemory-policy noeviction`: a full Redis then refuses writes, and logging out still works. With another
//! policy it drops sessions, whose users log in again. It also drops the indexes of owners whose sessions still exist,
//! and then "log out everywhere" misses sessions. The first connection to each server logs a warning if the policy is
//! another one.

use std::{fmt, sync::Arc};

use ::redis::aio::ConnectionLike;

use crate::StoreError;

mod address;
mod attempts;
mod builder;
#[cfg(feature = "formats")]
mod bytes;
#[cfg(feature = "redis-cluster")]
mod cluster;
mod connection;
mod credentials;
mod error;
mod eviction;
mod failure;
mod keys;
mod limits;
mod owners;
mod place;
#[cfg(feature = "redis-pool")]
mod pooled;
mod provided;
mod replace;
mod scan;
mod script;
#[cfg(feature = "redis-sentinel")]
mod sentinel;
mod server;
mod store;
mod target;
mod unreadable;

#[cfg(feature = "formats")]
pub use self::bytes::RedisBytes;
pub use self::{builder::RedisStoreBuilder, credentials::RedisCredentials, error::ConnectError};
use self::{
    connection::{Connection, Route},
    keys::Keys,
    limits::Timeouts,
    provided::{ProvidedConnection, Sender},
};

/// Keeps sessions in Redis. Clones share one connection, or one to each master of a cluster.
#[derive(Clone)]
pub struct RedisStore {
    connection: Arc<Connection>,
    keys: Keys,
}

impl RedisStore {
    /// Connects to one server, with the defaults of [`RedisStoreBuilder`].
    ///
    /// The URL is `redis://user:password@host:port/database`, `rediss://..` for TLS (feature `redis-rustls` or
    /// `redis-native-tls`), `unix:/path?db=..&user=..&pass=..`, or a plain `host:port`. With `?protocol=resp2` it uses
    /// the older protocol, for proxies that do not know RESP3.
    ///
    /// # Errors
    ///
    /// The URL cannot be read. The server cannot be reached within the time-outs, or refuses the login.
    pub async fn connect(url: impl Into<String>) -> Result<Self, ConnectError> {
        Self::builder(url).connect().await
    }

    /// Makes a store for one server. It connects when it is first used, so the server may be down when the application
    /// starts.
    ///
    /// The connection belongs to the runtime that first uses it. Make the store inside Actix Web's factory closure to give
    /// each worker its own connection.
    ///
    /// # Errors
    ///
    /// The URL cannot be read.
    pub fn lazy(url: impl Into<String>) -> Result<Self, ConnectError> {
        Self::builder(url).lazy()
    }

    /// Returns a builder with the defaults, for one server. For the URL see [`RedisStore::connect`].
    pub fn builder(url: impl Into<String>) -> RedisStoreBuilder {
        RedisStoreBuilder::server(url.into())
    }

    /// Returns a builder with the defaults, for the master that these sentinels call `master`. The URLs, their users
    /// and passwords are the sentinels'. Use [`RedisStoreBuilder::username`] and [`RedisStoreBuilder::password`], or
    /// [`RedisStoreBuilder::credentials`], for the master. The master has TLS if the first URL has.
    ///
    /// ```no_run
    /// # use cloakroom::redis::{ConnectError, RedisStore};
    /// # async fn run() -> Result<(), ConnectError> {
    /// let store = RedisStore::sentinel("mymaster", ["10.0.0.1:26379", "10.0.0.2:26379", "10.0.0.3:26379"])
    ///     .password("the master's")
    ///     .connect()
    ///     .await?;
    /// # Ok(()) }
    /// ```
    #[cfg(feature = "redis-sentinel")]
    #[cfg_attr(docsrs, doc(cfg(feature = "redis-sentinel")))]
    pub fn sentinel(
        master: impl Into<String>,
        sentinels: impl IntoIterator<Item = impl Into<String>>,
    ) -> RedisStoreBuilder {
        RedisStoreBuilder::sentinel(master.into(), sentinels.into_iter().map(Into::into).collect())
    }

    /// Returns a builder with the defaults, for a cluster. One node's URL is enough while that node is up, so name a
    /// few. The first URL's user, password and TLS are used for all nodes.
    ///
    /// ```no_run
    /// # use cloakroom::redis::{ConnectError, RedisStore};
    /// # async fn run() -> Result<(), ConnectError> {
    /// let store = RedisStore::cluster(["redis://10.0.0.1:6379", "redis://10.0.0.2:6379", "redis://10.0.0.3:6379"])
    ///     .connect()
    ///     .await?;
    /// # Ok(()) }
    /// ```
    #[cfg(feature = "redis-cluster")]
    #[cfg_attr(docsrs, doc(cfg(feature = "redis-cluster")))]
    pub fn cluster(nodes: impl IntoIterator<Item = impl Into<String>>) -> RedisStoreBuilder {
        RedisStoreBuilder::cluster(nodes.into_iter().map(Into::into).collect())
    }

    /// Makes a store that uses the application's connection, which reconnects by its own rules.
    ///
    /// Waits at most 1 s for a reply. Replaces records by the script, never by `SET .. IFEQ`. Does not check the
    /// eviction policy.
    #[must_use]
    pub fn from_connection<C>(connection: C) -> Self
    where
        C: ConnectionLike + Clone + Send + Sync + 'static,
    {
        Self::over(connection)
    }

    /// Makes a store that uses the application's pool, which makes, checks and limits connections by its own rules.
    ///
    /// Waits at most 1 s for a connection and the reply together. Replaces records by the script, never by `SET ..
    /// IFEQ`. Does not check the eviction policy. [`RedisStore::connect`] needs no pool: one connection carries any
    /// number of requests at once.
    #[cfg(feature = "redis-pool")]
    #[cfg_attr(docsrs, doc(cfg(feature = "redis-pool")))]
    #[must_use]
    pub fn from_pool(pool: impl Into<deadpool_redis::Pool>) -> Self {
        Self::over(pooled::Pooled(pool.into()))
    }

    fn over(sender: impl Sender + 'static) -> Self {
        let timeouts = Timeouts::default();
        let route = Route::Provided(ProvidedConnection::new(sender, timeouts.response));
        Self { connection: Arc::new(Connection::new(route, timeouts)), keys: Keys::default() }
    }

    /// Returns the same store under another prefix: see [`RedisStoreBuilder::prefix`].
    #[must_use]
    pub fn prefix(self, prefix: impl Into<String>) -> Self {
        Self { keys: Keys::prefix(prefix), ..self }
    }

    /// Returns the same store with other names of keys: see [`RedisStoreBuilder::key_names`].
    #[must_use]
    pub fn key_names(self, make: impl Fn(&str) -> String + Send + Sync + 'static) -> Self {
        Self { keys: Keys::named(make), ..self }
    }

    /// Sends one `PING`, in a cluster to every master. It is meant for health checks.
    ///
    /// # Errors
    ///
    /// A server did not answer within the time-outs, or refused it.
    pub async fn ping(&self) -> Result<(), StoreError> {
        Ok(self.connection.ping().await?)
    }
}

impl fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStore").field("connection", &self.connection).field("keys", &self.keys).finish()
    }
}
