//! The next steps of a state, and their results.

use stateright::{Model, Property};

use super::{
    calls::Luck,
    delivery::{advance, crash, deliver, lose},
    does::{ALICE, Does},
    invariants,
    replay::Step,
    request::{Next, Run},
    seeded::Bug,
    world::{Opened, Packet, Request, Stage, World},
};
use crate::store::Record;

/// The commit protocol, with or without a seeded bug.
#[derive(Clone, Debug, Default)]
pub(super) struct Protocol {
    pub(super) worlds: Vec<World>,
    pub(super) bug: Option<Bug>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// A request is sent, with the browser's cookie or with one that the attacker knows.
    Send(usize, Option<usize>),
    /// The store runs the call of a request.
    Ask(usize, Luck),
    /// A packet takes effect whose sender does not wait for it any more.
    Arrive(usize),
    /// The server stops for good. Its call may still arrive.
    Crash(usize),
    Deliver(usize),
    Lose(usize),
    PassWindow,
    /// Half the lifetime of a proof passes.
    PassProof,
    /// A seeded bug does the work that it had put off.
    Settle,
}

impl Model for Protocol {
    type State = World;
    type Action = Action;

    fn init_states(&self) -> Vec<World> {
        self.worlds.clone()
    }

    fn actions(&self, world: &World, actions: &mut Vec<Action>) {
        if world.left.windows > 0 && is_any_superseded(world) {
            actions.push(Action::PassWindow);
        }
        if world.left.proofs > 0 {
            actions.push(Action::PassProof);
        }
        if !world.owed.is_empty() {
            actions.push(Action::Settle);
        }
        actions.extend((0..world.packets.len()).map(Action::Arrive));
        for (at, request) in world.requests.iter().enumerate() {
            match &request.stage {
                // Equal requests differ in their numbers only, so the first one goes first.
                Stage::Unsent if world.requests[..at].iter().any(|other| is_twin(world, other, request)) => {}
                Stage::Unsent if request.is_attack => {
                    actions.extend((0..world.known.len()).map(|cookie| Action::Send(at, Some(cookie))));
                }
                Stage::Unsent => actions.push(Action::Send(at, None)),
                Stage::Running(step) => {
                    actions.push(Action::Ask(at, Luck::Fine));
                    if let Next::Call(call) = step.next()
                        && world.left.faults > 0
                        && !request.is_attack
                    {
                        Self::bad_luck(world, at, call, actions);
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
            Action::Send(at, cookie) => send(&mut world, at, cookie),
            Action::Ask(at, luck) => self.ask(&mut world, at, luck),
            Action::Arrive(at) => self.arrive(&mut world, at),
            Action::Crash(at) => {
                (world.left.faults, world.has_failed) = (world.left.faults - 1, true);
                if let Some(Next::Call(call)) = world.requests[at].next()
                    && call.is_write()
                {
                    let call = call.clone();
                    world.packets.push(Packet { sender: at, call });
                }
                crash(&mut world, at);
            }
            Action::Deliver(at) => deliver(&mut world, at),
            Action::Lose(at) => lose(&mut world, at),
            Action::PassWindow => {
                world.left.windows -= 1;
                world.pass_window();
            }
            Action::PassProof => {
                world.left.proofs -= 1;
                #[cfg(feature = "device-bound")]
                world.pass_proof();
            }
            Action::Settle => {
                let owed = world.owed.remove(0);
                world.store.settle(owed);
            }
        }
        Some(world)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        invariants::all()
    }
}

pub(super) fn send(world: &mut World, at: usize, known: Option<usize>) {
    let cookie = known.map_or(world.jar, |at| world.known.get(at).copied());
    let (sent, options, is_excused) = (world.clock(at), world.options, world.is_excused);
    let mut values = if known.is_some() { world.copied.clone() } else { world.values.clone() };
    let request = &mut world.requests[at];
    let Request { number, does, is_attack, .. } = *request;
    if !does.is_of_device() {
        values.challenge = None;
    }
    let step = Step::of(Run { number, does, options, cookie, values, sent, replies: Vec::new() });
    (request.cookie, request.begun, request.is_excused) = (cookie, sent, is_excused);
    if cookie.is_none() {
        request.opened = Opened::Nothing;
    }
    if does == Does::Everywhere {
        let is_hers = |record: &Record| record.owner() == Some(ALICE);
        world.everywhere = Some(world.store.live().filter(|(_, kept)| is_hers(kept)).map(|(id, _)| *id).collect());
    }
    world.is_out |= !is_attack && does.may_log_out(options);
    advance(world, at, step);
}

fn is_any_superseded(world: &World) -> bool {
    world.store.live().any(|(_, kept)| !kept.body().rest.superseded.is_empty())
}

fn is_twin(world: &World, other: &Request, request: &Request) -> bool {
    let is_same_clock = world.options.skew.is_zero() || (other.number + request.number).is_multiple_of(2);
    is_same_clock && !other.is_sent() && other.does == request.does && other.is_attack == request.is_attack
}
