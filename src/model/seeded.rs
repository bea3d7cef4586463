//! Bugs that the model must find: each is what a session library somewhere does.

use super::request::Reply;
use crate::{Changes, Record, changes::Known};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bug {
    /// A commit stores all of what the request sees, and not what it changed.
    Overwrite,
    /// A commit stores the session again where it is gone.
    Revive,
    /// A renewal replaces the credentials, whatever they are by now.
    RotateAnyway,
    /// A restart creates the new session before it deletes the old one.
    CreateFirst,
    /// After a lost reply the store's client asks again, and takes any conflict for the truth.
    TrustRetry,
}

/// What an update makes of the record as it is now.
pub(super) fn update(
    bug: Option<Bug>,
    now: Option<&Record>,
    changes: &Changes,
    seen: Option<&Record>,
) -> Result<Record, Box<Reply>> {
    let unconditional = Changes { expected: None, known: Known::default(), ..changes.clone() };
    let (base, changes) = match (bug, now) {
        (Some(Bug::Overwrite), Some(now)) => (seen.unwrap_or(now), changes),
        (Some(Bug::Revive), None) => (seen.ok_or_else(|| Box::new(Reply::Missing))?, changes),
        (Some(Bug::RotateAnyway), Some(now)) => (now, &unconditional),
        (_, Some(now)) => (now, changes),
        (_, None) => return Err(Box::new(Reply::Missing)),
    };
    changes.apply(base).map_err(|_| Box::new(Reply::Conflict(base.clone())))
}
