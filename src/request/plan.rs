//! Decides how a request ends. This is a pure function: no I/O, no clock, no randomness.
//!
//! `commit.rs` does what a [`Plan`] says, and plans again with the record that the store returns.

use crate::{
    config::Event,
    request::Act,
    store::{Record, SessionId, Standing},
};

/// The session as the request loaded it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Loaded {
    /// No token of the request is known to a record.
    Nothing,
    /// A token opened this record.
    Current(Record),
    /// A token is superseded on this record: a renewal replaced its secret within the last 60 seconds.
    Superseded(Record),
    /// A token names a record that cannot be read.
    Undecodable,
    /// A token opens a session that is bound to a device, and the request has no live proof of the device.
    #[cfg_attr(not(feature = "device-bound"), allow(dead_code))] // Only that feature binds sessions.
    Unproven,
    /// The store failed, and the layer gives the handler an empty session instead.
    Unavailable,
    /// This request purged the session.
    Ended,
    /// An earlier commit of this request found the session gone.
    Gone,
}

/// The stored record as far as this commit knows it: as it was loaded, or as the store returned it since.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found<'a> {
    /// This record, and the standing of the request's own token in it.
    Record(&'a Record, Standing),
    /// No record.
    Gone,
}

/// The parts of the request's operations that the decision depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Asked<'a> {
    pub(crate) act: Act,
    pub(crate) owner: OwnerEdit<'a>,
    /// There are other writes.
    pub(crate) writes: bool,
    /// Housekeeping is due: the deadline moves on, or the token is sent again under a new key.
    pub(crate) upkeep: bool,
}

/// The owner that the request writes. To write the loaded owner again is no edit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OwnerEdit<'a> {
    Keep,
    Set(&'a str),
    Remove,
}

/// The decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Plan {
    /// Do nothing.
    Nothing,
    /// Replace the record that was found.
    Replace(Change),
    /// Store a new session with the request's own inserts. Its token goes into the cookie.
    Create,
    /// Delete every record that a presented token opens or is superseded on, and remove the cookie.
    Purge,
    /// [`Plan::Purge`], then [`Plan::Create`].
    Restart,
    /// Delete the record that was found, if it is still stored, and remove the cookie.
    DeleteFound,
    /// Write nothing, and report the reason.
    Drop(Dropped),
    /// Fail: the store failed at the load, or its record could not be read.
    Fail,
}

/// The kind of a replacement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Change {
    /// The request's writes.
    Write,
    /// The writes of a request that a renewal overtook. They count as made before the renewal, and the request never sees the
    /// newer state.
    Merge,
    /// The secret and the request's writes. The new token goes into the cookie.
    Renew,
    /// The deadline only.
    Touch,
}

/// The reason for which writes are dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Dropped {
    /// The token was superseded when the session was loaded.
    Superseded,
    /// The session ended after it was loaded, or its token does not open it any more.
    Gone,
    /// A renewal came too late: a user has logged in to the session meanwhile.
    Overtaken,
    /// The session could not be loaded.
    Unavailable,
    /// The session is bound to a device, and the request has no live proof of it.
    Unproven,
}

impl Dropped {
    /// Returns the event that reports the reason, or `None` if it was reported already.
    pub(crate) fn event(self, id: SessionId) -> Option<Event<'static>> {
        match self {
            Self::Superseded | Self::Overtaken => Some(Event::SupersededWriteDropped { id }),
            Self::Gone => Some(Event::GoneWriteDropped { id }),
            Self::Unavailable | Self::Unproven => None,
        }
    }
}

/// Decides how a request ends, by the rules of DESIGN.md section 4, in their order.
pub(crate) fn plan(loaded: &Loaded, found: Found<'_>, asked: Asked<'_>) -> Plan {
    let Asked { act, owner, writes, upkeep } = asked;
    let logs_in = act == Act::Login || matches!(owner, OwnerEdit::Set(_));
    let renews = logs_in || act == Act::Renew || owner == OwnerEdit::Remove;
    let owner_at_load = match loaded {
        Loaded::Current(record) => record.owner(),
        _ => None,
    };
    match (act, loaded) {
        (Act::Purge | Act::Restart, Loaded::Unavailable) => Plan::Fail,
        (Act::Purge, _) => Plan::Purge,
        (Act::Restart, _) => Plan::Restart,
        (Act::Login, Loaded::Ended | Loaded::Gone) => Plan::Create,
        (_, Loaded::Ended | Loaded::Gone) => Plan::Nothing,
        (_, Loaded::Unavailable) if renews => Plan::Fail,
        (_, Loaded::Unavailable) => drop_if(writes, Dropped::Unavailable),
        (_, Loaded::Undecodable) if renews => Plan::Create,
        (_, Loaded::Undecodable) if writes => Plan::Fail,
        (_, Loaded::Undecodable) => Plan::Nothing,
        (_, Loaded::Nothing) if renews || writes => Plan::Create,
        (_, Loaded::Nothing) => Plan::Nothing,
        (_, Loaded::Unproven) if logs_in => Plan::Create,
        (_, Loaded::Unproven) => drop_if(renews || writes, Dropped::Unproven),
        (_, Loaded::Superseded(_)) if logs_in => Plan::Create,
        (_, Loaded::Superseded(_)) => drop_if(renews || writes, Dropped::Superseded),
        (_, Loaded::Current(_)) => match found {
            Found::Record(_, Standing::Current) if renews => Plan::Replace(Change::Renew),
            Found::Record(_, Standing::Current) if writes => Plan::Replace(Change::Write),
            Found::Record(_, Standing::Current) if upkeep => Plan::Replace(Change::Touch),
            Found::Record(_, Standing::Current) => Plan::Nothing,
            _ if logs_in => Plan::Create,
            _ if renews => overtaken(owner_at_load, found, owner, writes),
            Found::Record(now, Standing::Superseded) if owner_at_load.is_none() || now.owner() == owner_at_load => {
                if writes {
                    Plan::Replace(Change::Merge)
                } else {
                    Plan::Nothing
                }
            }
            _ => drop_if(writes, Dropped::Gone),
        },
    }
}

/// Decides for a renewal that is not a login and lost its race: its token is not current any more, or the record is
/// gone.
fn overtaken(owner_at_load: Option<&str>, found: Found<'_>, edit: OwnerEdit<'_>, writes: bool) -> Plan {
    let merged = if writes { Plan::Replace(Change::Merge) } else { Plan::Nothing };
    match (found, edit, owner_at_load) {
        (Found::Record(_, Standing::Unknown), ..) => Plan::Drop(Dropped::Gone),
        (Found::Record(now, _), OwnerEdit::Remove, _) if now.owner() == owner_at_load => Plan::DeleteFound,
        (_, OwnerEdit::Remove, _) => Plan::Nothing,
        (Found::Record(now, _), _, Some(owner)) if now.owner() == Some(owner) => merged,
        (_, _, Some(_)) => Plan::Drop(Dropped::Gone),
        (Found::Record(now, _), _, None) if now.owner().is_some() => Plan::Drop(Dropped::Overtaken),
        (Found::Record(..), _, None) => merged,
        (Found::Gone, _, None) => Plan::Create,
    }
}

fn drop_if(is_dropped: bool, why: Dropped) -> Plan {
    if is_dropped { Plan::Drop(why) } else { Plan::Nothing }
}

#[cfg(test)]
mod tests;
