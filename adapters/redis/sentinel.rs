//! Finding the master by its sentinels.

use std::{fmt, pin::Pin};

use ::redis::{
    AsyncConnectionConfig, Client, ConnectionInfo, ErrorKind, ProtocolVersion, RedisError, Value,
    aio::MultiplexedConnection,
};
use futures_util::stream::{FuturesUnordered, StreamExt as _};

use super::address::{Certificates, client, elsewhere};

/// The sentinels of a master.
pub(super) struct Sentinels {
    pub(super) master: String,
    pub(super) clients: Vec<Client>,
    /// How to log in to the master; its address is not used.
    pub(super) login: ConnectionInfo,
    pub(super) certificates: Certificates,
}

/// What one of the things that run at the same time comes to.
enum Step {
    Named(String, u16),
    Opened(MultiplexedConnection),
}

type Steps<'a> = FuturesUnordered<Pin<Box<dyn Future<Output = Result<Step, RedisError>> + Send + 'a>>>;

impl Sentinels {
    pub(super) fn protocol(&self) -> ProtocolVersion {
        self.login.redis_settings().protocol()
    }

    /// Asks all sentinels at once, and connects to every server that one of them names until one says that it is the
    /// master: during a failover they differ, and a sentinel may be as dead as the master beside it.
    pub(super) async fn open(&self, config: &AsyncConnectionConfig) -> Result<MultiplexedConnection, RedisError> {
        let mut named = Vec::new();
        let mut error = (ErrorKind::EmptySentinelList, "there are no sentinels").into();
        let mut steps = Steps::new();
        for sentinel in &self.clients {
            steps.push(Box::pin(self.ask(sentinel)));
        }
        while let Some(step) = steps.next().await {
            match step {
                Ok(Step::Opened(connection)) => return Ok(connection),
                Ok(Step::Named(host, port)) => {
                    let server = (host, port);
                    if !named.contains(&server) {
                        named.push(server.clone());
                        steps.push(Box::pin(self.open_master(server, config)));
                    }
                }
                Err(failed) => error = failed,
            }
        }
        Err(error)
    }

    async fn ask(&self, sentinel: &Client) -> Result<Step, RedisError> {
        // The time-out is the whole attempt's.
        let config = AsyncConnectionConfig::new().set_connection_timeout(None).set_response_timeout(None);
        let mut connection = sentinel.get_multiplexed_async_connection_with_config(&config).await?;
        let mut question = ::redis::cmd("SENTINEL");
        question.arg("get-master-addr-by-name").arg(&self.master);
        let answer: Option<(String, u16)> = question.query_async(&mut connection).await?;
        let unknown = || (ErrorKind::MasterNameNotFoundBySentinel, "a sentinel does not know this master").into();
        answer.map(|(host, port)| Step::Named(host, port)).ok_or_else(unknown)
    }

    async fn open_master(
        &self,
        (host, port): (String, u16),
        config: &AsyncConnectionConfig,
    ) -> Result<Step, RedisError> {
        let master = client(elsewhere(&self.login, &host, port), &self.certificates)?;
        let mut connection = master.get_multiplexed_async_connection_with_config(config).await?;
        let role: Result<Vec<Value>, RedisError> = ::redis::cmd("ROLE").query_async(&mut connection).await;
        match role.as_deref().map(|role| role.first()) {
            Ok(Some(Value::BulkString(role))) if role != b"master" => {
                Err((ErrorKind::Client, "the server that a sentinel named is not the master (yet, or any more)").into())
            }
            // A user without the right to ask finds out by the first write.
            Ok(_) => Ok(Step::Opened(connection)),
            Err(error) if error.code() == Some("NOPERM") => Ok(Step::Opened(connection)),
            Err(_) => role.map(|_| Step::Opened(connection)),
        }
    }
}

impl fmt::Debug for Sentinels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let addresses = self.clients.iter().map(|sentinel| sentinel.get_connection_info().addr().to_string());
        write!(f, "{} of {:?}", self.master, addresses.collect::<Vec<_>>())
    }
}
