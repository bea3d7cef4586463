//! The queue of one process's writers, explored exhaustively.
//!
//! This is the real queue with real members, polled by hand in every order. A state is the list of the events that led
//! to it. Two states are equal if their lines, stores, calls and members are ([`View`]). The members run in two
//! runtimes, one of which may be dropped together with its calls. Other processes write or delete the session in
//! between.

use std::hash::{Hash, Hasher};

use stateright::{Model, Property};

use self::{
    member::Outcome,
    rig::Rig,
    view::{LineView, MemberView, View},
};

#[path = "queue/gate.rs"]
mod gate;
#[path = "queue/member.rs"]
mod member;
#[path = "queue/records.rs"]
mod records;
#[path = "queue/rig.rs"]
mod rig;
#[path = "queue/tests.rs"]
mod tests;
#[path = "queue/view.rs"]
mod view;

/// The mark at which a member declines.
const STOP: u8 = 1;

/// The action of a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Does {
    Write,
    /// Saves again if it is told that nothing was done.
    SaveAgain,
    /// Declines to write into a record that has the mark [`STOP`].
    Decline,
    /// Writes in a turn of its own.
    Alone,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Bug {
    /// A combined write drops a change.
    DropsAChange,
    /// A dropped driver does not tell its riders.
    LeavesRiders,
    /// A decision is made on a record that was never stored.
    TrustsTheBatch,
    /// A lost reply is taken for a promise that nothing was done, and the operation is applied again.
    AppliesAgain,
}

/// The members, and the faults that may occur.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Scene {
    members: Vec<Does>,
    /// The number of calls that may fail, be lost or be late.
    faults: usize,
    /// The number of members that may be dropped.
    drops: usize,
    /// The number of writes of other processes.
    writes: usize,
    /// True if another process deletes the session.
    deletes: bool,
    /// True if the first runtime may be dropped.
    dies: bool,
    /// The number of turns that members may miss.
    idles: usize,
    bug: Option<Bug>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Event {
    /// A member begins, or goes on.
    Poll(usize),
    /// The store answers a call.
    Reply(usize, Luck),
    /// The request of a member is dropped.
    Drop(usize),
    /// Another process writes.
    Write,
    /// Another process deletes the session.
    Delete,
    /// A packet takes effect whose sender does not wait for it any more.
    Arrive(usize),
    /// The first runtime is dropped, with its member and its calls.
    Die,
    /// The time of a turn passes.
    Idle,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Luck {
    Fine,
    NotDone,
    Lost,
    Late,
}

#[derive(Clone, Debug)]
struct Moment {
    events: Vec<Event>,
    view: View,
    scene: usize,
}

impl Moment {
    fn count(&self, is: impl Fn(&Event) -> bool) -> usize {
        self.events.iter().filter(|event| is(event)).count()
    }

    fn faults(&self) -> usize {
        self.count(|event| matches!(event, Event::Reply(_, luck) if *luck != Luck::Fine))
    }

    fn key(&self) -> (&View, usize, [usize; 6]) {
        let counts = [
            self.faults(),
            self.count(|event| matches!(event, Event::Drop(_))),
            self.count(|event| *event == Event::Write),
            self.count(|event| *event == Event::Delete),
            self.count(|event| *event == Event::Die),
            self.count(|event| *event == Event::Idle),
        ];
        (&self.view, self.scene, counts)
    }
}

impl PartialEq for Moment {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Moment {}

impl Hash for Moment {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.key().hash(state);
    }
}

struct Line {
    scenes: Vec<Scene>,
}

impl Model for Line {
    type State = Moment;
    type Action = Event;

    fn init_states(&self) -> Vec<Moment> {
        let scenes = self.scenes.iter().enumerate();
        scenes.map(|(scene, of)| Moment { events: Vec::new(), view: Rig::run(of, &[]), scene }).collect()
    }

    fn actions(&self, moment: &Moment, actions: &mut Vec<Event>) {
        let (scene, view) = (&self.scenes[moment.scene], &moment.view);
        let has = |event: Event| moment.events.contains(&event);
        for (at, member) in view.members.iter().enumerate().filter(|(_, member)| !member.is_over) {
            // Of equal members in one runtime, the first one begins first.
            let is_twin = |other: usize| {
                other > 0 && !view.members[other].is_started && scene.members[other] == scene.members[at]
            };
            let is_next = member.is_started || !(0..at).any(is_twin);
            if is_next && (!member.is_started || member.is_woken) {
                actions.push(Event::Poll(at));
            }
            if member.is_started && moment.count(|event| matches!(event, Event::Drop(_))) < scene.drops {
                actions.push(Event::Drop(at));
            }
        }
        for (at, call) in view.calls.iter().enumerate() {
            actions.push(Event::Reply(at, Luck::Fine));
            if moment.faults() < scene.faults {
                actions.push(Event::Reply(at, Luck::NotDone));
                if call.is_some() {
                    actions.extend([Event::Reply(at, Luck::Lost), Event::Reply(at, Luck::Late)]);
                }
            }
        }
        actions.extend((0..view.packets.len()).map(Event::Arrive));
        if moment.count(|event| *event == Event::Write) < scene.writes {
            actions.push(Event::Write);
        }
        if scene.deletes && !has(Event::Delete) {
            actions.push(Event::Delete);
        }
        if scene.dies && !has(Event::Die) && view.members[0].is_started {
            actions.push(Event::Die);
        }
        if moment.count(|event| *event == Event::Idle) < scene.idles && view.lines.iter().any(LineView::is_idle) {
            actions.push(Event::Idle);
        }
    }

    fn next_state(&self, moment: &Moment, event: Event) -> Option<Moment> {
        let mut events = moment.events.clone();
        events.push(event);
        let view = Rig::run(&self.scenes[moment.scene], &events);
        Some(Moment { events, view, scene: moment.scene })
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always(KEPT, |_, moment: &Moment| kept(&moment.view)),
            Property::always(ONCE, |_, moment: &Moment| once(&moment.view)),
            Property::always(NEVER, |_, moment: &Moment| never(&moment.view)),
            Property::always(STORED, |_, moment: &Moment| {
                !moment.view.members.iter().any(|member| member.outcome == Some(Outcome::Declined(0)))
            }),
            Property::always(OWN, |_, moment: &Moment| !moment.view.has_strayed),
            Property::always(ENDS, |_, moment: &Moment| ends(&moment.view)),
            Property::always(EMPTIES, |_, moment: &Moment| empties(&moment.view)),
            Property::always(SUCCEEDS, succeeds),
        ]
    }
}

const KEPT: &str = "a change that was told to be stored is in the record";
const ONCE: &str = "a change is stored at most once";
const NEVER: &str = "a change that was told not to be stored never is";
const STORED: &str = "a decision is taken on a record that was stored";
const OWN: &str = "a closure runs only when its own request is polled";
const ENDS: &str = "no member waits for ever";
const EMPTIES: &str = "an empty line is closed";
const SUCCEEDS: &str = "a writer that goes on succeeds";

fn outcomes(view: &View) -> impl Iterator<Item = (u8, Outcome)> {
    (0..).zip(&view.members).filter_map(|(at, member)| Some((at, member.outcome?)))
}

fn kept(view: &View) -> bool {
    outcomes(view).filter(|(_, outcome)| *outcome == Outcome::Done).all(|(at, _)| {
        let is_there = view.current.as_ref().is_none_or(|record| record.marks.contains(&at));
        is_there && view.ever.contains(&at)
    })
}

fn once(view: &View) -> bool {
    let Some(record) = &view.current else { return true };
    let mut marks = record.marks.clone();
    marks.sort_unstable();
    marks.windows(2).all(|pair| pair[0] != pair[1])
}

fn never(view: &View) -> bool {
    let is_undone =
        |outcome| matches!(outcome, Outcome::Failed { is_unknown: false } | Outcome::Late | Outcome::Declined(_));
    outcomes(view).filter(|(_, outcome)| is_undone(*outcome)).all(|(at, _)| !view.ever.contains(&at))
}

fn ends(view: &View) -> bool {
    let goes_on = |member: &MemberView| !member.is_over && (!member.is_started || member.is_woken);
    !view.calls.is_empty() || view.members.iter().any(goes_on) || view.members.iter().all(|member| member.is_over)
}

fn empties(view: &View) -> bool {
    let is_over = view.calls.is_empty() && view.members.iter().all(|member| member.is_over);
    !is_over || (view.lines.is_empty() && view.count == 0)
}

/// Dropped requests and other processes' writes do no harm. A member that finds the session deleted has ended, too.
fn succeeds(_: &Line, moment: &Moment) -> bool {
    let is_harmed = moment.faults() > 0 || moment.events.contains(&Event::Die);
    let is_fine = |outcome| match outcome {
        Outcome::Done | Outcome::Declined(_) => true,
        Outcome::Gone => moment.events.contains(&Event::Delete),
        Outcome::Late | Outcome::Failed { .. } => false,
    };
    is_harmed || outcomes(&moment.view).all(|(_, outcome)| is_fine(outcome))
}
