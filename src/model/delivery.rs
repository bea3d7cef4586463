//! Answers on their way.

use super::{
    request::{Answer, Next, SetCookie, Step},
    world::{Stage, World},
};

/// Goes on to the next call, or to the answer.
pub(super) fn advance(world: &mut World, at: usize, step: Step) {
    let request = &mut world.requests[at];
    let answer = match &*step.next {
        Next::Answer(answer) if request.owed.is_none() => answer.clone(),
        _ => {
            request.stage = Stage::Running(step);
            return;
        }
    };
    let logs_in = request.does.logs_in() && answer.is_ok && !request.is_attack;
    request.stage = Stage::Answered(answer);
    if logs_in {
        for (other, request) in world.requests.iter_mut().enumerate() {
            let is_committed = request.is_retried || matches!(request.stage, Stage::Answered(_));
            request.is_older |= is_committed && other != at;
        }
    }
    // Nothing depends on when an answer without a cookie arrives, and an attacker loses none.
    let request = &world.requests[at];
    let sets_cookie = !matches!(&request.stage, Stage::Answered(answer) if answer.cookie == SetCookie::Nothing);
    if request.is_attack || !sets_cookie {
        deliver(world, at);
    }
}

pub(super) fn deliver(world: &mut World, at: usize) {
    let request = &mut world.requests[at];
    let Stage::Answered(Answer { is_ok, cookie }) = request.stage.clone() else { return };
    request.stage = Stage::Over { is_ok, sets_cookie: cookie != SetCookie::Nothing };
    match (cookie, request.is_attack) {
        (SetCookie::Set(cookie), true) if !world.known.contains(&cookie) => world.known.push(cookie),
        (_, true) => {}
        (cookie, false) => {
            let may_undo = cookie != SetCookie::Nothing && world.may_undo_login(at);
            let request = &world.requests[at];
            if request.does.logs_in() && is_ok {
                // Without a cookie of its own, it relies on one that came or comes with a sibling's answer.
                world.is_promised = cookie != SetCookie::Nothing || !world.is_undone;
                world.requests.iter_mut().for_each(|other| other.is_early |= !other.is_over() && other.is_sent());
            } else {
                world.is_promised &= !may_undo;
            }
            if cookie != SetCookie::Nothing {
                world.is_undone = may_undo && !world.is_promised;
            }
            match cookie {
                SetCookie::Nothing => {}
                SetCookie::Set(cookie) => world.jar = Some(cookie),
                SetCookie::Remove => world.jar = None,
            }
        }
    }
}

pub(super) fn lose(world: &mut World, at: usize) {
    let Stage::Answered(Answer { is_ok, cookie }) = world.requests[at].stage.clone() else { return };
    world.requests[at].stage = Stage::Over { is_ok, sets_cookie: cookie != SetCookie::Nothing };
    if let SetCookie::Set(cookie) = cookie {
        world.lost.insert(*cookie.hash.as_bytes());
    }
}
