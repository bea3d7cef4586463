//! The server that a connection leads to.

use std::fmt;

use ::redis::{AsyncConnectionConfig, Client, ProtocolVersion, RedisError, aio::MultiplexedConnection};

#[cfg(feature = "redis-sentinel")]
use super::sentinel::Sentinels;

/// The server that a connection leads to.
pub(super) enum Target {
    /// Always this one.
    Server(Client),
    /// The master that the sentinels name.
    #[cfg(feature = "redis-sentinel")]
    Master(Sentinels),
}

impl Target {
    pub(super) async fn open(&self, config: &AsyncConnectionConfig) -> Result<MultiplexedConnection, RedisError> {
        match self {
            Self::Server(client) => client.get_multiplexed_async_connection_with_config(config).await,
            #[cfg(feature = "redis-sentinel")]
            Self::Master(sentinels) => sentinels.open(config).await,
        }
    }

    /// Returns whether the protocol can tell that a connection is closed while no command waits.
    pub(super) fn has_pushes(&self) -> bool {
        let protocol = match self {
            Self::Server(client) => client.get_connection_info().redis_settings().protocol(),
            #[cfg(feature = "redis-sentinel")]
            Self::Master(sentinels) => sentinels.protocol(),
        };
        protocol != ProtocolVersion::RESP2
    }
}

/// Shows addresses, and no password.
impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Server(client) => write!(f, "{}", client.get_connection_info().addr()),
            #[cfg(feature = "redis-sentinel")]
            Self::Master(sentinels) => sentinels.fmt(f),
        }
    }
}
