//! A connection that the application brings.

use std::{fmt, time::Duration};

use ::redis::{Cmd, RedisError, RedisFuture, Value, aio::ConnectionLike};
use tokio::time::{Instant, timeout_at};

use super::{failure::Failure, line::Again};

/// A connection that the application brings.
pub(super) struct Own {
    connection: Box<dyn Send1>,
    response: Duration,
}

/// Sends one command: every connection of the redis crate that can be cloned and shared does.
trait Send1: Send + Sync {
    fn send(&self, command: Cmd) -> RedisFuture<'static, Value>;
}

impl<C: ConnectionLike + Clone + Send + Sync + 'static> Send1 for C {
    fn send(&self, command: Cmd) -> RedisFuture<'static, Value> {
        let mut connection = self.clone();
        Box::pin(async move { connection.req_packed_command(&command).await })
    }
}

impl Own {
    pub(super) fn new<C>(connection: C, response: Duration) -> Self
    where
        C: ConnectionLike + Clone + Send + Sync + 'static,
    {
        Self { connection: Box::new(connection), response }
    }

    pub(super) async fn send(&self, command: &Cmd, again: Again, deadline: Instant) -> Result<Value, Failure> {
        let until = deadline.min(Instant::now() + self.response);
        for is_last in [again == Again::No, true] {
            let failure = match timeout_at(until, self.connection.send(command.clone())).await {
                Ok(Ok(reply)) => return reply.extract_error().map_err(Failure::refused),
                Ok(Err(error)) if is_refusal(&error) => return Err(Failure::refused(error)),
                Ok(Err(error)) => Failure::reply_lost(error),
                Err(_) => return Err(Failure::no_reply(self.response)),
            };
            if is_last {
                return Err(failure);
            }
        }
        Err(Failure::no_reply(self.response))
    }
}

fn is_refusal(error: &RedisError) -> bool {
    error.code().is_some()
}

impl fmt::Debug for Own {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Own").finish_non_exhaustive()
    }
}
