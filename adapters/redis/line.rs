//! One connection to one server, made again when it breaks.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use ::redis::{AsyncConnectionConfig, Cmd, PushInfo, PushKind, RedisError, Value, aio::MultiplexedConnection};
use tokio::{
    sync::Mutex,
    time::{Instant, error::Elapsed, sleep_until, timeout, timeout_at},
};

use super::{
    failure::{Failure, Fate},
    target::Target,
};

/// The longest pause between two attempts to connect.
const LONGEST_PAUSE: Duration = Duration::from_millis(500);
/// The first one, which doubles with every attempt in vain.
const FIRST_PAUSE: Duration = Duration::from_millis(8);

/// How long to wait for Redis.
#[derive(Clone, Copy, Debug)]
pub(super) struct Timeouts {
    pub(super) connection: Duration,
    pub(super) response: Duration,
}

impl Timeouts {
    /// When a call that begins now is over, whatever happens.
    pub(super) fn deadline(self) -> Instant {
        Instant::now() + self.connection + self.response
    }
}

/// Whether a command may be sent again when its reply was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Again {
    /// Done twice is done once.
    Yes,
    No,
}

/// One connection, shared by all that send at the same time.
///
/// A task of the runtime that connected owns the socket, and is fed by a channel. It is made when the first command is
/// sent, and again when one is sent after it broke: at once, then with pauses between the attempts. There is one attempt
/// at a time, and all who wait share how it ends.
#[derive(Debug)]
pub(super) struct Line {
    target: Target,
    timeouts: Timeouts,
    slot: Mutex<Slot>,
}

#[derive(Debug, Default)]
struct Slot {
    live: Option<Live>,
    /// How many attempts were in vain, the start of the last one, and its end with its error.
    vain: u32,
    started: Option<Instant>,
    ended: Option<(Instant, Failure)>,
}

impl Slot {
    fn usable(&self) -> Option<Live> {
        self.live.clone().filter(|live| !live.is_broken.get())
    }
}

#[derive(Clone, Debug)]
struct Live {
    connection: MultiplexedConnection,
    is_broken: Broken,
}

/// Whether the next command needs a new connection. Those that wait for replies on this one still get them.
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

impl Line {
    pub(super) fn new(target: Target, timeouts: Timeouts) -> Self {
        Self { target, timeouts, slot: Mutex::default() }
    }

    /// Sends a command and waits for its reply, no longer than until `deadline`.
    pub(super) async fn send(&self, command: &Cmd, again: Again, deadline: Instant) -> Result<Value, Failure> {
        let reply = self.send_once(command, deadline).await;
        let Err(failure) = &reply else { return reply };
        let may_go_again = failure.fate == Fate::ReplyLost && again == Again::Yes;
        // A master that was demoted while we were connected: its name, or a sentinel, knows the new one.
        if may_go_again || failure.says("READONLY") {
            return Box::pin(self.send_once(command, deadline)).await;
        }
        reply
    }

    /// Sends a command right behind an `ASKING`, for a slot that is on its way to this server.
    #[cfg(feature = "redis-cluster")]
    pub(super) async fn send_asking(&self, command: &Cmd, deadline: Instant) -> Result<Value, Failure> {
        let mut pipeline = ::redis::pipe();
        pipeline.cmd("ASKING").add_command(command.clone());
        let Live { mut connection, is_broken } = self.connection(deadline).await?;
        let replies = timeout_at(self.until(deadline), connection.send_packed_commands(&pipeline, 0, 2)).await;
        answer(self.came(replies, &is_broken)?.pop().unwrap_or(Value::Nil))
    }

    async fn send_once(&self, command: &Cmd, deadline: Instant) -> Result<Value, Failure> {
        let Live { mut connection, is_broken } = self.connection(deadline).await?;
        let reply = timeout_at(self.until(deadline), connection.send_packed_command(command)).await;
        let answer = answer(self.came(reply, &is_broken)?);
        // A demoted master, or a password that was set meanwhile: a new connection sees it as it is.
        if answer.as_ref().is_err_and(|failure| failure.says("READONLY") || failure.says("NOAUTH")) {
            is_broken.set();
        }
        answer
    }

    /// Until when to wait for the reply to what is sent now.
    fn until(&self, deadline: Instant) -> Instant {
        deadline.min(Instant::now() + self.timeouts.response)
    }

    /// What came of waiting for a reply.
    fn came<T>(&self, reply: Result<Result<T, RedisError>, Elapsed>, is_broken: &Broken) -> Result<T, Failure> {
        let failure = match reply {
            Ok(Ok(reply)) => return Ok(reply),
            Ok(Err(error)) if error.code().is_some() => return Err(Failure::refused(error)),
            Ok(Err(error)) => Failure::reply_lost(error),
            // The other end may be gone without a word, and then no reply will ever come.
            Err(_) => Failure::no_reply(self.timeouts.response),
        };
        is_broken.set();
        Err(failure)
    }

    async fn connection(&self, deadline: Instant) -> Result<Live, Failure> {
        // As it nearly always is, without a timer.
        if let Some(live) = self.slot.try_lock().ok().and_then(|slot| slot.usable()) {
            return Ok(live);
        }
        let no_connection = |_| Failure::no_connection(self.timeouts.connection);
        timeout_at(deadline, Box::pin(self.connect(Instant::now()))).await.map_err(no_connection)?
    }

    /// Runs under the slot's lock: whoever comes second finds the first one's connection, or its failure.
    async fn connect(&self, asked: Instant) -> Result<Live, Failure> {
        let mut slot = self.slot.lock().await;
        if let Some(live) = slot.usable() {
            return Ok(live);
        }
        slot.live = None;
        if let Some((_, failure)) = slot.ended.as_ref().filter(|(ended, _)| *ended >= asked) {
            return Err(failure.clone());
        }
        if let Some(started) = slot.started {
            sleep_until(started + pause(slot.vain)).await;
        }
        slot.started = Some(Instant::now());
        slot.vain += 1;
        let is_broken = Broken::default();
        let config = self.config(&is_broken);
        let failure = match timeout(self.timeouts.connection, self.target.open(&config)).await {
            Ok(Ok(connection)) => {
                slot.vain = 0;
                let live = Live { connection, is_broken };
                slot.live = Some(live.clone());
                return Ok(live);
            }
            Ok(Err(error)) => Failure::refused(error),
            Err(_) => Failure::no_connection(self.timeouts.connection),
        };
        tracing::debug!(%failure, target = ?self.target, "cannot connect to Redis");
        slot.ended = Some((Instant::now(), failure.clone()));
        Err(failure)
    }

    fn config(&self, is_broken: &Broken) -> AsyncConnectionConfig {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(self.timeouts.connection))
            .set_response_timeout(None);
        if !self.target.has_pushes() {
            return config;
        }
        let is_broken = is_broken.clone();
        // So that a connection that the server closed while nobody used it is replaced before a command is lost in it.
        config.set_push_sender(move |push: PushInfo| {
            if push.kind == PushKind::Disconnection {
                is_broken.set();
            }
            Ok::<_, ::redis::aio::SendError>(())
        })
    }
}

/// An error stands at the top of a reply, if there is one: nothing that we send is answered with one inside.
fn answer(reply: Value) -> Result<Value, Failure> {
    match reply {
        Value::ServerError(error) => Err(Failure::refused(error.into())),
        reply => Ok(reply),
    }
}

/// How long after the start of the last attempt the next one begins, after so many in vain. No two clients in step.
fn pause(vain: u32) -> Duration {
    if vain == 0 {
        return Duration::ZERO;
    }
    let full = FIRST_PAUSE.saturating_mul(1 << vain.min(10)).min(LONGEST_PAUSE);
    full.mul_f64(rand::random_range(0.5..=1.0))
}
