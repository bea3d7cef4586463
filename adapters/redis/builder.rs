//! The options of a Redis store, and their defaults.

use std::{error::Error, fmt, sync::Arc, time::Duration};

use super::{
    RedisStore,
    address::Login,
    connection::Connection,
    credentials::{CredentialsSource, RedisCredentials},
    error::ConnectError,
    keys::Keys,
    limits::Timeouts,
    place::Place,
};

/// Builds a [`RedisStore`].
///
/// | option | default |
/// |---|---|
/// | [`prefix`](Self::prefix), [`key_names`](Self::key_names) | `cloakroom:` |
/// | [`connection_timeout`](Self::connection_timeout) | 1 s |
/// | [`response_timeout`](Self::response_timeout) | 1 s |
/// | [`tcp_keepalive`](Self::tcp_keepalive) | 30 s |
/// | [`username`](Self::username), [`password`](Self::password), [`database`](Self::database) | those of the URL |
/// | [`credentials`](Self::credentials) | the user and the password above |
#[derive(Clone)]
#[must_use]
pub struct RedisStoreBuilder {
    place: Place,
    keys: Keys,
    timeouts: Timeouts,
    login: Login,
}

impl RedisStoreBuilder {
    pub(super) fn server(url: String) -> Self {
        Self::new(Place::Server(url))
    }

    #[cfg(feature = "redis-sentinel")]
    pub(super) fn sentinel(master: String, sentinels: Vec<String>) -> Self {
        Self::new(Place::Sentinel { master, sentinels })
    }

    #[cfg(feature = "redis-cluster")]
    pub(super) fn cluster(nodes: Vec<String>) -> Self {
        Self::new(Place::Cluster(nodes))
    }

    fn new(place: Place) -> Self {
        Self { place, keys: Keys::default(), timeouts: Timeouts::default(), login: Login::default() }
    }

    /// Sets the beginning of all keys' names. Default: `cloakroom:`.
    ///
    /// Applications that share a server and must not share sessions need different prefixes.
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.keys = Keys::prefix(prefix);
        self
    }

    /// Sets a function that makes each key's name, from the session's public id, or from `owner:` and the owner. Default: the
    /// prefix and that text.
    ///
    /// `make` must be deterministic and injective.
    pub fn key_names(mut self, make: impl Fn(&str) -> String + Send + Sync + 'static) -> Self {
        self.keys = Keys::named(make);
        self
    }

    /// Limits the time to connect. Default: 1 s.
    ///
    /// A load, create, replace or delete ends within both time-outs together.
    pub fn connection_timeout(mut self, limit: Duration) -> Self {
        self.timeouts = self.timeouts.connection(limit);
        self
    }

    /// Limits the wait for a reply. Default: 1 s.
    ///
    /// If the reply to a read does not come, the store sends the read once more, on a new connection, if the call has time
    /// left. It does not send a write again: the request looks at the session instead.
    pub fn response_timeout(mut self, limit: Duration) -> Self {
        self.timeouts = self.timeouts.response(limit);
        self
    }

    /// Sets the time without traffic after which TCP probes the other end. `None`: never. Default: 30 s.
    ///
    /// Firewalls and load balancers drop idle connections: AWS after 350 s, Azure after 240 s. Often neither end is told.
    pub fn tcp_keepalive(mut self, idle: impl Into<Option<Duration>>) -> Self {
        self.login.keepalive = idle.into();
        self
    }

    /// Sets the ACL user. Default: the URL's. Behind Sentinel, the URLs are the sentinels', and the default is none.
    pub fn username(mut self, name: impl Into<String>) -> Self {
        self.login.username = Some(name.into());
        self
    }

    /// Sets the password. Default: the URL's. Behind Sentinel, the URLs are the sentinels', and the default is none.
    pub fn password(mut self, password: impl Into<String>) -> Self {
        self.login.password = Some(password.into());
        self
    }

    /// Sets a function that gives the user and the password of each new connection. Default: none, every connection has
    /// the same.
    ///
    /// It is for passwords that expire: tokens of AWS IAM or Microsoft Entra ID, and secrets that are rotated. With a
    /// fixed password that has expired, no new connection can log in, so every request that uses its session is
    /// answered 503.
    ///
    /// There is an example in the [module's documentation](crate::redis#passwords-that-expire).
    ///
    /// `source` is called once for each attempt to connect. Requests wait for it, within the
    /// [`connection_timeout`](Self::connection_timeout). So if a token comes from another service, keep it until
    /// shortly before it expires. In a cluster, each node's connection calls `source` for itself, several at the same
    /// time. Behind Sentinel, the credentials are the master's. Those of the sentinels are in their URLs.
    ///
    /// A connection logs in once. It lasts until it breaks, or until the server closes it, as Azure does when the token
    /// expires. The next connection logs in with new credentials from `source`.
    ///
    /// If `source` fails or takes too long, the call of the store fails. `source` is called again for a later call,
    /// after a pause of at most half a second. Its error is logged, so its text must not show a secret. Its future may
    /// be dropped before it is done, for example when the request that waits for it is dropped.
    ///
    /// A store with `credentials` and with a user or a password is refused, as [`ConnectError::is_misconfigured`].
    pub fn credentials<F>(mut self, source: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<RedisCredentials, Box<dyn Error + Send + Sync>>> + Send + 'static,
    {
        self.login.credentials = Some(CredentialsSource::new(source));
        self
    }

    /// Sets the number of the database. Default: the URL's, or 0. A cluster has only database 0.
    pub fn database(mut self, number: u32) -> Self {
        self.login.database = Some(number.into());
        self
    }

    /// Sets the authorities that may have signed a server's certificate, as certificates in PEM. Default: the system's.
    #[cfg(any(feature = "redis-rustls", feature = "redis-native-tls"))]
    #[cfg_attr(docsrs, doc(cfg(any(feature = "redis-rustls", feature = "redis-native-tls"))))]
    pub fn root_certificates(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.login.certificates.roots = Some(pem.into());
        self
    }

    /// Sets the client certificate and its key, both in PEM. Servers may ask for one. Default: none.
    #[cfg(any(feature = "redis-rustls", feature = "redis-native-tls"))]
    #[cfg_attr(docsrs, doc(cfg(any(feature = "redis-rustls", feature = "redis-native-tls"))))]
    pub fn client_certificate(mut self, certificate: impl Into<Vec<u8>>, key: impl Into<Vec<u8>>) -> Self {
        let (client_cert, client_key) = (certificate.into(), key.into());
        self.login.certificates.client = Some(::redis::ClientTlsConfig { client_cert, client_key });
        self
    }

    /// Makes the store, and connects.
    ///
    /// # Errors
    ///
    /// The errors of [`RedisStoreBuilder::lazy`]. Redis cannot be reached within the time-outs
    /// ([`ConnectError::is_unreachable`]), or refuses the login ([`ConnectError::is_refused`]).
    pub async fn connect(self) -> Result<RedisStore, ConnectError> {
        let store = self.lazy()?;
        store.connection.ping().await.map_err(ConnectError::first)?;
        Ok(store)
    }

    /// Makes the store. It connects when it is first used.
    ///
    /// # Errors
    ///
    /// An address or a certificate cannot be read, or an address needs a feature that is not enabled.
    /// [`credentials`](Self::credentials) is set, and so is a user or a password.
    pub fn lazy(self) -> Result<RedisStore, ConnectError> {
        let Self { place, keys, timeouts, login } = self;
        let route = place.route(&login, timeouts)?;
        Ok(RedisStore { connection: Arc::new(Connection::new(route, timeouts)), keys })
    }
}

/// Shows no password.
impl fmt::Debug for RedisStoreBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStoreBuilder")
            .field("keys", &self.keys)
            .field("timeouts", &self.timeouts)
            .finish_non_exhaustive()
    }
}
