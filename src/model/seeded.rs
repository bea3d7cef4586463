//! Bugs that the model must find.
//!
//! Those of a store are in the store. Those of the core are made at the tape: the core is right, and gets to hear, or is
//! heard to say, what a wrong core would.

use super::{
    does::Does,
    kept::{Kept, standing},
    request::{Call, Reply},
    world::World,
};
use crate::store::{Standing, State};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bug {
    /// After an unknown outcome the store's client sends `create` again by itself; there are no tombstones.
    CreateTwice,
    /// `replace` does not compare the nonce.
    NoNonce,
    /// `delete` leaves no tombstone.
    NoTombstone,
    /// The index entry is written after the record.
    IndexAfter,
    /// A change of owner removes the former owner's entry.
    IndexRemoved,
    /// A handle does not look at the standing of its token.
    NoStanding,
    /// A superseded `clear` removes everything that is there.
    BlindClear,
    /// A step-up that finds its session gone begins another one, of what it had loaded.
    StepUpBegins,
    /// A lost reply is taken for a promise that nothing was done: the operation is applied again.
    AppliesAgain,
    /// A restart begins the new session before it ends the old one.
    CreateFirst,
}

/// The call as a core with this bug makes it.
pub(super) fn call(bug: Option<Bug>, world: &World, at: usize, call: Call) -> Call {
    let Call::Replace(id, base, record) = call else { return call };
    let request = &world.requests[at];
    let Some(found) = world.store.get(&id).cloned() else { return Call::Replace(id, base, record) };
    let record = match bug {
        // The forged standing of the reply is not what such a core would write.
        Some(Bug::NoStanding) if request.cookie.is_some_and(|cookie| cookie.hash == record.body().current) => {
            let mut honest = record.record().clone();
            honest.body_mut().current = found.body().current;
            Kept::of(honest)
        }
        Some(Bug::BlindClear) if request.does.clears() && is_overtaken(world, at, &found) => {
            let mut cleared = record.record().clone();
            cleared.body_mut().state = State::default();
            Kept::of(cleared)
        }
        _ => record,
    };
    Call::Replace(id, base, record)
}

/// The reply as a core with this bug takes it.
pub(super) fn reply(bug: Option<Bug>, world: &World, at: usize, reply: Reply) -> Reply {
    let request = &world.requests[at];
    match (bug, reply, request.cookie) {
        (Some(Bug::NoStanding), Reply::Changed(found), Some(cookie)) if is_lost(world, at, &found) => {
            let mut forged = found.record().clone();
            forged.body_mut().current = cookie.hash;
            Reply::Forged(Kept::of(forged), found)
        }
        (Some(Bug::AppliesAgain), Reply::Unknown, _) => Reply::NotDone,
        (_, reply, _) => reply,
    }
}

/// The session that a step-up begins which finds its own gone.
pub(super) fn begun(bug: Option<Bug>, world: &World, at: usize) -> Option<Kept> {
    let request = &world.requests[at];
    let seat = request.seat.as_ref()?;
    let is_gone = request.target.is_some_and(|id| world.store.get(&id).is_none());
    (bug == Some(Bug::StepUpBegins) && request.does == Does::StepUp && is_gone && request.is_dropped)
        .then(|| seat.clone())
}

fn is_overtaken(world: &World, at: usize, found: &Kept) -> bool {
    standing_of(world, at, found) == Standing::Superseded
}

fn is_lost(world: &World, at: usize, found: &Kept) -> bool {
    standing_of(world, at, found) != Standing::Current
}

fn standing_of(world: &World, at: usize, found: &Kept) -> Standing {
    let request = &world.requests[at];
    standing(found, request.number, request.cookie.as_ref(), request.begun)
}
