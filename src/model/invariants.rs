//! What must hold in every state, and what must happen in some.

use stateright::Property;

use super::{
    kept::current,
    request::{Does, SetCookie},
    steps::{Action, Luck, Protocol},
    world::{Opened, Request, Stage, World},
};
use crate::{Record, SessionId, Standing};

/// Both are logged in; the attacker logs in as somebody else.
pub(super) const USERS: [&str; 2] = ["alice", "bob"];

pub(super) fn all() -> Vec<Property<Protocol>> {
    vec![
        Property::always("no acknowledged write to a live session is lost", |_, world: &World| writes_are_kept(world)),
        Property::always("an acknowledged update counts once", |_, world: &World| updates_count_once(world)),
        Property::always("what a request inserts is in one session", |_, world: &World| nothing_is_forked(world)),
        Property::always("an ended session stays ended", |_, world: &World| the_ended_stay_ended(world)),
        Property::always("a restart's session begins after the old one's end", |_, world: &World| {
            restarts_end_first(world)
        }),
        Property::always("a purge takes the cookie away", |_, world: &World| purges_take_the_cookie(world)),
        Property::always("a renewal leaves its token dead", |_, world: &World| renewals_kill(world)),
        Property::always("a record has one live secret", |_, world: &World| one_secret_opens(world)),
        Property::always("no token of the attacker's opens a user's session", |_, world: &World| fixation_fails(world)),
        Property::always("a login lasts", |_, world: &World| logins_last(world)),
        Property::always("one can log in again at once", can_log_in),
        Property::sometimes("a login loses its race", |_, world: &World| {
            world.requests.iter().filter(|request| request.does.logs_in() && request.is_acknowledged()).count() > 1
                && world.store.len() > 1
        }),
        Property::sometimes("a superseded token is presented", |_, world: &World| {
            world.requests.iter().any(|request| matches!(request.opened, Opened::Superseded(_)))
        }),
    ]
}

fn sessions(world: &World) -> impl Iterator<Item = (&SessionId, &Record)> {
    world.store.iter().map(|(id, kept)| (id, &*kept.record))
}

fn acknowledged(world: &World) -> impl Iterator<Item = &Request> {
    world.requests.iter().filter(|request| request.is_acknowledged())
}

/// Plain writes under a superseded token, or without the store, are dropped, and an event tells; all others are in the session that the request
/// opened, or in the one that it began, for as long as that lives.
fn writes_are_kept(world: &World) -> bool {
    acknowledged(world).all(|request| {
        let Some(key) = request.key() else { return true };
        match request.target {
            Some(id) => match world.store.get(&id) {
                Some(kept) => kept.record.state().contains_key(key),
                None => world.deleted.contains(&id),
            },
            None => matches!(request.opened, Opened::Superseded(_) | Opened::Failed) && !request.does.logs_in(),
        }
    })
}

/// An update that was not acknowledged may have been done.
fn updates_count_once(world: &World) -> bool {
    sessions(world).all(|(id, record)| {
        let count = record.state().get("n").map_or(0, |raw| raw.parse::<usize>().unwrap());
        let of = |request: &&Request| request.does == Does::Update && request.target == Some(*id);
        let done = acknowledged(world).filter(of).count();
        let begun = world.requests.iter().filter(of).count();
        (done..=begun).contains(&count)
    })
}

fn nothing_is_forked(world: &World) -> bool {
    world
        .requests
        .iter()
        .filter_map(Request::key)
        .all(|key| sessions(world).filter(|(_, record)| record.state().contains_key(key)).count() <= 1)
}

fn the_ended_stay_ended(world: &World) -> bool {
    let ended = acknowledged(world).filter(|request| request.does.ends()).all(|request| match request.opened {
        Opened::Current(id) | Opened::Superseded(id) => !world.store.contains_key(&id),
        Opened::NotYet | Opened::Failed | Opened::Nothing => true,
    });
    ended && world.deleted.iter().all(|id| !world.store.contains_key(id))
}

/// A crash between the two must leave nobody logged in.
fn restarts_end_first(world: &World) -> bool {
    world.requests.iter().filter(|request| request.does == Does::Restart).all(|request| {
        let (Opened::Current(old) | Opened::Superseded(old)) = request.opened else { return true };
        let has_begun = request.target.is_some_and(|new| new != old && world.store.contains_key(&new));
        !(has_begun && world.store.contains_key(&old))
    })
}

/// Also where the store fails to delete: the user is told of an error, and is not logged in here any more.
fn purges_take_the_cookie(world: &World) -> bool {
    world.requests.iter().filter(|request| request.does.ends()).all(|request| {
        let (Opened::Current(_) | Opened::Superseded(_)) = request.opened else { return true };
        match &request.stage {
            Stage::Answered(answer) => answer.cookie != SetCookie::Nothing,
            Stage::Over { sets_cookie, .. } => *sets_cookie,
            Stage::Unsent | Stage::Running(_) | Stage::Crashed => true,
        }
    })
}

fn renewals_kill(world: &World) -> bool {
    let renews = |request: &&Request| matches!(request.does, Does::Renew | Does::Login(_));
    acknowledged(world).filter(renews).all(|request| {
        let (Opened::Current(id) | Opened::Superseded(id)) = request.opened else { return true };
        let opener = world.store.get(&id).map(|kept| current(&kept.record.credentials()));
        request.cookie.is_none_or(|cookie| opener != Some(*cookie.hash.as_bytes()))
    })
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
    world.known.iter().filter_map(|cookie| world.opens(Some(cookie))).all(|record| {
        let logins = world.requests.iter().filter(|request| request.does.logs_in() && !request.is_attack);
        !is_users(record) && !logins.filter_map(Request::key).any(|key| record.state().contains_key(key))
    })
}

/// Where the browser was told of a login and nobody logged out, its cookie opens a user's session once all is quiet.
///
/// But for what no server can mend in one cookie slot: `is_promised` forgets what `World::may_undo_login` tells of, and
/// the answer to a renewal after the login may have been lost.
fn logins_last(world: &World) -> bool {
    let is_ended = world.requests.iter().any(|request| request.does.ends() && request.is_sent());
    if !world.is_promised || is_ended || !world.is_quiet() {
        return true;
    }
    match world.look(world.jar.as_ref()) {
        Some((record, Standing::Current)) => is_users(record),
        Some((record, _)) => is_users(record) && world.lost.contains(&current(&record.credentials())),
        None => false,
    }
}

/// A login now, with the cookie that the browser has now, and a store that works: it ends logged in.
fn can_log_in(protocol: &Protocol, world: &World) -> bool {
    if !world.is_quiet() {
        return true;
    }
    let mut world = world.clone();
    let at = world.requests.len();
    world.requests.push(Request::new(99, Does::Login("alice"), false));
    Protocol::send(&mut world, at, None);
    while world.requests[at].next().is_some() {
        protocol.ask(&mut world, at, Luck::Fine);
    }
    if matches!(world.requests[at].stage, Stage::Answered(_)) {
        world = stateright::Model::next_state(protocol, &world, Action::Deliver(at)).unwrap();
    }
    world.opens(world.jar.as_ref()).is_some_and(|record| record.owner() == Some("alice"))
}

pub(super) fn is_users(record: &Record) -> bool {
    record.owner().is_some_and(|owner| USERS.contains(&owner))
}
