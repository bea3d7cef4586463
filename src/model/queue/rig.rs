//! The real queue and its members, run again from a list of events.

use std::{
    cell::{Cell, RefCell},
    future::{Future, poll_fn},
    pin::Pin,
    sync::{
        Arc, Mutex, Weak,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
};

use tokio::{runtime::Runtime, task::yield_now, time::advance};

use super::{Bug, Does, Event, Luck, Scene};
use crate::{
    Credentials, Record, SecretHash, SessionId, SessionStore, State as Values, StoreError, Timestamp,
    model::dice,
    store::{
        Created, Deleted, DynStore, Replaced,
        queue::{Fate, Queue, Seat, State, TURN, Written},
    },
    token::random_nonce,
};

const ID: SessionId = SessionId::from_bytes([7; 16]);
/// The runtimes' clocks began one after the other.
const SLACK: std::time::Duration = std::time::Duration::from_millis(10);
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(600);

/// What became of a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Outcome {
    Done,
    /// It decided against a change, on the record of this nonce.
    Declined(u64),
    Gone,
    Late,
    Failed {
        is_unknown: bool,
    },
}

/// The store, which answers when the model lets it.
#[derive(Clone)]
pub(super) struct Gate(Arc<Mutex<Store>>);

struct Store {
    record: Option<Record>,
    /// The nonces and the marks of all that was ever stored.
    stored: Vec<(u64, Vec<u8>)>,
    calls: Vec<Call>,
    packets: Vec<(u64, Record)>,
    bug: Option<Bug>,
}

/// A call that waits for its reply; a load has no record.
struct Call {
    number: usize,
    /// The base's nonce, and what it is replaced by.
    put: Option<(u64, Record)>,
    reply: Option<Result<Reply, StoreError>>,
    waker: Option<Waker>,
}

enum Reply {
    Found(Option<Record>),
    Replaced(Replaced),
}

impl Gate {
    fn new(record: Record, bug: Option<Bug>) -> Self {
        let stored = vec![(record.nonce(), marks(&record))];
        let store = Store { record: Some(record), stored, calls: Vec::new(), packets: Vec::new(), bug };
        Self(Arc::new(Mutex::new(store)))
    }

    async fn ask(&self, put: Option<(u64, Record)>) -> Result<Reply, StoreError> {
        thread_local! {
            static COUNT: Cell<usize> = const { Cell::new(0) };
        }
        let number = COUNT.replace(COUNT.get() + 1);
        self.0.lock().unwrap().calls.push(Call { number, put, reply: None, waker: None });
        let asked = Asked { gate: self.clone(), number };
        poll_fn(|cx| asked.poll(cx)).await
    }

    /// Lets the store do the first, second, .. call that it has not answered.
    fn reply(&self, at: usize, luck: Luck) {
        let mut store = self.0.lock().unwrap();
        let unanswered = |call: &&Call| call.reply.is_none();
        let put = store.calls.iter().filter(unanswered).nth(at).expect("it was not answered").put.clone();
        let reply = match (put, luck) {
            (_, Luck::NotDone) => Err(StoreError::not_done("it was refused")),
            (None, _) => Ok(Reply::Found(store.record.clone())),
            (Some((base, record)), Luck::Late) => {
                store.packets.push((base, record));
                Err(StoreError::new("no reply came"))
            }
            (Some((base, record)), Luck::Lost) => {
                store.replace(base, record);
                // A seeded bug promises too much.
                Err(if store.bug == Some(Bug::AppliesAgain) {
                    StoreError::not_done("it was refused")
                } else {
                    StoreError::new("no reply came")
                })
            }
            (Some((base, record)), Luck::Fine) => Ok(Reply::Replaced(store.replace(base, record))),
        };
        let call = store.calls.iter_mut().filter(|call| call.reply.is_none()).nth(at).expect("it was not answered");
        call.reply = Some(reply);
        if let Some(waker) = call.waker.take() {
            drop(store);
            waker.wake();
        }
    }
}

/// A call under way: dropped, nothing waits for its reply, and it arrives all the same.
struct Asked {
    gate: Gate,
    number: usize,
}

impl Asked {
    fn poll(&self, cx: &Context<'_>) -> Poll<Result<Reply, StoreError>> {
        let mut store = self.gate.0.lock().unwrap();
        let at = store.calls.iter().position(|call| call.number == self.number).unwrap();
        match store.calls[at].reply.take() {
            Some(reply) => {
                store.calls.remove(at);
                Poll::Ready(reply)
            }
            None => {
                store.calls[at].waker = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        let mut store = self.gate.0.lock().unwrap();
        if let Some(at) = store.calls.iter().position(|call| call.number == self.number) {
            let packet = store.calls.remove(at).put;
            store.packets.extend(packet);
        }
    }
}

impl Store {
    fn replace(&mut self, base: u64, mut record: Record) -> Replaced {
        match &self.record {
            None => Replaced::Gone,
            Some(found) if found.nonce() != base => Replaced::Changed(found.clone()),
            Some(found) => {
                let (before, mut after) = (marks(found), marks(&record));
                // A seeded bug stores the last change of a batch only.
                if self.bug == Some(Bug::DropsAChange) && after.len() > before.len() + 1 {
                    after.remove(before.len());
                    record = marked(record, &after);
                }
                self.stored.push((record.nonce(), marks(&record)));
                self.record = Some(record);
                Replaced::Done
            }
        }
    }
}

impl SessionStore for Gate {
    async fn load(&self, _: &SessionId) -> Result<Option<Record>, StoreError> {
        match self.ask(None).await? {
            Reply::Found(record) => Ok(record),
            Reply::Replaced(_) => Ok(None),
        }
    }

    async fn create(&self, _: &SessionId, _: &Record) -> Result<Created, StoreError> {
        Ok(Created::Taken)
    }

    async fn replace(&self, _: &SessionId, base: &Record, record: &Record) -> Result<Replaced, StoreError> {
        match self.ask(Some((base.nonce(), record.clone()))).await? {
            Reply::Replaced(replaced) => Ok(replaced),
            Reply::Found(_) => Ok(Replaced::Gone),
        }
    }

    async fn delete(&self, _: &SessionId, _: Option<&Record>) -> Result<Deleted, StoreError> {
        Ok(Deleted::Gone)
    }
}

/// Notes that its member can go on.
#[derive(Default)]
struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

struct Member {
    future: Option<Pin<Box<dyn Future<Output = Outcome>>>>,
    flag: Arc<Flag>,
    outcome: Option<Outcome>,
    is_started: bool,
    /// Its place in the line, once seen there. It does not keep the place taken.
    seat: Option<Weak<Seat>>,
}

/// Everything real. The first member lives in the first runtime, all others in the second one.
pub(super) struct Rig {
    runtimes: [Option<Runtime>; 2],
    queue: Arc<Queue>,
    gate: Gate,
    members: Vec<Member>,
    foreign: u8,
    /// Whether a closure ran while another member was polled.
    has_strayed: bool,
}

thread_local! {
    /// The member that is polled.
    static POLLED: Cell<Option<u8>> = const { Cell::new(None) };
    /// Runtimes without tasks.
    static RUNTIMES: RefCell<Vec<Runtime>> = const { RefCell::new(Vec::new()) };
    static HAS_STRAYED: Cell<bool> = const { Cell::new(false) };
}

impl Rig {
    pub(super) fn run(scene: &Scene, events: &[Event]) -> View {
        dice::with(1, || {
            HAS_STRAYED.set(false);
            let mut rig = Self::new(scene);
            for event in events {
                rig.on(scene, *event);
                rig.learn();
            }
            rig.has_strayed = HAS_STRAYED.get();
            let view = rig.view();
            rig.end(scene.idles == 0);
            view
        })
    }

    fn new(scene: &Scene) -> Self {
        let build = || tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        let (queue, gate) = (Arc::<Queue>::default(), Gate::new(start(), scene.bug));
        let members = scene.members.iter().zip(0..).map(|(does, at)| Member {
            future: Some(Box::pin(member(*does, at, Arc::clone(&queue), gate.clone(), scene.bug))),
            flag: Arc::default(),
            outcome: None,
            is_started: false,
            seat: None,
        });
        let members = members.collect();
        // If a clock is moved, both begin at the same time.
        let kept = || RUNTIMES.with_borrow_mut(Vec::pop).filter(|_| scene.idles == 0);
        let take = || Some(kept().unwrap_or_else(build));
        Self { runtimes: [take(), take()], queue, gate, members, foreign: 0, has_strayed: false }
    }

    fn on(&mut self, scene: &Scene, event: Event) {
        match event {
            Event::Poll(at) => self.poll(at),
            Event::Reply(at, luck) => self.gate.reply(at, luck),
            Event::Drop(at) => self.members[at].future = None,
            Event::Write => {
                let mut store = self.gate.0.lock().unwrap();
                self.foreign += 1;
                if let Some(base) = store.record.clone() {
                    let list = [marks(&base), vec![100 + self.foreign]].concat();
                    let record = marked(base.clone(), &list).written(random_nonce(), &base);
                    store.replace(base.nonce(), record);
                }
            }
            Event::Delete => self.gate.0.lock().unwrap().record = None,
            Event::Arrive(at) => {
                let mut store = self.gate.0.lock().unwrap();
                let (base, record) = store.packets.remove(at);
                store.replace(base, record);
            }
            Event::Die => {
                self.members[0].future = None;
                let runtime = self.runtimes[0].take();
                // A seeded bug tells no one.
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

    /// Lets the calls under way go on, as far as they can.
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
        let member = &mut self.members[at];
        let Some(runtime) = &self.runtimes[usize::from(at > 0)] else { return };
        let Some(future) = &mut member.future else { return };
        member.is_started = true;
        member.flag.0.store(false, Ordering::Relaxed);
        let waker = Waker::from(Arc::clone(&member.flag));
        let _entered = runtime.enter();
        POLLED.set(u8::try_from(at).ok());
        let polled = future.as_mut().poll(&mut Context::from_waker(&waker));
        POLLED.set(None);
        if let Poll::Ready(outcome) = polled {
            (member.outcome, member.future) = (Some(outcome), None);
        }
    }

    /// Finds out whose the places in the line are: at most one member at a time has a place that was never seen.
    fn learn(&mut self) {
        // A member that begins again has another place.
        for member in &mut self.members {
            member.seat.take_if(|seat| seat.strong_count() == 0);
        }
        let seats: Vec<Arc<Seat>> = self.queue.lines().values().flat_map(|line| seats(&line.state())).collect();
        for seat in seats {
            let is_known =
                |member: &Member| member.seat.as_ref().is_some_and(|known| known.as_ptr() == Arc::as_ptr(&seat));
            if !self.members.iter().any(is_known) {
                let mut unknown = self.members.iter_mut().filter(|member| member.is_started && member.seat.is_none());
                let member = unknown.next().expect("each seat has its member");
                member.seat = Some(Arc::downgrade(&seat));
            }
        }
    }

    fn fate(&self, fate: &Fate, names: &mut Names) -> FateView {
        match fate {
            Fate::Done(_) => FateView::Done,
            Fate::Gone => FateView::Gone,
            Fate::Failed(error) => FateView::Failed { is_unknown: error.is_unknown() },
            Fate::Lost(riders, call) => FateView::Lost {
                riders: riders.iter().map(|rider| self.at(rider)).collect(),
                base: names.name(call.base.nonce()),
                record: names.of(&call.record),
                is_sent: call.is_sent,
            },
        }
    }

    fn at(&self, seat: &Arc<Seat>) -> Option<usize> {
        self.members
            .iter()
            .position(|member| member.seat.as_ref().is_some_and(|known| known.as_ptr() == Arc::as_ptr(seat)))
    }

    fn view(&self) -> View {
        // For the clock.
        let _entered = self.runtimes[1].as_ref().map(Runtime::enter);
        let mut names = Names::default();
        let store = self.gate.0.lock().unwrap();
        let lines: Vec<_> = self.queue.lines().values().cloned().collect();
        let current = store.record.as_ref().map(|record| names.of(record));
        let of_put = |call: &Call, names: &mut Names| {
            call.put.as_ref().map(|(base, record)| (names.name(*base), names.of(record)))
        };
        let unanswered = store.calls.iter().filter(|call| call.reply.is_none());
        let calls = unanswered.map(|call| of_put(call, &mut names)).collect();
        let replies = store.calls.iter().filter_map(|call| {
            let reply = match call.reply.as_ref()? {
                Ok(Reply::Found(Some(record)) | Reply::Replaced(Replaced::Changed(record))) => {
                    ReplyView::Record(names.of(record))
                }
                Ok(Reply::Replaced(Replaced::Done)) => ReplyView::Done,
                Ok(Reply::Found(None) | Reply::Replaced(Replaced::Gone)) => ReplyView::Gone,
                Err(error) => ReplyView::Failed { is_unknown: error.is_unknown() },
            };
            Some((of_put(call, &mut names), reply))
        });
        let replies = replies.collect();
        let packets = store.packets.iter().map(|(base, record)| (names.name(*base), names.of(record))).collect();
        let lines = lines.iter().map(|line| {
            let state = line.state();
            LineView {
                waiting: state.waiting.iter().map(|seat| self.at(seat)).collect(),
                batch: state.batch.as_ref().map(|(batch, since)| {
                    let riders = batch.riders.iter().map(|seat| self.at(seat)).collect();
                    (names.of(&batch.base), names.of(&batch.record), riders, since.elapsed() >= TURN)
                }),
                fates: state.fates.iter().map(|(seat, fate)| (self.at(seat), self.fate(fate, &mut names))).collect(),
                idle: state.idle.iter().map(|seat| self.at(seat)).collect(),
                members: state.members,
            }
        });
        let lines = lines.collect();
        let stored = |nonce: u64| store.stored.iter().any(|(other, _)| *other == nonce);
        let members = self.members.iter().map(|member| MemberView {
            is_started: member.is_started,
            is_over: member.future.is_none(),
            is_woken: member.flag.0.load(Ordering::Relaxed),
            outcome: member.outcome.map(|outcome| match outcome {
                Outcome::Declined(nonce) => Outcome::Declined(u64::from(stored(nonce))),
                outcome => outcome,
            }),
        });
        let members = members.collect();
        let ever = store
            .stored
            .iter()
            .flat_map(|(_, marks)| marks.iter().copied())
            .collect::<std::collections::BTreeSet<u8>>();
        View {
            current,
            calls,
            replies,
            packets,
            lines,
            members,
            ever: ever.into_iter().collect(),
            has_strayed: self.has_strayed,
            count: self.queue.count.load(Ordering::Relaxed),
        }
    }

    /// Brings all calls to an end, and keeps the runtimes for the next run.
    fn end(mut self, is_kept: bool) {
        for member in &mut self.members {
            member.future = None;
        }
        for _ in 0..16 {
            let count = self.gate.0.lock().unwrap().calls.iter().filter(|call| call.reply.is_none()).count();
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

/// Everything that decides what comes next. Nonces are named in the order in which they are met: it matters only which are
/// the same.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct View {
    pub(super) current: Option<RecordView>,
    pub(super) calls: Vec<Option<(usize, RecordView)>>,
    /// The replies that their callers have not taken yet.
    replies: Vec<(Option<(usize, RecordView)>, ReplyView)>,
    pub(super) packets: Vec<(usize, RecordView)>,
    pub(super) lines: Vec<LineView>,
    pub(super) members: Vec<MemberView>,
    /// The marks that were ever stored.
    pub(super) ever: Vec<u8>,
    pub(super) has_strayed: bool,
    pub(super) count: usize,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct RecordView {
    nonce: usize,
    trail: Vec<usize>,
    pub(super) marks: Vec<u8>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct LineView {
    waiting: Vec<Option<usize>>,
    batch: Option<(RecordView, RecordView, Vec<Option<usize>>, bool)>,
    fates: Vec<(Option<usize>, FateView)>,
    idle: Vec<Option<usize>>,
    members: usize,
}

impl LineView {
    /// Whether a member's turn is not taken.
    pub(super) fn is_idle(&self) -> bool {
        self.batch.as_ref().is_some_and(|(.., is_idle)| !is_idle) && self.waiting.len() > 1
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum ReplyView {
    Record(RecordView),
    Done,
    Gone,
    Failed { is_unknown: bool },
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum FateView {
    Done,
    Gone,
    Failed { is_unknown: bool },
    Lost { riders: Vec<Option<usize>>, base: usize, record: RecordView, is_sent: bool },
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct MemberView {
    pub(super) is_started: bool,
    /// Whether it has ended, or was dropped.
    pub(super) is_over: bool,
    pub(super) is_woken: bool,
    pub(super) outcome: Option<Outcome>,
}

#[derive(Default)]
struct Names(Vec<u64>);

impl Names {
    fn name(&mut self, nonce: u64) -> usize {
        self.0.iter().position(|other| *other == nonce).unwrap_or_else(|| {
            self.0.push(nonce);
            self.0.len() - 1
        })
    }

    fn of(&mut self, record: &Record) -> RecordView {
        let trail = record.body().rest.trail.into_iter().flatten().filter(|nonce| *nonce != 0);
        let trail = trail.map(|nonce| self.name(nonce)).collect();
        RecordView { nonce: self.name(record.nonce()), trail, marks: marks(record) }
    }
}

fn start() -> Record {
    let mut record = Record::new(
        Credentials::new(SecretHash::from_bytes([1; 32])),
        Values::default(),
        Timestamp::from_millis(0),
        Timestamp::MAX,
    );
    let body = record.body_mut();
    (body.nonce, body.rest.trail) = (random_nonce(), Some([0; 4]));
    record
}

pub(super) fn marks(record: &Record) -> Vec<u8> {
    record.state().get("n").map_or_else(Vec::new, |raw| serde_json::from_str(raw).unwrap())
}

fn marked(mut record: Record, marks: &[u8]) -> Record {
    record.body_mut().state = [("n", serde_json::to_string(marks).unwrap())].into_iter().collect();
    record
}

fn add(record: &Record, mark: u8) -> Record {
    marked(record.clone(), &[marks(record), vec![mark]].concat())
}

/// A commit as `commit/write.rs` has it, reduced to its place in the queue.
async fn member(does: Does, at: u8, queue: Arc<Queue>, gate: Gate, bug: Option<Bug>) -> Outcome {
    let store: Arc<dyn DynStore> = Arc::new(gate);
    let (mut base, mut has_failed) = (start_again(&store), false);
    loop {
        if does == Does::Alone {
            return alone(at, base, &queue, &store).await;
        }
        let mut seen = None;
        let change = |found: &Record| {
            if POLLED.get() != Some(at) {
                HAS_STRAYED.set(true);
            }
            seen = Some(found.nonce());
            let declines = does == Does::Decline && marks(found).contains(&super::STOP);
            (!declines).then(|| add(found, at).written(random_nonce(), found))
        };
        match queue.combine(&store, ID, base, PATIENCE, change).await {
            Ok(Written::Done(_)) => return Outcome::Done,
            Ok(Written::Declined) if bug == Some(Bug::TrustsTheBatch) && does == Does::Decline => {
                return Outcome::Declined(seen.unwrap_or_default());
            }
            // A decision against a change is taken on a record that was stored.
            Ok(Written::Declined) => match store.load(&ID).await {
                Ok(Some(found)) if does == Does::Decline && marks(&found).contains(&super::STOP) => {
                    return Outcome::Declined(found.nonce());
                }
                Ok(Some(found)) => base = found,
                Ok(None) => return Outcome::Gone,
                Err(error) => return Outcome::Failed { is_unknown: error.is_unknown() },
            },
            Ok(Written::Gone) => return Outcome::Gone,
            Ok(Written::Late) => return Outcome::Late,
            // A later save of the same handle.
            Err(error) if does == Does::SaveAgain && error.is_not_done() && !has_failed => {
                has_failed = true;
                base = start_again(&store);
            }
            Err(error) => return Outcome::Failed { is_unknown: error.is_unknown() },
        }
    }
}

/// The record that the member had loaded before anything else happened.
fn start_again(_: &Arc<dyn DynStore>) -> Record {
    dice::with(1, start)
}

async fn alone(at: u8, base: Record, queue: &Arc<Queue>, store: &Arc<dyn DynStore>) -> Outcome {
    use crate::store::certain::{Certain, replace};
    let Some(mut turn) = queue.alone(store, ID, base, PATIENCE).await else { return Outcome::Late };
    loop {
        let base = turn.base().clone();
        let record = add(&base, at).written(random_nonce(), &base);
        match replace(&**store, &ID, &base, &record, Timestamp::default(), PATIENCE).await {
            Ok(Certain::Done(later)) => {
                turn.leave(later.unwrap_or(record));
                return Outcome::Done;
            }
            Ok(Certain::Changed(found)) => turn.leave(found),
            Ok(Certain::Gone) => return Outcome::Gone,
            Err(error) => return Outcome::Failed { is_unknown: error.is_unknown() },
        }
    }
}
