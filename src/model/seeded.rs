//! Bugs that the model must find.
//!
//! Bugs of a store are in the store. Bugs of the core are made at the tape: the core itself is right, but its calls and
//! its replies are changed into those of a wrong core.

use super::{
    does::Does,
    kept::{Kept, standing},
    request::{Call, Reply},
    world::World,
};
use crate::store::{Standing, State};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bug {
    /// After an unknown outcome, the store's client sends `create` again by itself, and there are no tombstones.
    CreateTwice,
    /// `replace` does not compare the nonce.
    NoNonce,
    /// `delete` leaves no tombstone.
    NoTombstone,
    /// The index entry is written after the record.
    IndexAfter,
    /// A change of owner removes the former owner's entry.
    IndexRemoved,
    /// A handle ignores the standing of its token.
    NoStanding,
    /// A `clear` with a superseded token removes all keys.
    BlindClear,
    /// A step-up whose session is gone begins another one with the loaded data.
    StepUpBegins,
    /// A lost reply is taken for a promise that nothing was done, and the operation is applied again.
    AppliesAgain,
    /// A restart begins the new session before it ends the old one.
    CreateFirst,
    /// A renewal drops the session's binding to its device.
    #[cfg(feature = "device-bound")]
    RenewalUnbinds,
    /// A registration does not look whether the session is bound already.
    #[cfg(feature = "device-bound")]
    BindsAgain,
}

/// Returns the call as a core with this bug makes it.
pub(super) fn call(bug: Option<Bug>, world: &World, at: usize, call: Call) -> Call {
    let Call::Replace(id, base, record) = call else { return call };
    let request = &world.requests[at];
    let Some(found) = world.store.get(&id).cloned() else { return Call::Replace(id, base, record) };
    let record = match bug {
        // Such a core would not write the forged standing of the reply.
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
        #[cfg(feature = "device-bound")]
        Some(Bug::RenewalUnbinds) if record.body().current != found.body().current => {
            let mut unbound = record.record().clone();
            unbound.body_mut().rest.binding = None;
            Kept::of(unbound)
        }
        _ => record,
    };
    Call::Replace(id, base, record)
}

/// Returns the reply as a core with this bug reads it.
pub(super) fn reply(bug: Option<Bug>, world: &World, at: usize, reply: Reply) -> Reply {
    let request = &world.requests[at];
    match (bug, reply, request.cookie) {
        (Some(Bug::NoStanding), Reply::Changed(found), Some(cookie)) if is_lost(world, at, &found) => {
            let mut forged = found.record().clone();
            forged.body_mut().current = cookie.hash;
            Reply::Forged(Kept::of(forged), found)
        }
        (Some(Bug::AppliesAgain), Reply::Unknown, _) => Reply::NotDone,
        #[cfg(feature = "device-bound")]
        (Some(Bug::BindsAgain), Reply::Found(found), _) if request.does == Does::ForgeDevice => {
            let mut unbound = found.record().clone();
            if let Some(binding) = found.binding() {
                let binding = crate::store::Binding { key: binding.key.clone(), device: None };
                unbound.body_mut().rest.binding = Some(std::sync::Arc::new(binding));
            }
            Reply::Found(Kept::of(unbound))
        }
        (_, reply, _) => reply,
    }
}

/// Returns the session that a step-up begins if its own is gone.
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
