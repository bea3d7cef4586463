//! How a command fails.

use std::{fmt, time::Duration};

use ::redis::RedisError;

use super::damaged::Damaged;
use crate::{SessionId, StoreError};

/// A command failed.
#[derive(Clone)]
pub(super) struct Failure {
    pub(super) fate: Fate,
    pub(super) cause: Cause,
}

/// What became of the command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// Nobody ran it: it never left, or the server refused it.
    NotDone,
    /// The connection broke before the reply came.
    ReplyLost,
    /// The reply did not come in time.
    TimedOut,
}

#[derive(Clone)]
pub(super) enum Cause {
    Redis(RedisError),
    NoConnection(Duration),
    NoReply(Duration),
}

impl Failure {
    /// The server answered with an error.
    pub(super) fn refused(error: RedisError) -> Self {
        Self { fate: Fate::NotDone, cause: Cause::Redis(error) }
    }

    pub(super) fn reply_lost(error: RedisError) -> Self {
        Self { fate: Fate::ReplyLost, cause: Cause::Redis(error) }
    }

    pub(super) fn no_connection(after: Duration) -> Self {
        Self { fate: Fate::NotDone, cause: Cause::NoConnection(after) }
    }

    pub(super) fn no_reply(after: Duration) -> Self {
        Self { fate: Fate::TimedOut, cause: Cause::NoReply(after) }
    }

    /// The error that the server answered with begins so. Before Redis 7, a script's errors stand within another one.
    pub(super) fn says(&self, code: &str) -> bool {
        let Cause::Redis(error) = &self.cause else { return false };
        error.code() == Some(code) || error.detail().is_some_and(|detail| detail.contains(&format!("-{code} ")))
    }

    /// Whether the server answered at all.
    #[cfg(feature = "redis-cluster")]
    pub(super) fn is_answer(&self) -> bool {
        matches!(&self.cause, Cause::Redis(error) if error.code().is_some())
    }

    /// Whether the server is well, and what it has under the key is no record of ours.
    pub(super) fn is_damage(&self) -> bool {
        self.says("DAMAGED") || self.says("WRONGTYPE")
    }

    /// What a call on this session's record failed of.
    pub(super) fn on(self, id: &SessionId) -> StoreError {
        if self.is_damage() { Damaged::new(id, self.to_string()).into() } else { StoreError::new(self) }
    }

    /// Where the cluster keeps the key instead.
    #[cfg(feature = "redis-cluster")]
    pub(super) fn redirect(&self) -> Option<&str> {
        let Cause::Redis(error) = &self.cause else { return None };
        error.redirect_node().map(|(address, _)| address)
    }
}

impl From<Failure> for StoreError {
    fn from(failure: Failure) -> Self {
        if failure.is_damage() { Self::undecodable(failure) } else { Self::new(failure) }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.cause {
            // The words that the server's manual has, not those of the driver's types.
            Cause::Redis(error) => match (error.code(), error.detail()) {
                (Some(code), Some(detail)) => write!(f, "Redis answered {code} {detail}"),
                _ => error.fmt(f),
            },
            Cause::NoConnection(after) => write!(f, "no connection to Redis within {after:?}"),
            Cause::NoReply(after) => write!(f, "no reply from Redis within {after:?}"),
        }
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Failure({:?}: {self})", self.fate)
    }
}

impl std::error::Error for Failure {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.cause {
            Cause::Redis(error) => std::error::Error::source(error),
            _ => None,
        }
    }
}
