//! One connection to one server, made again when it breaks.

use std::{
    pin::pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use ::redis::{AsyncConnectionConfig, Cmd, PushInfo, PushKind, RedisError, Value, aio::MultiplexedConnection};
use tokio::time::{Instant, error::Elapsed, timeout_at};

use super::{
    attempts::Attempts,
    connection::Access,
    credentials::{CredentialsSource, RedisCredentials},
    eviction,
    failure::{Failure, Fate},
    limits::{Budget, Timeouts},
    target::Target,
};

/// One connection, shared by all calls.
///
/// The first command makes it. After it broke, the next command makes it again, at once. Further attempts have pauses between
/// them. There is one attempt at a time, and all calls that wait share its outcome. The socket belongs to a task of the
/// runtime in which the connection was made.
#[derive(Debug)]
pub(super) struct ServerConnection {
    target: Target,
    /// The address, for errors.
    name: Arc<str>,
    credentials: Option<CredentialsSource>,
    timeouts: Timeouts,
    /// Never locked across an await.
    live: Mutex<Option<Live>>,
    attempts: tokio::sync::Mutex<Attempts>,
    /// False after the server refused `SET .. IFEQ`. Version numbers do not show whether a server has it, so each
    /// connection tries it.
    tries_if_equal: AtomicBool,
    has_checked_eviction: AtomicBool,
}

#[derive(Clone, Debug)]
struct Live {
    connection: MultiplexedConnection,
    is_broken: Broken,
}

/// Makes the next command open a new connection. Commands that were sent on this one still get their replies.
#[derive(Clone, Debug, Default)]
struct Broken(Arc<AtomicBool>);

impl Broken {
    fn set(&self) {
        self.0.store(true, Ordering::Release);
    }

    fn get(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

impl ServerConnection {
    pub(super) fn new(target: Target, credentials: Option<CredentialsSource>, timeouts: Timeouts) -> Self {
        Self {
            name: format!("{target:?}").into(),
            target,
            credentials,
            timeouts,
            live: Mutex::default(),
            attempts: tokio::sync::Mutex::default(),
            tries_if_equal: AtomicBool::new(true),
            has_checked_eviction: AtomicBool::new(false),
        }
    }

    /// Sends a command and waits for its reply.
    pub(super) async fn send(&self, command: &Cmd, access: Access, budget: Budget) -> Result<Value, Failure> {
        let reply = match self.send_once(command, budget).await {
            Err(failure) if is_sent_again(&failure, access) => {
                Box::pin(self.send_again(failure, command, budget)).await
            }
            reply => reply,
        };
        reply.map_err(|failure| failure.at(&self.name))
    }

    async fn send_again(&self, failure: Failure, command: &Cmd, budget: Budget) -> Result<Value, Failure> {
        let budget = budget.next();
        if budget.is_spent() { Err(failure) } else { self.send_once(command, budget).await }
    }

    /// Sends a command directly after an `ASKING`, for a slot that is moving to this server.
    #[cfg(feature = "redis-cluster")]
    pub(super) async fn send_asking(&self, command: &Cmd, budget: Budget) -> Result<Value, Failure> {
        let mut pipeline = ::redis::pipe();
        pipeline.cmd("ASKING").add_command(command.clone());
        let (Live { mut connection, is_broken }, budget) = self.connection(budget).await?;
        let until = budget.reply_by(self.timeouts.response);
        let replies = timeout_at(until, connection.send_packed_commands(&pipeline, 0, 2)).await;
        answer(self.received(replies, &is_broken)?.pop().unwrap_or(Value::Nil))
    }

    async fn send_once(&self, command: &Cmd, budget: Budget) -> Result<Value, Failure> {
        let (Live { mut connection, is_broken }, budget) = self.connection(budget).await?;
        // The driver's future is large. Pinned, it is not moved.
        let sent = pin!(connection.send_packed_command(command));
        let reply = timeout_at(budget.reply_by(self.timeouts.response), sent).await;
        let answer = answer(self.received(reply, &is_broken)?);
        // The server is a master that was demoted, or a password was set. A new connection finds the master, and logs
        // in.
        if answer.as_ref().is_err_and(|failure| failure.says("READONLY") || failure.says("NOAUTH")) {
            is_broken.set();
        }
        answer
    }

    fn received<T>(&self, reply: Result<Result<T, RedisError>, Elapsed>, is_broken: &Broken) -> Result<T, Failure> {
        let failure = match reply {
            Ok(Ok(reply)) => return Ok(reply),
            Ok(Err(error)) => Failure::of_sent(error),
            // The other end may be gone without closing the connection. Then no reply will ever come.
            Err(_) => Failure::no_reply(self.timeouts.response),
        };
        if failure.fate != Fate::NotDone {
            is_broken.set();
        }
        Err(failure)
    }

    pub(super) fn tries_if_equal(&self) -> bool {
        self.tries_if_equal.load(Ordering::Relaxed)
    }

    pub(super) fn has_no_if_equal(&self) {
        self.tries_if_equal.store(false, Ordering::Relaxed);
    }

    /// Returns the connection, and the budget of a command that is sent on it now.
    async fn connection(&self, budget: Budget) -> Result<(Live, Budget), Failure> {
        // In most cases there is one, and no timer is needed.
        if let Some(live) = self.usable() {
            return Ok((live, budget));
        }
        let connected = Box::pin(timeout_at(budget.ends, self.connect(Instant::now()))).await;
        let live = connected.map_err(|_| Failure::no_connection(self.timeouts.connection))??;
        Ok((live, budget.next()))
    }

    fn live(&self) -> MutexGuard<'_, Option<Live>> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn usable(&self) -> Option<Live> {
        self.live().as_ref().filter(|live| !live.is_broken.get()).cloned()
    }

    /// Connects. If an attempt was in progress when the caller asked, shares its outcome instead.
    async fn connect(&self, asked: Instant) -> Result<Live, Failure> {
        let mut attempts = self.attempts.lock().await;
        if let Some(live) = self.usable() {
            return Ok(live);
        }
        *self.live() = None;
        if let Some(failure) = attempts.failure_since(asked) {
            return Err(failure);
        }
        let limit = self.timeouts.connection;
        let attempt = attempts.begin(limit).await;
        let failure = match self.open(Instant::now() + limit).await {
            Ok(live) => {
                self.tries_if_equal.store(true, Ordering::Relaxed);
                *self.live() = Some(live.clone());
                attempt.succeeds();
                return Ok(live);
            }
            Err(failure) => failure,
        };
        tracing::debug!(%failure, target = ?self.target, "cannot connect to Redis");
        Err(attempt.fails(failure))
    }

    async fn open(&self, until: Instant) -> Result<Live, Failure> {
        let limit = self.timeouts.connection;
        let credentials = match &self.credentials {
            Some(source) => Some(source.ask(until, limit).await?),
            None => None,
        };
        let opened = timeout_at(until, self.log_in_and_check(credentials.as_ref())).await;
        opened.map_err(|_| Failure::no_connection(limit))?.map_err(Failure::not_done)
    }

    /// Logs in. The first time, also checks the eviction policy. If that breaks the connection, connects once more.
    async fn log_in_and_check(&self, credentials: Option<&RedisCredentials>) -> Result<Live, RedisError> {
        let mut live = self.log_in(credentials).await?;
        if self.has_checked_eviction.swap(true, Ordering::Relaxed) {
            return Ok(live);
        }
        // The other half is for a second connection.
        let limit = self.timeouts.connection / 2;
        if eviction::check(&mut live.connection, &self.target, limit).await {
            return Ok(live);
        }
        self.log_in(credentials).await
    }

    async fn log_in(&self, credentials: Option<&RedisCredentials>) -> Result<Live, RedisError> {
        let is_broken = Broken::default();
        let connection = self.target.open(&self.config(&is_broken), credentials).await?;
        Ok(Live { connection, is_broken })
    }

    fn config(&self, is_broken: &Broken) -> AsyncConnectionConfig {
        // This store limits the times of whole attempts and of calls, so the driver's limits are off.
        let config = AsyncConnectionConfig::new().set_connection_timeout(None).set_response_timeout(None);
        if !self.target.has_pushes() {
            return config;
        }
        let is_broken = is_broken.clone();
        // The server may close a connection while it is not used. It is replaced before a command is lost in it.
        config.set_push_sender(move |push: PushInfo| {
            if push.kind == PushKind::Disconnection {
                is_broken.set();
            }
            Ok::<_, ::redis::aio::SendError>(())
        })
    }
}

/// Returns whether to send a command once more, on a new connection.
fn is_sent_again(failure: &Failure, access: Access) -> bool {
    match failure.fate {
        // A master that was demoted refused it. A new connection to its name, or a sentinel, leads to the new master.
        Fate::NotDone => failure.says("READONLY"),
        Fate::ReplyLost | Fate::TimedOut => access == Access::Read,
    }
}

/// Separates errors from replies. No reply to a command of this store has an error inside.
fn answer(reply: Value) -> Result<Value, Failure> {
    match reply {
        Value::ServerError(error) => Err(Failure::not_done(error.into())),
        reply => Ok(reply),
    }
}
