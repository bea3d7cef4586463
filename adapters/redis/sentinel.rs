//! The search for the master with the help of its sentinels.

use std::{fmt, pin::Pin, time::Duration};

use ::redis::{
    AsyncConnectionConfig, Client, ConnectionInfo, ErrorKind, ProtocolVersion, RedisError, Value,
    aio::MultiplexedConnection,
};
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use tokio::time::sleep;

use super::{
    address::{Certificates, client, elsewhere},
    credentials::RedisCredentials,
};

/// The sentinels of a master.
pub(super) struct Sentinels {
    pub(super) master: String,
    pub(super) clients: Vec<Client>,
    /// The login and the TLS settings of the master. Its address is not used.
    pub(super) login: ConnectionInfo,
    pub(super) certificates: Certificates,
}

/// The pause before a sentinel is asked again, while the server that it named does not answer.
const MOMENT: Duration = Duration::from_millis(200);

/// The outcome of one of the concurrent steps.
enum Step<'a> {
    Named { by: &'a Client, is_first: bool, server: Result<Server, RedisError> },
    Opened(Result<MultiplexedConnection, RedisError>),
}

type Server = (String, u16);
type Steps<'a> = FuturesUnordered<Pin<Box<dyn Future<Output = Step<'a>> + Send + 'a>>>;

impl Sentinels {
    pub(super) fn protocol(&self) -> ProtocolVersion {
        self.login.redis_settings().protocol()
    }

    /// Asks all sentinels at the same time. Connects to every server that one of them names, until a server says that it is
    /// the master. During a failover, sentinels name different servers, and a sentinel may be down with the master's machine.
    /// A server that was named may hang, so the sentinels are asked again meanwhile.
    pub(super) async fn open(
        &self,
        config: &AsyncConnectionConfig,
        credentials: Option<&RedisCredentials>,
    ) -> Result<MultiplexedConnection, RedisError> {
        let mut named = Vec::new();
        let mut error = (ErrorKind::EmptySentinelList, "there are no sentinels").into();
        let (mut asked, mut opening) = (self.clients.len(), 0_usize);
        let mut steps = Steps::new();
        for sentinel in &self.clients {
            steps.push(Box::pin(self.ask(sentinel, None)));
        }
        while asked > 0 || opening > 0 {
            match steps.next().await {
                Some(Step::Opened(Ok(connection))) => return Ok(connection),
                Some(Step::Opened(Err(failed))) => {
                    opening -= 1;
                    error = failed;
                }
                Some(Step::Named { by, is_first, server }) => {
                    asked -= usize::from(is_first);
                    match server {
                        Ok(server) => {
                            if !named.contains(&server) {
                                named.push(server.clone());
                                steps.push(Box::pin(async {
                                    Step::Opened(self.open_master(server, config, credentials).await)
                                }));
                                opening += 1;
                            }
                            steps.push(Box::pin(self.ask(by, Some(MOMENT))));
                        }
                        Err(failed) => error = failed,
                    }
                }
                None => break,
            }
        }
        Err(error)
    }

    async fn ask<'a>(&'a self, by: &'a Client, after: Option<Duration>) -> Step<'a> {
        if let Some(after) = after {
            sleep(after).await;
        }
        Step::Named { by, is_first: after.is_none(), server: self.named(by).await }
    }

    async fn named(&self, by: &Client) -> Result<Server, RedisError> {
        // The time limit of the whole attempt holds instead.
        let config = AsyncConnectionConfig::new().set_connection_timeout(None).set_response_timeout(None);
        let mut connection = by.get_multiplexed_async_connection_with_config(&config).await?;
        let mut question = ::redis::cmd("SENTINEL");
        question.arg("get-master-addr-by-name").arg(&self.master);
        let answer: Option<Server> = question.query_async(&mut connection).await?;
        answer.ok_or_else(|| (ErrorKind::MasterNameNotFoundBySentinel, "a sentinel does not know this master").into())
    }

    async fn open_master(
        &self,
        (host, port): Server,
        config: &AsyncConnectionConfig,
        credentials: Option<&RedisCredentials>,
    ) -> Result<MultiplexedConnection, RedisError> {
        let mut info = elsewhere(&self.login, &host, port);
        if let Some(credentials) = credentials {
            info = credentials.log_in(info);
        }
        let master = client(info, &self.certificates)?;
        let mut connection = master.get_multiplexed_async_connection_with_config(config).await?;
        let role: Result<Vec<Value>, RedisError> = ::redis::cmd("ROLE").query_async(&mut connection).await;
        match role.as_deref().map(|role| role.first()) {
            Ok(Some(Value::BulkString(role))) if role != b"master" => {
                Err((ErrorKind::Client, "the server that a sentinel named is not the master (yet, or any more)").into())
            }
            // A user without the right to ask finds out with the first write.
            Ok(_) => Ok(connection),
            Err(error) if error.code() == Some("NOPERM") => Ok(connection),
            Err(_) => role.map(|_| connection),
        }
    }
}

impl fmt::Debug for Sentinels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let addresses = self.clients.iter().map(|sentinel| sentinel.get_connection_info().addr().to_string());
        write!(f, "{} of {:?}", self.master, addresses.collect::<Vec<_>>())
    }
}
