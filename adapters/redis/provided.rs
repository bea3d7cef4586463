//! A connection or a pool that the application provides.

use std::{fmt, pin::Pin, time::Duration};

use ::redis::{Cmd, Value, aio::ConnectionLike};
use tokio::time::{Instant, timeout_at};

use super::{
    connection::Access,
    failure::{Failure, Fate},
    limits::Budget,
};

/// A connection or a pool that the application provides.
pub(super) struct ProvidedConnection {
    sender: Box<dyn Sender>,
    response: Duration,
}

/// Sends one command. Every connection of the redis crate that can be cloned implements it.
pub(super) trait Sender: Send + Sync {
    fn send(&self, command: Cmd, wait: Wait) -> Sending;
}

/// A command that was sent.
pub(super) type Sending = Pin<Box<dyn Future<Output = Result<Value, Failure>> + Send>>;

/// The end of the wait for a connection and a reply, and the time-out that it follows from.
#[derive(Clone, Copy)]
pub(super) struct Wait {
    pub(super) until: Instant,
    pub(super) limit: Duration,
}

impl<C: ConnectionLike + Clone + Send + Sync + 'static> Sender for C {
    fn send(&self, command: Cmd, wait: Wait) -> Sending {
        let mut connection = self.clone();
        Box::pin(async move { reply(&mut connection, &command, wait).await })
    }
}

/// Sends a command and waits for the reply.
pub(super) async fn reply(
    connection: &mut (impl ConnectionLike + Send),
    command: &Cmd,
    wait: Wait,
) -> Result<Value, Failure> {
    match timeout_at(wait.until, connection.req_packed_command(command)).await {
        Ok(Ok(reply)) => reply.extract_error().map_err(Failure::not_done),
        Ok(Err(error)) => Err(Failure::of_sent(error)),
        Err(_) => Err(Failure::no_reply(wait.limit)),
    }
}

impl ProvidedConnection {
    pub(super) fn new(sender: impl Sender + 'static, response: Duration) -> Self {
        Self { sender: Box::new(sender), response }
    }

    pub(super) async fn send(&self, command: &Cmd, access: Access, budget: Budget) -> Result<Value, Failure> {
        match self.send_once(command, budget).await {
            Err(failure) if failure.fate != Fate::NotDone && access == Access::Read && !budget.next().is_spent() => {
                self.send_once(command, budget.next()).await
            }
            reply => reply,
        }
    }

    fn send_once(&self, command: &Cmd, budget: Budget) -> Sending {
        let (until, limit) = (budget.reply_by(self.response), self.response);
        self.sender.send(command.clone(), Wait { until, limit })
    }
}

impl fmt::Debug for ProvidedConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProvidedConnection").finish_non_exhaustive()
    }
}
