//! A pool of connections that the application brings.

use ::redis::{Cmd, ErrorKind, RedisError, RedisFuture, Value, aio::ConnectionLike as _};
use deadpool_redis::{Pool, PoolError};

use super::own::Sender;

/// Each command takes a connection out of the pool, and puts it back after the reply.
pub(super) struct Pooled(pub(super) Pool);

impl Sender for Pooled {
    fn send(&self, command: Cmd) -> RedisFuture<'static, Value> {
        let pool = self.0.clone();
        Box::pin(async move {
            let mut connection = pool.get().await.map_err(no_connection)?;
            connection.req_packed_command(&command).await
        })
    }
}

fn no_connection(error: PoolError) -> RedisError {
    match error {
        PoolError::Backend(error) => error,
        other => (ErrorKind::Io, "the pool gave no connection", other.to_string()).into(),
    }
}
