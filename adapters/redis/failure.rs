//! How a command fails.

use std::{fmt, time::Duration};

use ::redis::RedisError;

use crate::StoreError;

/// A command failed.
#[derive(Clone, Debug)]
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

#[derive(Clone, Debug)]
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
    pub(super) fn is_answer(&self) -> bool {
        matches!(&self.cause, Cause::Redis(error) if error.code().is_some())
    }

    /// Where the cluster keeps the key instead.
    pub(super) fn redirect(&self) -> Option<&str> {
        let Cause::Redis(error) = &self.cause else { return None };
        error.redirect_node().map(|(address, _)| address)
    }
}

impl From<Failure> for StoreError {
    fn from(failure: Failure) -> Self {
        if failure.says("DAMAGED") || failure.says("WRONGTYPE") {
            Self::undecodable(failure)
        } else {
            Self::new(failure)
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.cause {
            Cause::Redis(error) => error.fmt(f),
            Cause::NoConnection(after) => write!(f, "no connection to Redis within {after:?}"),
            Cause::NoReply(after) => write!(f, "no reply from Redis within {after:?}"),
        }
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
