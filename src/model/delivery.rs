//! Answers on their way to the client.

use super::{
    does::{ALICE, Does},
    replay::Step,
    request::{Answer, DeviceValues, Next, SetCookie},
    world::{Break, Opened, Request, Stage, World},
};
use crate::store::Standing;

/// Goes on to the next call, or to the answer.
pub(super) fn advance(world: &mut World, at: usize, step: Step) {
    world.broken.set(Break::Shown, step.progress.has_shown);
    world.broken.set(Break::Ran, step.progress.has_run);
    let is_late = step.progress.opened_at.is_some_and(|time| !world.is_copy_live(time));
    world.broken.set(Break::Thief, world.requests[at].is_attack && is_late);
    let request = &mut world.requests[at];
    request.acknowledged.clone_from(&step.progress.acknowledged);
    request.is_dropped = step.progress.is_dropped;
    if step.progress.is_unproven && request.opened != Opened::Unproven {
        (request.opened, request.seat) = (Opened::Unproven, None);
    }
    let answer = match step.next() {
        Next::Answer(answer) if request.put_off.is_none() => answer.clone(),
        _ => {
            request.stage = Stage::Running(step);
            return;
        }
    };
    world.is_answer_lost |= request.is_renewal() && !answer.is_ok;
    let sets_cookie = matches!(answer.cookie, SetCookie::Set(_));
    let owner = request.seat.as_ref().and_then(|seat| seat.owner());
    if sets_cookie && !request.is_renewal() && request.does.renews(owner, world.options) {
        world.order += 1;
    }
    request.committed = world.order;
    let is_login_ended = request.does.logs_in()
        && answer.is_ok
        && (request.is_dropped || (answer.cookie == SetCookie::Nothing && !world.has_failed));
    world.broken.set(Break::NoSession, is_login_ended);
    request.stage = Stage::Answered(answer);
    let stays_in =
        request.does == Does::Leave && request.is_acknowledged() && !request.is_dropped && is_still_in(world, at);
    world.broken.set(Break::NoLogout, stays_in);
    // The moment at which an answer without a cookie arrives changes nothing, and an attacker loses no answers.
    let request = &world.requests[at];
    let is_nothing = |answer: &Answer| answer.cookie == SetCookie::Nothing && answer.values == DeviceValues::default();
    let sets_cookie = !matches!(&request.stage, Stage::Answered(answer) if is_nothing(answer));
    if request.is_attack || !sets_cookie {
        deliver(world, at);
    }
}

/// Returns true if the session that a request loaded still has its owner, although the request removed it.
fn is_still_in(world: &World, at: usize) -> bool {
    let request = &world.requests[at];
    let (Opened::Current(id), Some(seat), Some(cookie)) = (request.opened, &request.seat, request.cookie) else {
        return false;
    };
    world.store.get(&id).is_some_and(|kept| {
        seat.owner().is_some()
            && kept.owner() == seat.owner()
            && kept.standing(&cookie.hash, request.begun) != Standing::Unknown
    })
}

pub(super) fn deliver(world: &mut World, at: usize) {
    let request = &mut world.requests[at];
    let Stage::Answered(Answer { is_ok, cookie, values }) = request.stage.clone() else { return };
    let sets_cookie = cookie != SetCookie::Nothing;
    request.stage = Stage::Over { is_ok, sets_cookie };
    if request.is_attack {
        world.copied.learn(&values);
        if let SetCookie::Set(cookie) = cookie
            && !world.known.contains(&cookie)
        {
            world.known.push(cookie);
        }
        return;
    }
    world.values.learn(&values);
    if sets_cookie {
        let owner = request.target.and_then(|id| world.store.get(&id)?.owner());
        let is_early = request.is_early && owner.is_none();
        let is_heir = request.is_excused && !request.does.logs_in();
        world.is_excused =
            is_early || is_heir || request.place() < world.delivered || request.opened == Opened::Nothing;
        world.delivered = world.delivered.max(request.place());
    }
    if is_ok && request.does == Does::Login(ALICE) {
        world.is_in = true;
        let is_under_way = |request: &&mut Request| matches!(request.stage, Stage::Running(_) | Stage::Answered(_));
        world.requests.iter_mut().filter(is_under_way).for_each(|request| request.is_early = true);
    }
    match cookie {
        SetCookie::Nothing => {}
        SetCookie::Set(cookie) => world.jar = Some(cookie),
        SetCookie::Remove => world.jar = None,
    }
}

pub(super) fn lose(world: &mut World, at: usize) {
    let request = &mut world.requests[at];
    let Stage::Answered(Answer { is_ok, cookie, .. }) = request.stage.clone() else { return };
    request.stage = Stage::Over { is_ok, sets_cookie: cookie != SetCookie::Nothing };
    world.is_answer_lost |= request.is_renewal() && matches!(cookie, SetCookie::Set(_));
}

pub(super) fn crash(world: &mut World, at: usize) {
    let request = &mut world.requests[at];
    request.stage = Stage::Crashed;
    world.is_answer_lost |= request.is_renewal();
}
