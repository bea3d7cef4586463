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
//! *Commands.* Nothing is sent for a request that does not ask for its session. Reading one is one `HGETALL`; every write
//! is one call of a small script on one key: compare and set. It stores what the request made of the record, if nobody else
//! has written meanwhile, and answers the record as it is, if somebody has; the request's changes are then applied to that,
//! in a call more. A request that writes again after it has saved loads once more. The owner of a session costs one command
//! more when it is set, now and then when the deadline moves, and one when the session is purged.
//!
//! *Keys.* `cloakroom:<id>` is a hash that a person can read with `HGETALL`. Its field `record` begins with a line of
//! columns, times in milliseconds since 1970 (18446744073709551615: never) and hashes of secrets in base64url. A state of
//! no more than 2 KiB follows, a line for each key, `4:cart=7:[1,2,3]`. The keys of a larger one are fields, behind `s:`, and
//! a write carries only those that it changes. `cloakroom:owner:<owner>` is a sorted set of ids. Both expire by themselves
//! (where a session never ends, or was to, its owner's set does not), a record 100 to 200 seconds after its deadline: until
//! then it is there, and opens nothing. So a write need not set the time again that Redis keeps the key, and the servers'
//! clocks may differ by 100 seconds.
//!
//! *When Redis stops.* A call ends within the time-outs, 1 s for a connection and 1 s for a reply, with an error: the client
//! sees a 503, and a request that does not use its session sees nothing. The next connection is tried at once, then with
//! pauses of at most half a second. What was on its way in a connection that broke is sent again, once (in a cluster, until
//! it finds its node), but for the revocation of a session. The record says whether a write was done before; where others
//! wrote after it, nobody can say, and it is an error, unless it was a mere touch that still holds.
//!
//! *Rights.* An ACL user needs no more than `~cloakroom:* +ping +eval +evalsha +hget +hgetall +hset +hdel +del +exists
//! +pexpire +persist +zadd +zrange +zrangebyscore +zrem +zrevrange`, in a cluster `+cluster|slots` and `+asking`, and behind
//! Sentinel `+role`.
//!
//! *Eviction.* A session that Redis evicted is no session, and its user logs in again. `maxmemory-policy noeviction` makes
//! a full Redis an error instead.

use std::{fmt, sync::Arc, time::Duration};

use ::redis::aio::ConnectionLike;

use crate::{SessionId, StoreError};

mod address;
mod builder;
#[cfg(feature = "redis-cluster")]
mod cluster;
mod columns;
mod damaged;
mod error;
mod failure;
mod line;
mod link;
mod names;
mod own;
mod owners;
#[cfg(feature = "redis-pool")]
mod pooled;
mod record;
mod script;
#[cfg(feature = "redis-sentinel")]
mod sentinel;
mod store;
mod target;
mod turns;

pub use self::{builder::RedisStoreBuilder, error::ConnectError};
use self::{
    line::Timeouts,
    link::{Link, Way},
    names::Names,
    own::{Own, Sender},
};

/// Keeps sessions in Redis. Clones share one connection, or one to each master of a cluster.
#[derive(Clone)]
pub struct RedisStore {
    link: Arc<Link>,
    names: Names,
}

impl RedisStore {
    /// Connects to one server, with the defaults of [`RedisStoreBuilder`].
    ///
    /// The URL is `redis://user:password@host:port/database`, `rediss://..` for TLS (feature `redis-rustls` or
    /// `redis-native-tls`), `unix:/path?db=..&user=..&pass=..`, or a plain `host:port`. With `?protocol=resp2` it speaks the
    /// older protocol, for proxies that know no other.
    ///
    /// # Errors
    ///
    /// A URL that cannot be read, and a server that cannot be reached, or refuses us, within the time-outs.
    pub async fn connect(url: impl Into<String>) -> Result<Self, ConnectError> {
        Self::builder(url).connect().await
    }

    /// Like [`RedisStore::connect`], but connects when it is used first: the server may be down when the application
    /// starts.
    ///
    /// The connection belongs to the runtime that uses it first. Made inside Actix Web's factory closure, every worker
    /// has a connection of its own.
    ///
    /// # Errors
    ///
    /// A URL that cannot be read.
    pub fn lazy(url: impl Into<String>) -> Result<Self, ConnectError> {
        Self::builder(url).lazy()
    }

    /// Starts from the defaults, for one server. For the URL see [`RedisStore::connect`].
    pub fn builder(url: impl Into<String>) -> RedisStoreBuilder {
        RedisStoreBuilder::server(url.into())
    }

    /// Starts from the defaults, for the master that these sentinels call `master`. The URLs are the sentinels'; for the
    /// master there are [`RedisStoreBuilder::username`] and its like, and TLS where the first URL has it.
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

    /// Starts from the defaults, for a cluster. One node's URL is enough where that node is up; name a few. The first
    /// URL's user, password and TLS are used for all nodes.
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

    /// Takes a connection of your own. It connects again, where it can, by its own rules.
    ///
    /// A reply is waited for for 1 s. A connection must not send commands again by itself: where others write the session in
    /// between, an update may count twice, or one of theirs is lost.
    #[must_use]
    pub fn from_connection<C>(connection: C) -> Self
    where
        C: ConnectionLike + Clone + Send + Sync + 'static,
    {
        Self::over(connection)
    }

    /// Takes a pool of your own, by whose rules connections are made, checked and limited.
    ///
    /// A reply, and the connection that it takes, are waited for for 1 s. One connection carries any number of requests at once:
    /// [`RedisStore::connect`] needs no pool.
    #[cfg(feature = "redis-pool")]
    #[cfg_attr(docsrs, doc(cfg(feature = "redis-pool")))]
    #[must_use]
    pub fn from_pool(pool: impl Into<deadpool_redis::Pool>) -> Self {
        Self::over(pooled::Pooled(pool.into()))
    }

    fn over(sender: impl Sender + 'static) -> Self {
        let timeouts = Timeouts::default();
        let way = Way::Own(Own::new(sender, timeouts.response));
        Self { link: Arc::new(Link::new(way, timeouts)), names: Names::default() }
    }

    /// The same store under another prefix: see [`RedisStoreBuilder::prefix`].
    #[must_use]
    pub fn prefix(self, prefix: impl Into<String>) -> Self {
        Self { names: Names::prefix(prefix), ..self }
    }

    /// The same store with other names of keys: see [`RedisStoreBuilder::key_names`].
    #[must_use]
    pub fn key_names(self, make: impl Fn(&str) -> String + Send + Sync + 'static) -> Self {
        Self { names: Names::made(make), ..self }
    }

    /// Asks Redis for a sign of life, for health checks: one `PING`, to every master in a cluster.
    ///
    /// # Errors
    ///
    /// None came within the time-outs.
    pub async fn ping(&self) -> Result<(), StoreError> {
        Ok(self.link.ping().await?)
    }

    fn key(&self, id: &SessionId) -> Vec<u8> {
        self.names.name(format_args!("{id}"))
    }

    /// An id has no colon, so no record is ever found under this key.
    fn owner_key(&self, owner: &str) -> Vec<u8> {
        self.names.name(format_args!("owner:{owner}"))
    }
}

impl Default for Timeouts {
    fn default() -> Self {
        Self { connection: Duration::from_secs(1), response: Duration::from_secs(1) }
    }
}

impl fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStore").field("link", &self.link).field("names", &self.names).finish()
    }
}
