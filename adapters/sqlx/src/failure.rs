//! The reasons why a call fails.

use std::{error::Error, fmt, time::Duration};

use cloakroom::{SessionId, StoreError, store::DecodeError};

use crate::database::Database;

/// A statement failed.
pub(crate) struct Failure {
    fate: Fate,
    cause: Cause,
}

/// The fate of a statement that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// It had no effect, and never will: it was not sent, or the database refused it or rolled it back.
    NotDone,
    /// The same, because the database rolled it back for another transaction.
    Conflict,
    /// It was sent, and may have been done.
    Unknown,
}

enum Cause {
    NoConnection(Option<sqlx::Error>, Duration),
    NoReply(Duration),
    Database(sqlx::Error),
}

impl Failure {
    /// The pool gave no connection within this time, or an error.
    pub(crate) fn no_connection(error: Option<sqlx::Error>, after: Duration) -> Self {
        Self { fate: Fate::NotDone, cause: Cause::NoConnection(error, after) }
    }

    /// The statement took longer than this.
    pub(crate) fn no_reply(after: Duration) -> Self {
        Self { fate: Fate::Unknown, cause: Cause::NoReply(after) }
    }

    /// A statement failed with this error.
    pub(crate) fn of<DB: Database>(error: sqlx::Error) -> Self {
        let fate = match &error {
            sqlx::Error::Database(answer) if DB::is_conflict(&**answer) => Fate::Conflict,
            sqlx::Error::Database(answer) if DB::is_not_done(&**answer) => Fate::NotDone,
            // It was not sent.
            sqlx::Error::Encode(_) | sqlx::Error::BeginFailed => Fate::NotDone,
            _ => Fate::Unknown,
        };
        Self { fate, cause: Cause::Database(error) }
    }

    /// Returns whether the database rolled the statement back for another one, so that it may be sent again at once.
    pub(crate) fn is_conflict(&self) -> bool {
        self.fate == Fate::Conflict
    }

    /// Returns whether the id of a new row is taken.
    pub(crate) fn is_taken(&self) -> bool {
        matches!(&self.cause, Cause::Database(sqlx::Error::Database(error)) if error.is_unique_violation())
    }
}

impl From<Failure> for StoreError {
    fn from(failure: Failure) -> Self {
        match failure.fate {
            Fate::NotDone | Fate::Conflict => Self::not_done(failure),
            Fate::Unknown => Self::new(failure),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.cause {
            Cause::NoConnection(None | Some(sqlx::Error::PoolTimedOut), after) => {
                write!(f, "the pool gave no connection within {after:?}")
            }
            Cause::NoConnection(Some(error), _) => write!(f, "the pool gave no connection: {error}"),
            Cause::NoReply(after) => write!(f, "no reply from the database within {after:?}"),
            Cause::Database(sqlx::Error::Database(error)) => match error.code() {
                Some(code) => write!(f, "the database answered {code}: {}", error.message()),
                None => write!(f, "the database answered: {}", error.message()),
            },
            Cause::Database(error) => error.fmt(f),
        }
    }
}

/// Shows the message, because log lines show this form.
impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Failure({:?}: {self})", self.fate)
    }
}

impl Error for Failure {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.cause {
            Cause::NoConnection(error, _) => error.as_ref().map(|error| error as _),
            Cause::NoReply(_) => None,
            Cause::Database(error) => Some(error),
        }
    }
}

/// The record of a session cannot be read. Shows no value.
pub(crate) struct Unreadable {
    id: SessionId,
    why: DecodeError,
}

impl Unreadable {
    pub(crate) fn record(id: &SessionId, why: DecodeError) -> StoreError {
        StoreError::undecodable(Self { id: *id, why })
    }
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the record of session {} cannot be read: {}", self.id, self.why)
    }
}

impl fmt::Debug for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Unreadable({self})")
    }
}

impl Error for Unreadable {}
