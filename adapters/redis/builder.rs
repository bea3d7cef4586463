//! The options of a Redis store, and their defaults.

use std::{fmt, sync::Arc, time::Duration};

use ::redis::{ConnectionInfo, RedisError};

use super::{
    RedisStore,
    address::{Login, client, parse},
    error::ConnectError,
    line::{Line, Timeouts},
    link::{Link, Way},
    names::Names,
    target::Target,
};

/// Makes a [`RedisStore`].
///
/// | option | default |
/// |---|---|
/// | [`prefix`](Self::prefix), [`key_names`](Self::key_names) | `cloakroom:` |
/// | [`connection_timeout`](Self::connection_timeout) | 1 s |
/// | [`response_timeout`](Self::response_timeout) | 1 s |
/// | [`username`](Self::username), [`password`](Self::password), [`database`](Self::database) | what the URL says |
#[derive(Clone)]
#[must_use]
pub struct RedisStoreBuilder {
    place: Place,
    names: Names,
    timeouts: Timeouts,
    login: Login,
}

#[derive(Clone)]
enum Place {
    Server(String),
    #[cfg(feature = "redis-sentinel")]
    Sentinel {
        master: String,
        sentinels: Vec<String>,
    },
    #[cfg(feature = "redis-cluster")]
    Cluster(Vec<String>),
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
        Self { place, names: Names::default(), timeouts: Timeouts::default(), login: Login::default() }
    }

    /// What the names of all keys begin with. Default: `cloakroom:`.
    ///
    /// Applications that share a server and must not share sessions need different ones.
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.names = Names::prefix(prefix);
        self
    }

    /// What each key is called: `make` gets the session's public id, or `owner:` and the owner. Default: behind the prefix.
    ///
    /// Different texts must get different names, the same always the same.
    pub fn key_names(mut self, make: impl Fn(&str) -> String + Send + Sync + 'static) -> Self {
        self.names = Names::made(make);
        self
    }

    /// How long to wait for a connection. Default: 1 s.
    ///
    /// A call of the store ends within both time-outs together, whatever happens.
    pub fn connection_timeout(mut self, limit: Duration) -> Self {
        self.timeouts.connection = limit;
        self
    }

    /// How long to wait for a reply. Default: 1 s.
    pub fn response_timeout(mut self, limit: Duration) -> Self {
        self.timeouts.response = limit;
        self
    }

    /// The ACL user to log in as. Default: the URL's; under Sentinel, where the URLs are the sentinels', none.
    pub fn username(mut self, name: impl Into<String>) -> Self {
        self.login.username = Some(name.into());
        self
    }

    /// The password to log in with. Default: the URL's; under Sentinel, where the URLs are the sentinels', none.
    pub fn password(mut self, password: impl Into<String>) -> Self {
        self.login.password = Some(password.into());
        self
    }

    /// The number of the database. Default: the URL's, or 0. A cluster has but one.
    pub fn database(mut self, number: u32) -> Self {
        self.login.database = Some(number.into());
        self
    }

    /// The certificates, in PEM, of the authorities that servers' certificates are checked against. Default: the system's.
    #[cfg(any(feature = "redis-rustls", feature = "redis-native-tls"))]
    #[cfg_attr(docsrs, doc(cfg(any(feature = "redis-rustls", feature = "redis-native-tls"))))]
    pub fn root_certificates(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.login.certificates.roots = Some(pem.into());
        self
    }

    /// The certificate, and its key, both in PEM, that this client shows to servers that ask for one. Default: none.
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
    /// What [`RedisStoreBuilder::lazy`] finds, and a Redis that cannot be reached, or refuses us, within the time-outs.
    pub async fn connect(self) -> Result<RedisStore, ConnectError> {
        let store = self.lazy()?;
        store.link.ping().await.map_err(ConnectError::unreachable)?;
        Ok(store)
    }

    /// Makes the store, and connects when it is used first.
    ///
    /// # Errors
    ///
    /// An address or a certificate that cannot be read, or an address that needs a feature which is not enabled.
    pub fn lazy(self) -> Result<RedisStore, ConnectError> {
        let Self { place, names, timeouts, login } = self;
        let way = way(place, &login, timeouts).map_err(ConnectError::misconfigured)?;
        Ok(RedisStore { link: Arc::new(Link::new(way, timeouts)), names })
    }
}

fn way(place: Place, login: &Login, timeouts: Timeouts) -> Result<Way, RedisError> {
    let read = |url: &str| -> Result<ConnectionInfo, RedisError> {
        let info = parse(url)?;
        let settings = login.over(info.redis_settings());
        Ok(info.set_redis_settings(settings))
    };
    let Login { certificates, .. } = login;
    let target = match place {
        Place::Server(url) => Target::Server(client(read(&url)?, certificates)?),
        #[cfg(feature = "redis-sentinel")]
        Place::Sentinel { master, sentinels } => sentinel(master, &sentinels, login)?,
        #[cfg(feature = "redis-cluster")]
        Place::Cluster(nodes) => {
            let seeds = nodes.iter().map(|url| read(url)).collect::<Result<Vec<_>, _>>()?;
            let cluster = super::cluster::Cluster::new(seeds, certificates.clone(), timeouts)?;
            return Ok(Way::Cluster(Box::new(cluster)));
        }
    };
    Ok(Way::Line(Box::new(Line::new(target, timeouts))))
}

#[cfg(feature = "redis-sentinel")]
fn sentinel(master: String, urls: &[String], login: &Login) -> Result<Target, RedisError> {
    let infos = urls.iter().map(|url| parse(url)).collect::<Result<Vec<_>, _>>()?;
    let Some(first) = infos.first().cloned() else {
        return Err((::redis::ErrorKind::EmptySentinelList, "there are no sentinels").into());
    };
    // The sentinels' own names and passwords are not the master's.
    let plain = ::redis::RedisConnectionInfo::default().set_skip_set_lib_name();
    let settings = login.over(&plain.set_protocol(first.redis_settings().protocol()));
    let clients = infos.into_iter().map(|info| client(info, &login.certificates)).collect::<Result<_, _>>()?;
    let certificates = login.certificates.clone();
    let login = first.set_redis_settings(settings);
    Ok(Target::Master(super::sentinel::Sentinels { master, clients, login, certificates }))
}

/// Shows no password.
impl fmt::Debug for RedisStoreBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStoreBuilder")
            .field("names", &self.names)
            .field("timeouts", &self.timeouts)
            .finish_non_exhaustive()
    }
}
