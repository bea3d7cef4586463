//! The properties that hold in every state.

use stateright::Property;

use super::{
    calls::Luck,
    does::{ALICE, BOB, Does},
    kept::{Kept, own_secrets},
    request::{Options, SetCookie},
    steps::{Protocol, send},
    world::{Break, Opened, Request, Stage, World},
};
use crate::{SessionId, store::Standing};

pub(super) const DELETED: &str = "an id that was deleted never comes back";
pub(super) const REMADE: &str = "a new session holds nothing that another request had loaded";
pub(super) const SHOWN: &str = "a handle shows only what its token opens";
pub(super) const RAN: &str = "a closure runs only on what its token opens";
pub(super) const FOREIGN: &str = "no write lands in a session of another owner";
pub(super) const UNKNOWN: &str = "a handle whose token is unknown changes nothing";
pub(super) const UNDONE: &str = "a write from before a renewal undoes nothing of it";
pub(super) const LOST: &str = "a write keeps what others wrote";
pub(super) const KEPT: &str = "no acknowledged write to a live session is lost";
pub(super) const ONCE: &str = "an update counts at most once";
pub(super) const FORKED: &str = "what a request inserts is in one session";
pub(super) const INDEXED: &str = "a live owned session is in its owner's index";
pub(super) const RESTART: &str = "a restart's session begins after the old one's end";
pub(super) const LASTS: &str = "a login lasts";
pub(super) const THIEF: &str = "a thief without the device's key acts for one proof's lifetime at most";

pub(super) fn all() -> Vec<Property<Protocol>> {
    vec![
        Property::always(DELETED, |_, world: &World| world.deleted.iter().all(|id| world.store.get(id).is_none())),
        Property::always(REMADE, |_, world: &World| !world.broken.has(Break::Remade)),
        Property::always(SHOWN, |_, world: &World| !world.broken.has(Break::Shown)),
        Property::always(RAN, |_, world: &World| !world.broken.has(Break::Ran)),
        Property::always(FOREIGN, |_, world: &World| !world.broken.has(Break::Foreign)),
        Property::always(UNKNOWN, |_, world: &World| !world.broken.has(Break::Unknown)),
        Property::always(UNDONE, |_, world: &World| !world.broken.has(Break::Undone)),
        Property::always(LOST, |_, world: &World| !world.broken.has(Break::Lost)),
        Property::always("a login that is answered has a session", |_, world: &World| {
            !world.broken.has(Break::NoSession)
        }),
        Property::always("a logout by removing the owner takes effect", |_, world: &World| {
            !world.broken.has(Break::NoLogout)
        }),
        Property::always(KEPT, |_, world: &World| writes_are_kept(world)),
        Property::always(ONCE, |_, world: &World| updates_count_once(world)),
        Property::always(FORKED, |_, world: &World| nothing_is_forked(world)),
        Property::always(INDEXED, |_, world: &World| all_are_listed(world)),
        Property::always("\"log out everywhere\" ends what was logged in before it", |_, world: &World| {
            everywhere_ends(world)
        }),
        Property::always("a purge ends its session", |_, world: &World| purges_end(world)),
        Property::always(RESTART, |_, world: &World| restarts_end_first(world)),
        Property::always("a purge takes the cookie away", |_, world: &World| purges_take_the_cookie(world)),
        Property::always("a renewal leaves its token dead", |_, world: &World| renewals_kill(world)),
        Property::always("a record has one live secret", |_, world: &World| one_secret_opens(world)),
        Property::always("no token of the attacker's opens a user's session", |_, world: &World| fixation_fails(world)),
        Property::always("nothing fails by itself", |_, world: &World| nothing_fails_by_itself(world)),
        Property::always(LASTS, |_, world: &World| logins_last(world)),
        Property::always(THIEF, |_, world: &World| !world.broken.has(Break::Thief)),
        Property::always("one can log in again at once", can_log_in),
    ]
}

fn acknowledged(world: &World) -> impl Iterator<Item = &Request> {
    world.requests.iter().filter(|request| request.is_acknowledged())
}

/// A plain write with a superseded token may be dropped, which an event reports; such a write is not acknowledged.
/// Every other write is in the session in which it was stored, as long as that session lives.
fn writes_are_kept(world: &World) -> bool {
    let is_there = |mark: &u8| {
        world.placed.get(mark).is_some_and(|id| match world.store.get(id) {
            Some(kept) => kept.has_mark(*mark) || world.cleared.contains(mark),
            None => world.deleted.contains(id),
        })
    };
    world.requests.iter().flat_map(|request| &request.acknowledged).all(is_there)
}

/// An update that was not acknowledged may have been done, but only once.
fn updates_count_once(world: &World) -> bool {
    world.store.live().all(|(_, kept)| kept.marks().windows(2).all(|pair| pair[0] != pair[1]))
}

/// While a create of unknown outcome may still arrive, its session may exist beside the one that replaced it.
fn nothing_is_forked(world: &World) -> bool {
    world.requests.iter().filter(|request| request.is_answered() && !request.is_littered).all(|request| {
        let has_mark = |mark| world.store.live().filter(|(_, kept)| kept.has_mark(mark)).count() <= 1;
        Does::marks(request.number).into_iter().all(has_mark)
    })
}

fn all_are_listed(world: &World) -> bool {
    world.store.live().all(|(id, kept)| kept.owner().is_none_or(|owner| world.store.lists(owner, id)))
}

fn everywhere_ends(world: &World) -> bool {
    let is_over = acknowledged(world).any(|request| request.does == Does::Everywhere);
    let is_in = |id: &SessionId| {
        world.store.get(id).is_some_and(|kept| kept.owner() == Some(ALICE) && !world.store.is_revoked(kept))
    };
    !is_over || !world.everywhere.iter().flatten().any(is_in)
}

/// Except for a session that a renewal took from the token longer ago than the superseded window.
fn purges_end(world: &World) -> bool {
    acknowledged(world).filter(|request| request.does.purges()).all(|request| {
        let (Opened::Current(id) | Opened::Superseded(id)) = request.opened else { return true };
        let is_known = |kept: &Kept| {
            request.cookie.is_some_and(|cookie| kept.standing(&cookie.hash, request.begun) != Standing::Unknown)
        };
        !world.store.get(&id).is_some_and(is_known)
    })
}

/// A crash between the two must leave the user logged out.
fn restarts_end_first(world: &World) -> bool {
    world.requests.iter().filter(|request| request.does == Does::Restart).all(|request| {
        let (Opened::Current(old) | Opened::Superseded(old)) = request.opened else { return true };
        let has_begun = request.target.is_some_and(|new| new != old && world.store.get(&new).is_some());
        !(has_begun && world.store.get(&old).is_some())
    })
}

/// Even if the store fails to delete the session: the user sees an error, and this browser is logged out.
fn purges_take_the_cookie(world: &World) -> bool {
    world.requests.iter().filter(|request| request.does.purges()).all(|request| {
        let (Opened::Current(_) | Opened::Superseded(_)) = request.opened else { return true };
        match &request.stage {
            Stage::Answered(answer) => answer.cookie != SetCookie::Nothing,
            Stage::Over { sets_cookie, .. } => *sets_cookie,
            Stage::Unsent | Stage::Running(_) | Stage::Crashed => true,
        }
    })
}

fn renewals_kill(world: &World) -> bool {
    acknowledged(world).filter(|request| request.is_renewal()).all(|request| {
        let (Opened::Current(id) | Opened::Superseded(id)) = request.opened else { return true };
        let opener = world.store.get(&id).map(|kept| kept.body().current);
        request.cookie.is_none_or(|cookie| opener != Some(cookie.hash))
    }) && acknowledged(world).filter(|request| must_renew(request, world.options)).all(|request| {
        let (Opened::Current(id), Some(cookie)) = (request.opened, request.cookie) else { return true };
        world.store.get(&id).is_none_or(|kept| kept.body().current != cookie.hash)
    })
}

fn must_renew(request: &Request, options: Options) -> bool {
    let is_always = matches!(request.does, Does::Login(_) | Does::StepUp | Does::Renew | Does::HeldRenew);
    is_always
        || request.seat.as_ref().is_some_and(|seat| request.does.renews(seat.owner(), options))
            && request.does.owner().is_none()
}

fn one_secret_opens(world: &World) -> bool {
    let answers = world.requests.iter().filter_map(|request| match &request.stage {
        Stage::Answered(answer) => match &answer.cookie {
            SetCookie::Set(cookie) => Some(*cookie),
            _ => None,
        },
        _ => None,
    });
    let presented = world.requests.iter().filter_map(|request| request.cookie);
    let mut open: Vec<_> = world
        .jar
        .into_iter()
        .chain(world.known.iter().copied())
        .chain(answers)
        .chain(presented)
        .filter(|cookie| world.opens(Some(cookie)).is_some())
        .collect();
    open.sort_unstable_by_key(|cookie| (cookie.id, *cookie.hash.as_bytes()));
    open.dedup();
    open.windows(2).all(|pair| pair[0].id != pair[1].id)
}

fn fixation_fails(world: &World) -> bool {
    if world.is_theft {
        return true;
    }
    world.known.iter().filter_map(|cookie| world.opens(Some(cookie))).all(|kept| {
        let logins = world.requests.iter().filter(|request| request.does.logs_in() && !request.is_attack);
        !is_users(kept) && !logins.flat_map(|request| Does::marks(request.number)).any(|mark| kept.has_mark(mark))
    })
}

/// Each lost race is the success of another writer, so a small number of requests never fail because of it.
fn nothing_fails_by_itself(world: &World) -> bool {
    let may_fail = |request: &Request| {
        // The password was checked before the owner's sessions were ended.
        world.options.epochs && world.everywhere.is_some() && request.does.logs_in()
    };
    world.has_failed
        || world.requests.iter().all(|request| !request.is_answered() || request.is_acknowledged() || may_fail(request))
}

/// If the browser was told of a login and there was no logout, its cookie opens a user's session when no request is
/// left.
fn logins_last(world: &World) -> bool {
    if !world.is_in || world.is_out || world.is_excused || world.is_answer_lost || !world.is_quiet() {
        return true;
    }
    world.opens(world.jar.as_ref()).is_some_and(is_users)
}

/// A login with the browser's present cookie and a working store ends logged in.
fn can_log_in(protocol: &Protocol, world: &World) -> bool {
    if !world.is_quiet() || world.left.windows > 0 || !world.requests.iter().all(Request::is_sent) {
        return true;
    }
    let mut world = world.clone();
    let at = world.requests.len();
    world.requests.push(Request::new(99, Does::Login(ALICE), false));
    send(&mut world, at, None);
    while world.requests[at].next().is_some() {
        protocol.ask(&mut world, at, Luck::Fine);
    }
    super::delivery::deliver(&mut world, at);
    world
        .opens(world.jar.as_ref())
        .is_some_and(|kept| kept.owner() == Some(ALICE) && own_secrets(99).contains(kept.body().current.as_bytes()))
}

fn is_users(kept: &Kept) -> bool {
    kept.owner().is_some_and(|owner| [ALICE, BOB].contains(&owner))
}
