//! Addresses, and clients of the redis crate for them.

use std::time::Duration;

use ::redis::{
    Client, ConnectionAddr, ConnectionInfo, IntoConnectionInfo as _, ProtocolVersion, RedisConnectionInfo, RedisError,
    io::tcp::{TcpSettings, socket2::TcpKeepalive},
};

use super::{credentials::CredentialsSource, error::ConnectError};

/// The settings that all connections of a store share.
#[derive(Clone)]
pub(super) struct Login {
    /// The time without traffic after which TCP begins to probe the other end.
    pub(super) keepalive: Option<Duration>,
    pub(super) username: Option<String>,
    pub(super) password: Option<String>,
    /// The function that gives the user and the password of each connection.
    pub(super) credentials: Option<CredentialsSource>,
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
pub(super) struct Certificates {}

impl Default for Login {
    fn default() -> Self {
        let (username, password, credentials, database) = (None, None, None, None);
        let (keepalive, certificates) = (Some(Duration::from_secs(30)), Certificates::default());
        Self { keepalive, username, password, credentials, database, certificates }
    }
}

impl Login {
    /// Reads `redis://`, `rediss://`, `unix:` and a plain `host:port`.
    pub(super) fn parse(&self, url: &str) -> Result<ConnectionInfo, RedisError> {
        let has_scheme = url.contains("://") || url.starts_with("unix:");
        let url = if has_scheme { url.to_owned() } else { format!("redis://{url}") };
        let info = url.as_str().into_connection_info()?;
        let mut settings = info.redis_settings().clone().set_skip_set_lib_name();
        if !url.contains("protocol=") {
            settings = settings.set_protocol(ProtocolVersion::RESP3);
        }
        let mut tcp = TcpSettings::default().set_nodelay(true);
        if let Some(idle) = self.keepalive {
            tcp = tcp.set_keepalive(keepalive(idle));
        }
        Ok(info.set_redis_settings(settings).set_tcp_settings(tcp))
    }

    /// Applies the builder's options to the settings of a URL.
    ///
    /// # Errors
    ///
    /// A source of credentials is set, and so is a user or a password.
    pub(super) fn over(&self, settings: &RedisConnectionInfo) -> Result<RedisConnectionInfo, ConnectError> {
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
        if self.credentials.is_some() && (settings.username().is_some() || settings.password().is_some()) {
            return Err(ConnectError::two_logins());
        }
        Ok(settings)
    }
}

/// Sends the first probe after `idle`, and later ones after a third of it.
fn keepalive(idle: Duration) -> TcpKeepalive {
    let keepalive = TcpKeepalive::new().with_time(idle);
    #[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple", target_os = "freebsd", windows))]
    let keepalive = keepalive.with_interval((idle / 3).max(Duration::from_secs(1)));
    keepalive
}

/// Returns a client for a server.
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
        // The redis crate takes the process's provider, and rustls panics if there is none, or more than one to choose from.
        // The provider of an application that installed its own stays.
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

/// Returns the same settings for another address, which a cluster or a sentinel named.
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

/// Splits `host:port`. The host may be an IPv6 address.
#[cfg(feature = "redis-cluster")]
pub(super) fn split(address: &str) -> Option<(&str, u16)> {
    let (host, port) = address.rsplit_once(':')?;
    Some((host.trim_start_matches('[').trim_end_matches(']'), port.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_are_kept_alive_unless_told_otherwise() {
        let keeps = |login: &Login, url| login.parse(url).unwrap().tcp_settings().keepalive().is_some();
        let never = Login { keepalive: None, ..Login::default() };
        for url in ["redis://h:1", "rediss://h", "h:1"] {
            if url.starts_with("rediss") && !cfg!(any(feature = "redis-rustls", feature = "redis-native-tls")) {
                continue;
            }
            assert!(keeps(&Login::default(), url) && !keeps(&never, url), "{url}");
        }
    }
}
