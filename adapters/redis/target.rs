//! The server that a connection leads to.

use std::fmt;

use ::redis::{AsyncConnectionConfig, Client, ProtocolVersion, RedisError, aio::MultiplexedConnection};

use super::credentials::RedisCredentials;
#[cfg(feature = "redis-sentinel")]
use super::sentinel::Sentinels;

/// The server that a connection leads to.
pub(super) enum Target {
    /// This server.
    Server(Client),
    /// The master that the sentinels name.
    #[cfg(feature = "redis-sentinel")]
    Master(Sentinels),
}

impl Target {
    /// Connects and logs in. Without `credentials`, the user and the password are those of the URL or the options.
    pub(super) async fn open(
        &self,
        config: &AsyncConnectionConfig,
        credentials: Option<&RedisCredentials>,
    ) -> Result<MultiplexedConnection, RedisError> {
        match (self, credentials) {
            (Self::Server(client), None) => client.get_multiplexed_async_connection_with_config(config).await,
            (Self::Server(client), Some(credentials)) => {
                // The certificates that were read stay in the address.
                let client = Client::open(credentials.log_in(client.get_connection_info().clone()))?;
                client.get_multiplexed_async_connection_with_config(config).await
            }
            #[cfg(feature = "redis-sentinel")]
            (Self::Master(sentinels), credentials) => sentinels.open(config, credentials).await,
        }
    }

    /// Returns true if the driver reports a closed connection even if no command waits. It does so only with RESP3.
    pub(super) fn has_pushes(&self) -> bool {
        let protocol = match self {
            Self::Server(client) => client.get_connection_info().redis_settings().protocol(),
            #[cfg(feature = "redis-sentinel")]
            Self::Master(sentinels) => sentinels.protocol(),
        };
        protocol != ProtocolVersion::RESP2
    }
}

/// Shows the addresses, but no password.
impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Server(client) => write!(f, "{}", client.get_connection_info().addr()),
            #[cfg(feature = "redis-sentinel")]
            Self::Master(sentinels) => sentinels.fmt(f),
        }
    }
}
