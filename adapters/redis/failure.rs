//! The reasons for which a command fails.

use std::{error::Error, fmt, sync::Arc, time::Duration};

use ::redis::{ErrorKind, RedisError};

use super::unreadable::Unreadable;
use crate::{SessionId, StoreError, store::ErrorChain};

/// The failure of a command.
#[derive(Clone)]
pub(super) struct Failure {
    pub(super) fate: Fate,
    /// The address of the server, if the failure is known to be that server's.
    server: Option<Arc<str>>,
    cause: Cause,
}

/// The effect of a command that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It had no effect, and never will: it was not sent, or the server refused it.
    NotDone,
    /// Unknown: the connection broke before the reply came.
    ReplyLost,
    /// Unknown: the reply did not come in time.
    TimedOut,
}

#[derive(Clone)]
enum Cause {
    Redis(RedisError),
    NoConnection(Duration),
    NoReply(Duration),
    NoCredentials(Arc<dyn Error + Send + Sync>),
    LateCredentials(Duration),
}

impl Failure {
    fn of(fate: Fate, cause: Cause) -> Self {
        Self { fate, server: None, cause }
    }

    /// Names the server, unless it has a name already.
    pub(super) fn at(mut self, server: &Arc<str>) -> Self {
        self.server.get_or_insert_with(|| Arc::clone(server));
        self
    }

    /// Takes the name of the server out, for a message that names it itself.
    pub(super) fn take_server(&mut self) -> Option<Arc<str>> {
        self.server.take()
    }

    /// Returns whether the server was reached, and refused the login or the command.
    pub(super) fn is_refusal(&self) -> bool {
        let Cause::Redis(error) = &self.cause else { return false };
        error.code().is_some() || error.kind() == ErrorKind::AuthenticationFailed
    }

    /// The server answered with an error, or the command was not sent.
    pub(super) fn not_done(error: RedisError) -> Self {
        Self::of(Fate::NotDone, Cause::Redis(error))
    }

    /// Makes the failure of a command that was sent and ended with this error.
    pub(super) fn of_sent(error: RedisError) -> Self {
        let fate = if error.code().is_some() { Fate::NotDone } else { Fate::ReplyLost };
        Self::of(fate, Cause::Redis(error))
    }

    pub(super) fn no_connection(after: Duration) -> Self {
        Self::of(Fate::NotDone, Cause::NoConnection(after))
    }

    pub(super) fn no_reply(after: Duration) -> Self {
        Self::of(Fate::TimedOut, Cause::NoReply(after))
    }

    /// Makes the failure of the application's source of credentials.
    pub(super) fn no_credentials(error: Arc<dyn Error + Send + Sync>) -> Self {
        Self::of(Fate::NotDone, Cause::NoCredentials(error))
    }

    /// Makes the failure of a source of credentials that did not answer in time.
    pub(super) fn late_credentials(after: Duration) -> Self {
        Self::of(Fate::NotDone, Cause::LateCredentials(after))
    }

    /// Returns true if the server answered with this error. Before Redis 7, the error of a command in a script is a
    /// part of the script's error.
    pub(super) fn says(&self, code: &str) -> bool {
        let Cause::Redis(error) = &self.cause else { return false };
        let is_within =
            |detail: &str| detail.split(": ").any(|part| begins_with_word(part.trim_start_matches('-'), code));
        error.code() == Some(code) || error.detail().is_some_and(is_within)
    }

    /// Returns whether there was no connection within the time-out.
    pub(super) fn is_no_connection(&self) -> bool {
        matches!(self.cause, Cause::NoConnection(_) | Cause::LateCredentials(_))
    }

    /// Returns whether the server does not know an option of the command.
    pub(super) fn is_syntax_error(&self) -> bool {
        let Cause::Redis(error) = &self.cause else { return false };
        error.code() == Some("ERR") && error.detail().is_some_and(|detail| detail.contains("syntax"))
    }

    /// Returns whether the server answered.
    #[cfg(feature = "redis-cluster")]
    pub(super) fn is_answer(&self) -> bool {
        matches!(&self.cause, Cause::Redis(error) if error.code().is_some())
    }

    /// Returns the error of a call on this session's record.
    pub(super) fn on(self, id: &SessionId) -> StoreError {
        if self.says("WRONGTYPE") { Unreadable::other_kind(id) } else { self.into() }
    }

    /// Returns the node that has the key, if a cluster's node named another one.
    #[cfg(feature = "redis-cluster")]
    pub(super) fn redirect(&self) -> Option<&str> {
        let Cause::Redis(error) = &self.cause else { return None };
        error.redirect_node().map(|(address, _)| address)
    }
}

fn begins_with_word(text: &str, word: &str) -> bool {
    text.strip_prefix(word).is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
}

impl From<Failure> for StoreError {
    fn from(failure: Failure) -> Self {
        match failure.fate {
            Fate::NotDone => Self::not_done(failure),
            Fate::ReplyLost | Fate::TimedOut => Self::new(failure),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let redis = Named(self.server.as_deref());
        match &self.cause {
            // The message has the terms of the server's manual instead of those of the driver's types.
            Cause::Redis(error) => match (error.code(), error.detail()) {
                (Some(code), Some(detail)) => write!(f, "{redis} answered {code} {detail}"),
                _ if self.server.is_some() => write!(f, "{redis}: {error}"),
                _ => error.fmt(f),
            },
            Cause::NoConnection(after) => write!(f, "no connection to {redis} within {after:?}"),
            Cause::NoReply(after) => write!(f, "no reply from {redis} within {after:?}"),
            Cause::NoCredentials(error) => write!(f, "the source of the Redis credentials failed: {error}"),
            Cause::LateCredentials(after) => write!(f, "no Redis credentials from their source within {after:?}"),
        }
    }
}

/// Redis, with its address if that is known.
pub(super) struct Named<'a>(pub(super) Option<&'a str>);

impl fmt::Display for Named<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(server) => write!(f, "Redis at {server}"),
            None => f.write_str("Redis"),
        }
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&ErrorChain(self), f)
    }
}

impl Error for Failure {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.cause {
            Cause::Redis(error) => error.source(),
            Cause::NoCredentials(error) => error.source(),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_a_code_also_within_a_script_s_error() {
        let failure = |text: &str| {
            let error = ::redis::parse_redis_value(format!("-{text}\r\n").as_bytes()).unwrap().extract_error();
            Failure::of_sent(error.unwrap_err())
        };
        // The texts of Redis 7, of 6.2 and of an older proxy.
        for text in [
            "WRONGTYPE Operation against a key holding the wrong kind of value",
            "ERR Error running script (call to f_0a): @user_script:12: WRONGTYPE Operation against a key",
            "ERR Error running script (call to f_0a): @user_script:12: -WRONGTYPE Operation against a key",
        ] {
            assert!(failure(text).says("WRONGTYPE"), "{text}");
            assert!(!failure(text).says("OOM") && !failure(text).is_syntax_error(), "{text}");
            assert_eq!(failure(text).fate, Fate::NotDone);
        }
        assert!(failure("ERR syntax error").is_syntax_error());
        assert!(!failure("OOM command not allowed").is_syntax_error());
        assert!(!failure("ERR a key named: WRONGTYPED").says("WRONGTYPE"));
    }
}
