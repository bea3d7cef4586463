//! The real queue and its members, run again from a list of events.

use std::{cell::RefCell, sync::Arc, time::Duration};

use tokio::{runtime::Runtime, task::yield_now, time::advance};

use super::{
    Bug, Does, Event, Luck, Scene,
    gate::Gate,
    member::{Member, has_strayed},
    records::{marked, marks, start},
    view::View,
};
use crate::store::{
    dice,
    queue::{Fate, Queue, Seat, State, TURN},
    random_nonce,
};

/// The difference between the starts of the two runtimes' clocks.
const SLACK: Duration = Duration::from_millis(10);

thread_local! {
    /// Runtimes without tasks, to be used again.
    static RUNTIMES: RefCell<Vec<Runtime>> = const { RefCell::new(Vec::new()) };
}

/// The real queue, store and members. The first member runs in the first runtime, all others in the second one.
pub(super) struct Rig {
    runtimes: [Option<Runtime>; 2],
    pub(super) queue: Arc<Queue>,
    pub(super) gate: Gate,
    pub(super) members: Vec<Member>,
    foreign: u8,
    /// True if a closure ran while another member was polled.
    pub(super) has_strayed: bool,
}

impl Rig {
    pub(super) fn run(scene: &Scene, events: &[Event]) -> View {
        dice::with(1, || {
            let mut rig = Self::new(scene);
            for event in events {
                rig.on(scene, *event);
                rig.learn();
            }
            rig.has_strayed = has_strayed();
            // The clock needs a runtime.
            let entered = rig.runtimes[1].as_ref().map(Runtime::enter);
            let view = View::of(&rig);
            drop(entered);
            rig.end(scene.idles == 0);
            view
        })
    }

    fn new(scene: &Scene) -> Self {
        let build = || tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        let (queue, gate) = (Arc::<Queue>::default(), Gate::new(start(), scene.bug));
        let member = |(does, at): (&Does, u8)| Member::new(*does, at, Arc::clone(&queue), gate.clone(), scene.bug);
        let members = scene.members.iter().zip(0..).map(member).collect();
        // If a clock is moved, both must start at the same time.
        let kept = || RUNTIMES.with_borrow_mut(Vec::pop).filter(|_| scene.idles == 0);
        let take = || Some(kept().unwrap_or_else(build));
        Self { runtimes: [take(), take()], queue, gate, members, foreign: 0, has_strayed: false }
    }

    fn on(&mut self, scene: &Scene, event: Event) {
        match event {
            Event::Poll(at) => self.poll(at),
            Event::Reply(at, luck) => self.gate.reply(at, luck),
            Event::Drop(at) => self.members[at].drop_future(),
            Event::Write => {
                let mut store = self.gate.store();
                self.foreign += 1;
                if let Some(base) = store.record.clone() {
                    let list = [marks(&base), vec![100 + self.foreign]].concat();
                    let record = marked(base.clone(), &list).written(random_nonce(), &base);
                    store.replace(base.nonce(), record);
                }
            }
            Event::Delete => self.gate.store().record = None,
            Event::Arrive(at) => {
                let mut store = self.gate.store();
                let (base, record) = store.packets.remove(at);
                store.replace(base, record);
            }
            Event::Die => {
                self.members[0].drop_future();
                let runtime = self.runtimes[0].take();
                // A seeded bug does not run the destructors.
                if scene.bug == Some(Bug::LeavesRiders) { std::mem::forget(runtime) } else { drop(runtime) }
            }
            Event::Idle => {
                for runtime in self.runtimes.iter().flatten() {
                    runtime.block_on(advance(TURN + SLACK));
                }
            }
        }
        self.run_tasks();
    }

    /// Runs the calls in progress as far as they can go.
    fn run_tasks(&self) {
        for runtime in self.runtimes.iter().flatten().filter(|runtime| runtime.metrics().num_alive_tasks() > 0) {
            runtime.block_on(async {
                for _ in 0..4 {
                    yield_now().await;
                }
            });
        }
    }

    fn poll(&mut self, at: usize) {
        let Some(runtime) = &self.runtimes[usize::from(at > 0)] else { return };
        let _entered = runtime.enter();
        self.members[at].poll();
    }

    /// Finds out which member has which place in the line. At most one member at a time has an unknown place.
    fn learn(&mut self) {
        self.members.iter_mut().for_each(Member::forget_left_seat);
        let seats: Vec<Arc<Seat>> = self.queue.lines().values().flat_map(|line| seats(&line.state())).collect();
        for seat in seats {
            if self.member_at(&seat).is_none() {
                let unknown = self.members.iter_mut().find(|member| member.lacks_seat());
                unknown.expect("each seat has its member").take_seat(&seat);
            }
        }
    }

    /// Returns the number of the member that has this place.
    pub(super) fn member_at(&self, seat: &Arc<Seat>) -> Option<usize> {
        self.members.iter().position(|member| member.has(seat))
    }

    /// Ends all calls, and keeps the runtimes for the next run.
    fn end(mut self, is_kept: bool) {
        for member in &mut self.members {
            member.drop_future();
        }
        for _ in 0..16 {
            let count = self.gate.store().calls.iter().filter(|call| call.reply.is_none()).count();
            (0..count).rev().for_each(|at| self.gate.reply(at, Luck::NotDone));
            self.run_tasks();
        }
        let is_free = |runtime: &Runtime| runtime.metrics().num_alive_tasks() == 0;
        let free = self.runtimes.iter_mut().filter_map(Option::take).filter(|_| is_kept).filter(is_free);
        RUNTIMES.with_borrow_mut(|runtimes| runtimes.extend(free));
    }
}

fn seats(state: &State) -> Vec<Arc<Seat>> {
    let riders = state.batch.iter().flat_map(|(batch, _)| &batch.riders);
    let fates = state.fates.iter().map(|(seat, _)| seat);
    let lost = state.fates.iter().flat_map(|(_, fate)| match fate {
        Fate::Lost(riders, _) => &riders[..],
        _ => &[],
    });
    state.waiting.iter().chain(&state.idle).chain(riders).chain(fates).chain(lost).cloned().collect()
}
