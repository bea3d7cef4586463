//! The calls to the store, their possible outcomes, and their effects on the world.

use super::{
    delivery::advance,
    does::Does,
    replay::Step,
    request::{Call, Next, Reply},
    seeded::{self, Bug},
    steps::{Action, Protocol},
    store::Effect,
    world::{Opened, Packet, Stage, World},
    writes,
};
use crate::{
    SessionId,
    store::{Standing, dice},
};

/// The outcome of a call to the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Luck {
    Fine,
    /// The store refuses it.
    NotDone,
    /// It is done, and its reply is lost.
    Lost,
    /// Its sender gives up, and it may still arrive.
    Late,
    /// It is done, and arrives again.
    Twice,
    /// It is done, and the replies to it and to all its repetitions are lost.
    LostForGood,
    /// It may still arrive, and no repetition arrives.
    LateForGood,
}

impl Protocol {
    pub(super) fn bad_luck(world: &World, at: usize, call: &Call, actions: &mut Vec<Action>) {
        let mut add = |luck| actions.push(Action::Ask(at, luck));
        match call {
            Call::Load(_) | Call::List | Call::Epoch(_) => add(Luck::NotDone),
            Call::Delete(..) => [Luck::NotDone, Luck::Lost, Luck::Late].into_iter().for_each(add),
            Call::Create(id, _) => {
                [Luck::NotDone, Luck::Late].into_iter().for_each(&mut add);
                if world.store.get(id).is_none() {
                    [Luck::Lost, Luck::Twice].into_iter().for_each(add);
                }
            }
            Call::Replace(id, base, _) => {
                [Luck::NotDone, Luck::Late, Luck::LateForGood].into_iter().for_each(&mut add);
                // For a call that changes nothing, a lost reply has the same effect as a lost call.
                if world.store.get(id).is_some_and(|found| found.nonce() == *base) {
                    [Luck::Lost, Luck::LostForGood, Luck::Twice].into_iter().for_each(add);
                }
            }
            Call::Check | Call::MoveEpoch | Call::Hold => {}
        }
        actions.push(Action::Crash(at));
    }

    /// Makes one call to the store, which is one atomic step. So is the work of a request between two calls. An index
    /// entry is written in a step before the record's.
    pub(super) fn ask(&self, world: &mut World, at: usize, luck: Luck) {
        if luck != Luck::Fine {
            (world.left.faults, world.has_failed) = (world.left.faults - 1, true);
        }
        let Stage::Running(step) = &world.requests[at].stage else { return };
        let step = step.clone();
        let Next::Call(call) = step.next() else { return self.pay(world, at, &step) };
        let call = seeded::call(self.bug, world, at, call.clone());
        if let Some((id, record)) = call.stores().filter(|_| self.bug != Some(Bug::IndexAfter)) {
            let (id, record) = (*id, record.clone());
            if world.store.enter(&id, &record) && luck == Luck::Fine {
                return;
            }
        }
        let packet = Packet { sender: at, call: call.clone() };
        let reply = match luck {
            Luck::Fine => self.act(world, at, &call),
            Luck::NotDone => Reply::NotDone,
            Luck::Lost | Luck::LostForGood => {
                self.act(world, at, &call);
                Reply::Unknown
            }
            Luck::Late if self.bug == Some(Bug::CreateTwice) && matches!(call, Call::Create(..)) => {
                world.packets.push(packet);
                self.act(world, at, &call)
            }
            Luck::Late | Luck::LateForGood => {
                world.packets.push(packet);
                Reply::Unknown
            }
            Luck::Twice => {
                world.packets.push(packet);
                self.act(world, at, &call)
            }
        };
        let request = &mut world.requests[at];
        request.is_littered |= matches!(call, Call::Delete(..)) && luck != Luck::Fine;
        if luck == Luck::NotDone && request.opened == Opened::NotYet {
            request.opened = Opened::Failed;
        }
        let reply = seeded::reply(self.bug, world, at, reply);
        let mut run = (*step.run).clone();
        run.replies.push((world.clock(at), reply.clone()));
        let mut step = Step::of(run);
        // The repetitions of such a call are lost with it.
        while matches!(luck, Luck::LostForGood | Luck::LateForGood) && repeats(&step, &call) {
            let mut run = (*step.run).clone();
            run.replies.push((world.clock(at), reply.clone()));
            step = Step::of(run);
        }
        advance(world, at, step);
        if matches!(world.requests[at].stage, Stage::Answered(_) | Stage::Over { .. })
            && let Some(seat) = seeded::begun(self.bug, world, at)
        {
            let id = dice::with(100 + world.requests[at].number, SessionId::random);
            writes::note(world, at, &Effect::Created(id, seat), false, self.bug);
        }
    }

    pub(super) fn arrive(&self, world: &mut World, at: usize) {
        let Packet { sender, call } = world.packets.remove(at);
        if let Some((id, record)) = call.stores() {
            world.store.enter(id, record);
        }
        let (_, effect) = world.store.act(&call, self.bug);
        let is_over = !matches!(world.requests[sender].stage, Stage::Running(_));
        writes::note(world, sender, &effect, is_over, self.bug);
    }

    /// Runs the call in the store.
    fn act(&self, world: &mut World, at: usize, call: &Call) -> Reply {
        if let (Some(Bug::CreateFirst), Call::Delete(id, _), Does::Restart) = (self.bug, call, world.requests[at].does)
        {
            world.requests[at].put_off = Some(*id);
            return Reply::Done;
        }
        let (reply, effect) = world.store.act(call, self.bug);
        writes::note(world, at, &effect, false, self.bug);
        if let (Some(Bug::IndexAfter), Effect::Created(id, new) | Effect::Replaced(id, _, new)) = (self.bug, &effect) {
            world.owed.extend(new.owner().map(|owner| (*id, owner.to_owned(), true)));
        }
        let clock = world.clock(at);
        let request = &mut world.requests[at];
        match (call, &reply) {
            (Call::Load(id), reply) if request.target.is_none_or(|target| target == *id) => {
                let found = match reply {
                    Reply::Found(found) if !world.store.is_revoked(found) => Some(found),
                    _ => None,
                };
                let hash = request.cookie.as_ref().filter(|cookie| cookie.id == *id).map(|cookie| cookie.hash);
                let standing = found.zip(hash).map(|(found, hash)| found.standing(&hash, clock));
                if request.opened == Opened::NotYet {
                    request.begun = clock;
                    request.opened = match standing {
                        Some(Standing::Current) => Opened::Current(*id),
                        Some(Standing::Superseded) => Opened::Superseded(*id),
                        Some(Standing::Unknown) | None => Opened::Nothing,
                    };
                    request.target = (standing == Some(Standing::Current)).then_some(*id);
                }
                if standing == Some(Standing::Current) {
                    request.seat = found.cloned();
                }
            }
            // The load asks first: the handler never sees a session whose owner was logged out.
            (Call::Epoch(_), Reply::Epoch(_)) if !request.is_judged => {
                request.is_judged = true;
                if request.seat.as_ref().is_some_and(|seat| world.store.is_revoked(seat)) {
                    (request.opened, request.seat, request.target) = (Opened::Nothing, None, None);
                }
            }
            (Call::Hold, _) => request.begun = clock,
            (Call::Check, _) => request.is_checked_before = world.everywhere.is_none(),
            _ => {}
        }
        reply
    }

    /// Does the work that a seeded bug has put off, and then answers.
    fn pay(&self, world: &mut World, at: usize, step: &Step) {
        if let Some(id) = world.requests[at].put_off.take() {
            let (_, effect) = world.store.act(&Call::Delete(id, None), self.bug);
            writes::note(world, at, &effect, false, self.bug);
        }
        advance(world, at, step.clone());
    }
}

fn repeats(step: &Step, call: &Call) -> bool {
    matches!((step.next(), call), (Next::Call(Call::Replace(_, _, again)), Call::Replace(_, _, record)) if again == record)
}
