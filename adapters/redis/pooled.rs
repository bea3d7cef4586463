//! A pool of connections that the application provides.

use ::redis::{Cmd, ErrorKind, RedisError};
use deadpool_redis::{Pool, PoolError};
use tokio::time::timeout_at;

use super::{
    failure::Failure,
    provided::{Sender, Sending, Wait, reply},
};

/// Takes a connection out of the pool for each command, and puts it back after the reply.
pub(super) struct Pooled(pub(super) Pool);

impl Sender for Pooled {
    fn send(&self, command: Cmd, wait: Wait) -> Sending {
        let pool = self.0.clone();
        Box::pin(async move {
            let connection = timeout_at(wait.until, pool.get()).await;
            let connection = connection.map_err(|_| Failure::no_connection(wait.limit))?;
            let mut connection = connection.map_err(|error| Failure::not_done(refusal(error)))?;
            reply(&mut connection, &command, wait).await
        })
    }
}

fn refusal(error: PoolError) -> RedisError {
    match error {
        PoolError::Backend(error) => error,
        other => (ErrorKind::Io, "the pool gave no connection", other.to_string()).into(),
    }
}
