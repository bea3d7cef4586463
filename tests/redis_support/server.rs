//! The asynchronous operations on a server.

use std::time::Duration;

use cloakroom::redis::RedisStore;
use redis::{AsyncConnectionConfig, FromRedisValue, aio::MultiplexedConnection};

pub use super::process::{Server, is_redis_6, is_valkey};
use super::until;

impl Server {
    pub async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// Starts a server with more arguments, as on a command line.
    pub async fn start_with(arguments: &[&str]) -> Self {
        let mut server = Self::prepare(arguments);
        server.run();
        server.answers().await;
        server
    }

    pub async fn answers(&self) {
        until("redis-server answers", Duration::from_secs(10), || async { self.is_up() }).await;
    }

    pub async fn restart(&mut self) {
        self.run();
        self.answers().await;
    }

    pub async fn store(&self) -> RedisStore {
        RedisStore::connect(self.url()).await.unwrap()
    }

    /// Returns a store over a connection of the application, which replaces records by the script.
    pub async fn provided(&self) -> RedisStore {
        RedisStore::from_connection(self.admin().await)
    }

    /// Returns a connection for the test.
    pub async fn admin(&self) -> MultiplexedConnection {
        admin(&self.url()).await
    }

    /// Waits until the replica has everything that this server has.
    pub async fn is_replicated(&self) {
        until("the replica has caught up", Duration::from_secs(30), || async {
            let state: String = self.run_command("INFO replication").await;
            let offset = |name: &str| {
                let (_, rest) = state.split_once(name)?;
                rest.split(|char: char| !char.is_ascii_digit()).next()?.parse::<u64>().ok()
            };
            let (own, replica) = (offset("master_repl_offset:"), offset("state=online,offset="));
            own.is_some() && own == replica
        })
        .await;
    }

    /// Returns the value of a key in a session, from the key's line.
    pub async fn value<T: std::str::FromStr>(&self, session: &str, key: &str) -> Option<T> {
        let record: Option<String> = self.run_command(&format!("GET cloakroom:{session}")).await;
        let record = record?;
        let line = record.lines().find_map(|line| line.strip_prefix(&format!("{}:{key}=", key.len())))?;
        line.split_once(':')?.1.parse().ok()
    }

    /// Runs one command, written as in `redis-cli`.
    pub async fn run_command<T: FromRedisValue>(&self, line: &str) -> T {
        run(&mut self.admin().await, line).await
    }
}

pub async fn admin(url: &str) -> MultiplexedConnection {
    let config = AsyncConnectionConfig::new().set_response_timeout(Some(Duration::from_secs(30)));
    redis::Client::open(url).unwrap().get_multiplexed_async_connection_with_config(&config).await.unwrap()
}

/// Runs one command, written as in `redis-cli`.
pub async fn run<T: FromRedisValue>(connection: &mut MultiplexedConnection, line: &str) -> T {
    let mut words = line.split_whitespace();
    let mut command = redis::cmd(words.next().unwrap());
    for word in words {
        command.arg(if word == "\"\"" { "" } else { word });
    }
    command.query_async(connection).await.unwrap_or_else(|error| panic!("{line}: {error}"))
}
