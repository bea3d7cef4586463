//! What the end of a request comes to: a pure decision.
//!
//! No I/O, no clock, no randomness. `commit.rs` does what a [`Plan`] says and asks again with the store's answer.

use crate::{ops::Act, record::Record};

/// What the presented tokens turned out to be when the session was loaded.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Loaded {
    /// Nothing that any record knows.
    Nothing,
    /// The session.
    Current(Record),
    /// A session, under a secret that a renewal has just replaced.
    Superseded(Record),
    /// The store could not say, and the layer serves an empty session in its place.
    Unavailable,
    /// A session that this request has purged.
    Ended,
}

/// The store's last answer in this commit.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Answer {
    /// It was not asked yet.
    None,
    /// The record has changed: here it is.
    Conflict(Box<Record>),
    /// There is no such record any more.
    Gone,
}

/// What the request did, as far as the decision depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Asked<'a> {
    pub(crate) act: Act,
    /// Whether there is anything to write besides.
    pub(crate) writes: bool,
    /// Whom the request makes the owner.
    pub(crate) owner: Option<&'a str>,
    /// Whether the mere use is worth a write.
    pub(crate) touch: bool,
    /// Whether the cookie's `Max-Age` is to change, so that the token is worth sending again.
    pub(crate) resend: bool,
}

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Plan<'a> {
    /// Nothing at all.
    Nothing,
    /// Write into this record.
    Update(&'a Record, Rotation),
    /// Store a new session of what the request itself inserted, if anything; its token goes into the cookie.
    Create,
    /// Delete what the presented tokens open or are superseded on, and take the cookie away.
    Delete,
    /// The same, then [`Plan::Create`].
    DeleteAndCreate,
    /// Write nothing, and say why.
    Drop(Dropped),
    /// It cannot be done without the store that failed at the load.
    Fail,
}

/// What an update does to the credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rotation {
    /// Leaves them alone, whatever they are.
    Keep,
    /// Leaves them alone, and holds only while they are what they are.
    Guard,
    /// The same, and sends the token again: it is still the newest.
    Resend,
    /// Replaces the secret, if they are what they were; the new token goes into the cookie.
    Renew,
}

/// Why writes come to nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Dropped {
    /// The token was superseded when the session was loaded.
    Superseded,
    /// The session was purged, or it expired, after it was loaded.
    Gone,
    /// A renewal came too late, and the session is a logged-in one that this request does not log in to.
    Overtaken,
    /// The session could not be loaded.
    Unavailable,
}

/// Decides what the end of a request comes to.
pub(crate) fn plan<'a>(loaded: &'a Loaded, answer: &'a Answer, asked: Asked<'_>) -> Plan<'a> {
    let now = match (answer, loaded) {
        (Answer::Conflict(record), _) => Some(&**record),
        (Answer::None, Loaded::Current(record) | Loaded::Superseded(record)) => Some(record),
        (Answer::Gone | Answer::None, _) => None,
    };
    match (asked.act, loaded) {
        (Act::Purge | Act::Restart | Act::Renew, Loaded::Unavailable) => Plan::Fail,
        (Act::Purge, _) => Plan::Delete,
        (Act::Restart, _) => Plan::DeleteAndCreate,
        (Act::Renew, Loaded::Nothing) => Plan::Create,
        (Act::Keep | Act::Renew, Loaded::Ended) => Plan::Nothing,
        (Act::Renew, Loaded::Current(loaded)) => match now {
            Some(record) if record.is_opened_as(loaded) => Plan::Update(record, Rotation::Renew),
            _ => overtaken(loaded.owner(), now, asked),
        },
        (Act::Renew, Loaded::Superseded(_)) => overtaken(None, now, asked),
        (Act::Keep, _) if !asked.writes && !asked.touch => Plan::Nothing,
        (Act::Keep, Loaded::Nothing) => Plan::Create,
        (Act::Keep, Loaded::Current(loaded)) => match now {
            Some(record) if asked.resend && record.is_opened_as(loaded) => Plan::Update(record, Rotation::Resend),
            Some(record) => Plan::Update(record, Rotation::Keep),
            None if asked.writes => Plan::Drop(Dropped::Gone),
            None => Plan::Nothing,
        },
        (Act::Keep, Loaded::Superseded(_)) if asked.writes => Plan::Drop(Dropped::Superseded),
        (Act::Keep, Loaded::Unavailable) if asked.writes => Plan::Drop(Dropped::Unavailable),
        (Act::Keep, Loaded::Superseded(_) | Loaded::Unavailable) => Plan::Nothing,
    }
}

/// A renewal lost its race. The user must still end logged in, and nobody's logged-in or purged session may be
/// forked, entered or revived.
fn overtaken<'a>(loaded_owner: Option<&str>, now: Option<&'a Record>, asked: Asked<'_>) -> Plan<'a> {
    match now.and_then(|record| record.owner().map(|owner| (record, owner))) {
        Some((record, owner)) if loaded_owner == Some(owner) && asked.owner.is_none_or(|asked| asked == owner) => {
            // The sibling that won sends the new token.
            if asked.writes { Plan::Update(record, Rotation::Guard) } else { Plan::Nothing }
        }
        Some(_) if asked.owner.is_none() && asked.writes => Plan::Drop(Dropped::Overtaken),
        Some(_) if asked.owner.is_none() => Plan::Nothing,
        _ => Plan::Create,
    }
}

#[cfg(test)]
mod tests;
