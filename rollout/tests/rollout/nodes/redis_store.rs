//! A Redis store for tower-sessions 0.15, for which none is published. Its keys, its records and its commands are those of
//! tower-sessions-redis-store.

use async_trait::async_trait;
use redis::{AsyncCommands as _, AsyncConnectionConfig, aio::MultiplexedConnection};
use tower_sessions::{
    SessionStore,
    session::{Id, Record},
    session_store::{Error, Result},
};

use super::PATIENCE;

#[derive(Clone, Debug)]
pub struct RedisStore {
    connection: MultiplexedConnection,
}

impl RedisStore {
    pub async fn connect(url: &str) -> Self {
        let client = redis::Client::open(url).unwrap();
        let config = AsyncConnectionConfig::new().set_response_timeout(Some(PATIENCE));
        Self { connection: client.get_multiplexed_async_connection_with_config(&config).await.unwrap() }
    }

    async fn set(&self, record: &Record, condition: &str) -> Result<bool> {
        let bytes = rmp_serde::to_vec(record).map_err(|error| Error::Encode(error.to_string()))?;
        let mut command = redis::cmd("SET");
        command.arg(record.id.to_string()).arg(bytes).arg("EXAT").arg(record.expiry_date.unix_timestamp());
        let done: Option<String> =
            command.arg(condition).query_async(&mut self.connection.clone()).await.map_err(failed)?;
        Ok(done.is_some())
    }
}

#[async_trait]
impl SessionStore for RedisStore {
    async fn create(&self, record: &mut Record) -> Result<()> {
        while !self.set(record, "NX").await? {
            record.id = Id::default();
        }
        Ok(())
    }

    async fn save(&self, record: &Record) -> Result<()> {
        self.set(record, "XX").await.map(drop)
    }

    async fn load(&self, id: &Id) -> Result<Option<Record>> {
        let bytes: Option<Vec<u8>> = self.connection.clone().get(id.to_string()).await.map_err(failed)?;
        let read = |bytes: Vec<u8>| rmp_serde::from_slice(&bytes).map_err(|error| Error::Decode(error.to_string()));
        bytes.map(read).transpose()
    }

    async fn delete(&self, id: &Id) -> Result<()> {
        self.connection.clone().del(id.to_string()).await.map_err(failed)
    }
}

fn failed(error: redis::RedisError) -> Error {
    Error::Backend(error.to_string())
}
