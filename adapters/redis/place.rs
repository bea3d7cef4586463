//! The servers that a builder was told of.

use ::redis::ConnectionInfo;

#[cfg(feature = "redis-cluster")]
use super::cluster::Cluster;
#[cfg(feature = "redis-sentinel")]
use super::sentinel::Sentinels;
use super::{
    address::{Login, client},
    connection::Route,
    error::ConnectError,
    limits::Timeouts,
    server::ServerConnection,
    target::Target,
};

/// The servers that a builder was told of, by their URLs.
#[derive(Clone)]
pub(super) enum Place {
    Server(String),
    #[cfg(feature = "redis-sentinel")]
    Sentinel {
        master: String,
        sentinels: Vec<String>,
    },
    #[cfg(feature = "redis-cluster")]
    Cluster(Vec<String>),
}

impl Place {
    /// Returns the way to the servers. It connects to none.
    pub(super) fn route(self, login: &Login, timeouts: Timeouts) -> Result<Route, ConnectError> {
        let Login { certificates, credentials, .. } = login;
        let target = match self {
            Self::Server(url) => {
                Target::Server(client(read(&url, login)?, certificates).map_err(ConnectError::misconfigured)?)
            }
            #[cfg(feature = "redis-sentinel")]
            Self::Sentinel { master, sentinels } => Target::Master(find(master, &sentinels, login)?),
            #[cfg(feature = "redis-cluster")]
            Self::Cluster(nodes) => {
                let seeds = nodes.iter().map(|url| read(url, login)).collect::<Result<Vec<_>, _>>()?;
                let cluster = Cluster::new(seeds, certificates.clone(), credentials.clone(), timeouts);
                return Ok(Route::Cluster(Box::new(cluster.map_err(ConnectError::misconfigured)?)));
            }
        };
        Ok(Route::Server(Box::new(ServerConnection::new(target, credentials.clone(), timeouts))))
    }
}

fn parse(url: &str, login: &Login) -> Result<ConnectionInfo, ConnectError> {
    #[cfg(not(any(feature = "redis-rustls", feature = "redis-native-tls")))]
    if url.starts_with("rediss:") || url.starts_with("valkeys:") {
        return Err(ConnectError::no_tls());
    }
    login.parse(url).map_err(ConnectError::misconfigured)
}

fn read(url: &str, login: &Login) -> Result<ConnectionInfo, ConnectError> {
    let info = parse(url, login)?;
    let settings = login.over(info.redis_settings())?;
    Ok(info.set_redis_settings(settings))
}

#[cfg(feature = "redis-sentinel")]
fn find(master: String, urls: &[String], login: &Login) -> Result<Sentinels, ConnectError> {
    let infos = urls.iter().map(|url| parse(url, login)).collect::<Result<Vec<_>, _>>()?;
    let Some(first) = infos.first().cloned() else {
        let none = (::redis::ErrorKind::EmptySentinelList, "there are no sentinels");
        return Err(ConnectError::misconfigured(none.into()));
    };
    // The users and passwords in the URLs are the sentinels', not the master's.
    let plain = ::redis::RedisConnectionInfo::default().set_skip_set_lib_name();
    let settings = login.over(&plain.set_protocol(first.redis_settings().protocol()))?;
    let clients = infos.into_iter().map(|info| client(info, &login.certificates)).collect::<Result<_, _>>();
    let clients = clients.map_err(ConnectError::misconfigured)?;
    let certificates = login.certificates.clone();
    let login = first.set_redis_settings(settings);
    Ok(Sentinels { master, clients, login, certificates })
}
