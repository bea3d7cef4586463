//! What can happen next, and what comes of it.

use stateright::{Model, Property};

use super::{
    delivery::{advance, deliver, lose},
    invariants,
    kept::{Kept, current},
    request::{Call, Does, Next, Reply, Run, Step},
    seeded::{self, Bug},
    world::{Opened, Request, Stage, World},
};
use crate::{Changes, Expected, Record, SessionId, Standing};

/// The commit protocol, or one with a bug in it.
#[derive(Clone, Debug, Default)]
pub(super) struct Protocol {
    pub(super) worlds: Vec<World>,
    pub(super) bug: Option<Bug>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// A request leaves, with the jar's cookie, or with one that the attacker knows.
    Send(usize, Option<usize>),
    /// The store does what a request asks of it.
    Ask(usize, Luck),
    /// The server, or the client, is gone for good.
    Crash(usize),
    Deliver(usize),
    Lose(usize),
    PassWindow,
}

/// How a call to the store goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Luck {
    Fine,
    /// It fails.
    Undone,
    /// It is done, and fails all the same.
    Done,
    /// It is done, the reply is lost, and the store's client asks again later.
    Again,
}

impl Model for Protocol {
    type State = World;
    type Action = Action;

    fn init_states(&self) -> Vec<World> {
        self.worlds.clone()
    }

    fn actions(&self, world: &World, actions: &mut Vec<Action>) {
        if world.left.windows > 0 {
            actions.push(Action::PassWindow);
        }
        for (at, request) in world.requests.iter().enumerate() {
            match &request.stage {
                // Of requests that do the same, the first goes first: they differ in nothing but their number.
                Stage::Unsent if world.requests[..at].iter().any(|other| is_twin(other, request)) => {}
                Stage::Unsent if request.is_attack => {
                    actions.extend((0..world.known.len()).map(|cookie| Action::Send(at, Some(cookie))));
                }
                Stage::Unsent => actions.push(Action::Send(at, None)),
                Stage::Running(step) => {
                    actions.push(Action::Ask(at, Luck::Fine));
                    let call = match &*step.next {
                        Next::Call(call) if !request.is_attack && !request.is_retried => call,
                        _ => continue,
                    };
                    if world.left.faults > 0 {
                        actions.extend([Action::Ask(at, Luck::Undone), Action::Crash(at)]);
                        if !matches!(call, Call::Load(_)) {
                            actions.push(Action::Ask(at, Luck::Done));
                        }
                    }
                    if world.left.retries > 0 && matches!(call, Call::Update(_, changes) if may_be_retried(changes)) {
                        actions.push(Action::Ask(at, Luck::Again));
                    }
                }
                Stage::Answered(_) => actions.extend([Action::Deliver(at), Action::Lose(at)]),
                Stage::Over { .. } | Stage::Crashed => {}
            }
        }
    }

    fn next_state(&self, world: &World, action: Action) -> Option<World> {
        let mut world = world.clone();
        match action {
            Action::Send(at, cookie) => Self::send(&mut world, at, cookie),
            Action::Ask(at, luck) => self.ask(&mut world, at, luck),
            Action::Crash(at) => {
                world.left.faults -= 1;
                world.requests[at].stage = Stage::Crashed;
            }
            Action::Deliver(at) => deliver(&mut world, at),
            Action::Lose(at) => lose(&mut world, at),
            Action::PassWindow => {
                world.left.windows -= 1;
                world.pass_window();
            }
        }
        Some(world)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        invariants::all()
    }
}

impl Protocol {
    pub(super) fn send(world: &mut World, at: usize, known: Option<usize>) {
        let cookie = known.map_or(world.jar, |at| world.known.get(at).copied());
        let request = &mut world.requests[at];
        let Request { number, does, policy, .. } = *request;
        let step = Step::of(Run { number, does, cookie, policy, sent: world.now, replies: Vec::new() });
        request.cookie = cookie;
        if cookie.is_none() {
            request.opened = Opened::Nothing;
        }
        advance(world, at, step);
    }

    /// One call to the store is one atomic step, and so is what a request does between two calls.
    pub(super) fn ask(&self, world: &mut World, at: usize, luck: Luck) {
        if luck == Luck::Again {
            world.left.retries -= 1;
        } else if luck != Luck::Fine {
            world.left.faults -= 1;
        }
        let Stage::Running(step) = &world.requests[at].stage else { return };
        let step = step.clone();
        let Next::Call(call) = &*step.next else { return pay(world, at, &step) };
        let reply = match luck {
            Luck::Undone => {
                let opened = &mut world.requests[at].opened;
                if *opened == Opened::NotYet {
                    *opened = Opened::Failed;
                }
                Reply::Failed
            }
            _ => self.act(world, at, &step.run, call),
        };
        if let (Luck::Done | Luck::Again, Call::Update(_, changes), Reply::Done) = (luck, call, &reply) {
            world.lost.extend(changes.credentials().map(current));
        }
        let request = &mut world.requests[at];
        let reply = match (luck, call, reply) {
            (Luck::Again, ..) => {
                request.is_retried = true;
                return;
            }
            (Luck::Done, ..) => Reply::Failed,
            (_, Call::Update(_, changes), Reply::Conflict(found)) if request.is_retried => {
                // Nobody can tell whether the first try was done, once somebody else has written after it.
                let is_known = found.nonce() == changes.nonce() || self.bug == Some(Bug::TrustRetry);
                if is_known { Reply::Conflict(found) } else { Reply::Failed }
            }
            (_, _, reply) => reply,
        };
        request.is_retried = false;
        let mut run = (*step.run).clone();
        run.replies.push((world.now, reply));
        advance(world, at, Step::of(run));
    }

    /// The store does it.
    fn act(&self, world: &mut World, at: usize, run: &Run, call: &Call) -> Reply {
        let request = &mut world.requests[at];
        match call {
            Call::Load(id) => {
                let found = world.store.get(id).map(|kept| &*kept.record);
                if request.opened == Opened::NotYet {
                    let standing =
                        found.zip(run.cookie.as_ref()).map(|(record, cookie)| record.standing(&cookie.hash, run.sent));
                    request.opened = match standing {
                        Some(Standing::Current) => Opened::Current(*id),
                        Some(Standing::Superseded) => Opened::Superseded(*id),
                        Some(Standing::Unknown) | None => Opened::Nothing,
                    };
                    request.target = (request.opened == Opened::Current(*id)).then_some(*id);
                }
                found.map_or(Reply::Missing, |record| Reply::Found(record.clone()))
            }
            Call::Create(id, record) => {
                assert!(!world.store.contains_key(id), "ids are drawn once");
                world.store.insert(*id, self.kept(record.clone()));
                request.target = Some(*id);
                Reply::Done
            }
            Call::Update(id, changes) => {
                let seen = run.replies.iter().rev().find_map(|(_, reply)| match reply {
                    Reply::Found(record) | Reply::Conflict(record) => Some(record),
                    _ => None,
                });
                let now = world.store.get(id).map(|kept| &*kept.record);
                match seeded::update(self.bug, now, changes, seen) {
                    Ok(after) => {
                        world.store.insert(*id, self.kept(after));
                        Reply::Done
                    }
                    Err(reply) => *reply,
                }
            }
            Call::Delete(id) => {
                if self.bug == Some(Bug::CreateFirst) && request.does == Does::Restart {
                    request.owed = Some(*id);
                } else {
                    delete(world, id);
                }
                Reply::Done
            }
        }
    }

    /// Without retries nobody asks who wrote last: states that differ in that alone are one.
    fn kept(&self, mut record: Record) -> Kept {
        if self.worlds.first().is_none_or(|world| world.left.retries == 0) {
            record.body_mut().nonce = 0;
        }
        Kept::of(record)
    }
}

fn delete(world: &mut World, id: &SessionId) {
    if world.store.remove(id).is_some() {
        world.deleted.insert(*id);
    }
}

/// Does what a seeded bug has put off, and answers then.
fn pay(world: &mut World, at: usize, step: &Step) {
    if let Some(id) = world.requests[at].owed.take() {
        delete(world, &id);
    }
    advance(world, at, step.clone());
}

/// Where that cannot count twice, as the contract for stores says.
fn may_be_retried(changes: &Changes) -> bool {
    changes.expected_credentials().is_some()
        || changes.keys().iter().any(|change| change.expected() != Expected::Anything)
}

fn is_twin(other: &Request, request: &Request) -> bool {
    !other.is_sent() && other.does == request.does && other.is_attack == request.is_attack
}
