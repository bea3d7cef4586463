//! A connection that the application brings.

use std::{fmt, time::Duration};

use ::redis::{Cmd, RedisFuture, Value, aio::ConnectionLike};
use tokio::time::{Instant, timeout_at};

use super::{
    failure::{Failure, Fate},
    line::Again,
};

/// A connection that the application brings.
pub(super) struct Own {
    sender: Box<dyn Sender>,
    response: Duration,
}

/// Sends one command: every connection of the redis crate that can be cloned and shared does.
pub(super) trait Sender: Send + Sync {
    fn send(&self, command: Cmd) -> RedisFuture<'static, Value>;
}

impl<C: ConnectionLike + Clone + Send + Sync + 'static> Sender for C {
    fn send(&self, command: Cmd) -> RedisFuture<'static, Value> {
        let mut connection = self.clone();
        Box::pin(async move { connection.req_packed_command(&command).await })
    }
}

impl Own {
    pub(super) fn new(sender: impl Sender + 'static, response: Duration) -> Self {
        Self { sender: Box::new(sender), response }
    }

    pub(super) async fn send(&self, command: &Cmd, again: Again, deadline: Instant) -> Result<Value, Failure> {
        match self.send_once(command, deadline).await {
            Err(failure) if failure.fate == Fate::ReplyLost && again == Again::Yes => {
                self.send_once(command, deadline).await
            }
            done => done,
        }
    }

    async fn send_once(&self, command: &Cmd, deadline: Instant) -> Result<Value, Failure> {
        let until = deadline.min(Instant::now() + self.response);
        match timeout_at(until, self.sender.send(command.clone())).await {
            Ok(Ok(reply)) => reply.extract_error().map_err(Failure::refused),
            Ok(Err(error)) if error.code().is_some() => Err(Failure::refused(error)),
            Ok(Err(error)) => Err(Failure::reply_lost(error)),
            Err(_) => Err(Failure::no_reply(self.response)),
        }
    }
}

impl fmt::Debug for Own {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Own").finish_non_exhaustive()
    }
}
