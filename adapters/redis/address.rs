//! From addresses to clients of the redis crate.

use ::redis::{
    Client, ConnectionAddr, ConnectionInfo, IntoConnectionInfo as _, ProtocolVersion, RedisConnectionInfo, RedisError,
    io::tcp::TcpSettings,
};

/// What all connections of a store have in common.
#[derive(Clone, Default)]
pub(super) struct Login {
    pub(super) username: Option<String>,
    pub(super) password: Option<String>,
    pub(super) database: Option<i64>,
    pub(super) certificates: Certificates,
}

#[cfg(any(feature = "redis-rustls", feature = "redis-native-tls"))]
#[derive(Clone, Debug, Default)]
pub(super) struct Certificates {
    pub(super) roots: Option<Vec<u8>>,
    pub(super) client: Option<::redis::ClientTlsConfig>,
}

#[cfg(not(any(feature = "redis-rustls", feature = "redis-native-tls")))]
#[derive(Clone, Debug, Default)]
pub(super) struct Certificates;

impl Login {
    /// What a URL does not say is added.
    pub(super) fn over(&self, settings: &RedisConnectionInfo) -> RedisConnectionInfo {
        let mut settings = settings.clone();
        if let Some(username) = &self.username {
            settings = settings.set_username(username);
        }
        if let Some(password) = &self.password {
            settings = settings.set_password(password);
        }
        if let Some(database) = self.database {
            settings = settings.set_db(database);
        }
        settings
    }
}

/// Reads `redis://`, `rediss://`, `unix:` and a plain `host:port`.
pub(super) fn parse(url: &str) -> Result<ConnectionInfo, RedisError> {
    let has_scheme = url.contains("://") || url.starts_with("unix:");
    let url = if has_scheme { url.to_owned() } else { format!("redis://{url}") };
    let info = url.as_str().into_connection_info()?;
    let mut settings = info.redis_settings().clone().set_skip_set_lib_name();
    if !url.contains("protocol=") {
        settings = settings.set_protocol(ProtocolVersion::RESP3);
    }
    let tcp = TcpSettings::default().set_nodelay(true);
    Ok(info.set_redis_settings(settings).set_tcp_settings(tcp))
}

/// A client for a server whose address was read.
pub(super) fn client(info: ConnectionInfo, certificates: &Certificates) -> Result<Client, RedisError> {
    if !matches!(info.addr(), ConnectionAddr::TcpTls { .. }) {
        return Client::open(info);
    }
    encrypted(info, certificates)
}

#[cfg(any(feature = "redis-rustls", feature = "redis-native-tls"))]
fn encrypted(info: ConnectionInfo, certificates: &Certificates) -> Result<Client, RedisError> {
    #[cfg(feature = "redis-rustls")]
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // The redis crate takes the process's provider, and rustls panics where there is none or more than one to choose
        // from. An application that installed its own keeps it; whoever loses this race lost it to another provider.
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
    let Certificates { roots, client } = certificates;
    if roots.is_none() && client.is_none() {
        return Client::open(info);
    }
    let certificates = ::redis::TlsCertificates { client_tls: client.clone(), root_cert: roots.clone() };
    Client::build_with_tls(info, certificates)
}

#[cfg(not(any(feature = "redis-rustls", feature = "redis-native-tls")))]
fn encrypted(info: ConnectionInfo, _: &Certificates) -> Result<Client, RedisError> {
    Client::open(info)
}

/// The same server software at another address: a node that a cluster or a sentinel named.
#[cfg(any(feature = "redis-cluster", feature = "redis-sentinel"))]
pub(super) fn elsewhere(model: &ConnectionInfo, host: &str, port: u16) -> ConnectionInfo {
    let host = host.to_owned();
    let addr = match model.addr() {
        ConnectionAddr::TcpTls { insecure, .. } => {
            ConnectionAddr::TcpTls { host, port, insecure: *insecure, tls_params: None }
        }
        _ => ConnectionAddr::Tcp(host, port),
    };
    model.clone().set_addr(addr)
}

/// `host:port`, also where the host is an IPv6 address.
#[cfg(feature = "redis-cluster")]
pub(super) fn split(address: &str) -> Option<(&str, u16)> {
    let (host, port) = address.rsplit_once(':')?;
    Some((host.trim_start_matches('[').trim_end_matches(']'), port.parse().ok()?))
}
