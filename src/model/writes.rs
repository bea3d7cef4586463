//! The effects of writes, for the invariants.

use super::{
    does::{ALICE, Does},
    kept::{Kept, own_secrets, standing},
    seeded::Bug,
    store::Effect,
    world::{Break, Stage, World},
};
use crate::{SessionId, store::Standing};

/// Notes a write of the request `at`. `is_late` is true if its sender does not wait for it any more.
pub(super) fn note(world: &mut World, at: usize, effect: &Effect, is_late: bool, bug: Option<Bug>) {
    let mut is_merged = false;
    match effect {
        Effect::Nothing => return,
        Effect::Deleted(id) => {
            world.deleted.insert(*id);
            world.is_out |= world.requests[at].is_attack;
            return;
        }
        Effect::Created(id, new) => created(world, at, *id, new),
        Effect::Replaced(id, old, new) => {
            // A purge needs no proof.
            world.broken.set(Break::Thief, is_of_thief(world, at, old));
            is_merged = replaced(world, at, old, new) == Standing::Superseded;
            let is_rotated = old.body().current != new.body().current;
            if is_rotated {
                world.order += 1;
                world.requests[at].order = world.order;
                world.is_answer_lost |= is_late;
                world.is_out |= world.requests[at].is_attack && old.owner() != new.owner();
            }
            if bug == Some(Bug::IndexRemoved)
                && let Some(owner) = old.owner().filter(|owner| new.owner() != Some(owner))
            {
                world.owed.push((*id, owner.to_owned(), false));
            }
        }
    }
    let (Effect::Created(id, new) | Effect::Replaced(id, _, new)) = effect else { return };
    for mark in Does::marks(world.requests[at].number) {
        if new.has_mark(mark) {
            world.placed.insert(mark, *id);
        }
    }
    // A handle never sees the state into which its writes were merged.
    if !is_late && !is_merged {
        world.requests[at].seat = Some(new.clone());
    }
    let request = &world.requests[at];
    if let Some(ids) = world.everywhere.as_mut().filter(|_| request.does.logs_in()) {
        // With an epoch, a login that was in progress when it moved must end, too.
        if request.is_checked_before && new.owner() == Some(ALICE) {
            ids.insert(*id);
        } else {
            ids.remove(id);
        }
    }
}

/// Returns true if a thief without the device's key writes to a session that no proof has opened.
fn is_of_thief(world: &World, at: usize, old: &Kept) -> bool {
    let request = &world.requests[at];
    let opened_at = match &request.stage {
        Stage::Running(step) => step.progress.opened_at,
        _ => None,
    };
    let was_open = opened_at.is_some_and(|time| world.is_copy_live(time));
    world.options.devices && request.is_attack && old.owner() == Some(ALICE) && !was_open
}

/// Checks that a new session holds the request's own inserts, and nothing that was loaded.
fn created(world: &mut World, at: usize, id: SessionId, new: &Kept) {
    let request = &world.requests[at];
    let own = Does::marks(request.number);
    let is_foreign = new.marks().iter().any(|mark| !own.contains(mark));
    let has_user = new.owner().is_some() || new.state().contains_key("user");
    let is_remade = is_foreign || (has_user && request.does.owner().is_none());
    world.broken.set(Break::Remade, is_remade);
    if !world.deleted.contains(&id) {
        world.requests[at].target = Some(id);
    }
}

fn replaced(world: &mut World, at: usize, old: &Kept, new: &Kept) -> Standing {
    let request = &world.requests[at];
    let does = request.does;
    let mut broken = world.broken;
    let standing = standing(old, request.number, request.cookie.as_ref(), request.begun);
    broken.set(Break::Unknown, standing == Standing::Unknown);

    let owner_at_load = request.seat.as_ref().and_then(|seat| seat.owner());
    let merges = standing == Standing::Superseded && owner_at_load.is_none();
    let sets_owner = does.owner().is_some_and(|owner| new.owner() == Some(owner)) && standing == Standing::Current;
    let is_of_device = does.is_of_device();
    broken.set(Break::Foreign, old.owner() != owner_at_load && !merges && !sets_owner && !is_of_device);
    // A device's request changes the binding alone.
    let parts = |kept: &Kept| (kept.state().clone(), kept.owner().map(str::to_owned), kept.credentials().clone());
    broken.set(Break::Foreign, is_of_device && parts(old) != parts(new));

    let removed: Vec<u8> = old.marks().iter().copied().filter(|mark| !new.has_mark(*mark)).collect();
    let starts_over = does.logs_in() && old.owner().is_some_and(|owner| does.owner() != Some(owner));
    let may_remove = does.clears() || starts_over;
    broken.set(Break::Lost, !removed.is_empty() && !may_remove);
    if may_remove {
        world.cleared.extend(&removed);
    }

    if standing == Standing::Superseded {
        let seen = request.seat.as_ref();
        let is_unchanged = |key| seen.and_then(|seat| seat.state().get(key)) == old.state().get(key);
        let (now, then) = (old.body(), new.body());
        let is_undone = (!is_unchanged("last") && old.state().get("last") != new.state().get("last"))
            || (now.current, old.owner(), &now.rest.superseded) != (then.current, new.owner(), &then.rest.superseded)
            || removed.iter().any(|mark| !seen.is_some_and(|seat| seat.has_mark(*mark)));
        broken.set(Break::Undone, is_undone);
    } else if standing == Standing::Current && old.body().current != new.body().current {
        let own = own_secrets(request.number);
        assert!(own.contains(new.body().current.as_bytes()), "a renewal draws its own secret");
    }
    world.broken = broken;
    standing
}
