//! Every test holds the store's calls back by a gate until the members are where it wants them.

use std::{
    collections::VecDeque,
    future::pending,
    pin::{Pin, pin},
    task::{Context, Poll, Wake, Waker},
    thread,
};

use tokio::{
    runtime::{Builder, Runtime},
    sync::Semaphore,
    task::{JoinHandle, yield_now},
    time,
};

use super::{
    line::{MOST_RIDERS, MOST_WAITING},
    *,
};
use crate::{
    credentials::Credentials,
    state::State as Keys,
    store::{Created, Deleted, Replaced, SessionStore},
    time::Timestamp,
    token::SecretHash,
    token::random_nonce,
};

const PATIENCE: Duration = Duration::from_secs(60);
const ID: SessionId = SessionId::from_bytes([7; 16]);

/// What a store does with a call instead of answering it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    None,
    /// It is done, and the reply is lost.
    LosesReply,
    /// It is not done, and its sender does not know.
    LosesCall,
    /// It is not done, and its sender knows.
    Refuses,
    /// It is done, and never ends.
    HangsDone,
    /// It is not done, and never ends.
    Hangs,
}

/// A store of one session.
struct Shelf {
    record: Mutex<Option<Record>>,
    /// The calls that may go on.
    gate: Semaphore,
    /// The calls that have come.
    arrived: Semaphore,
    faults: Mutex<VecDeque<Fault>>,
    /// How often a call yields before it takes effect, and again after it.
    yields: usize,
    replaces: AtomicUsize,
}

impl Shelf {
    fn new(is_open: bool) -> Arc<Self> {
        let mut record = Record::new(
            Credentials::new(SecretHash::from_bytes([1; 32])),
            Keys::default(),
            Timestamp::from_millis(1000),
            Timestamp::MAX,
        );
        record.body_mut().nonce = 1;
        record.body_mut().rest.trail = Some([0; 4]);
        Arc::new(Self {
            record: Mutex::new(Some(record)),
            gate: Semaphore::new(if is_open { 1_000_000 } else { 0 }),
            arrived: Semaphore::new(0),
            faults: Mutex::default(),
            yields: 3,
            replaces: AtomicUsize::new(0),
        })
    }

    fn open(&self) {
        self.gate.add_permits(1_000_000);
    }

    /// Lets one call go on.
    fn let_one(&self) {
        self.gate.add_permits(1);
    }

    /// Waits for the next call to come.
    async fn arrival(&self) {
        self.arrived.acquire().await.unwrap().forget();
    }

    fn fail(&self, faults: impl IntoIterator<Item = Fault>) {
        self.faults.lock().unwrap().extend(faults);
    }

    fn record(&self) -> Record {
        self.record.lock().unwrap().clone().unwrap()
    }

    fn get(&self, key: &str) -> Option<String> {
        self.record().state().get(key).map(str::to_owned)
    }

    fn has(&self, keys: &str) -> bool {
        let record = self.record();
        record.state().iter().map(|(key, _)| key).eq(keys.split_whitespace())
    }

    /// Writes as another process does.
    fn write_from_afar(&self, key: &str) {
        let mut record = self.record.lock().unwrap();
        let found = record.clone().unwrap();
        *record = Some(with(&found, key, "1").written(random_nonce(), &found));
    }

    fn count(&self) -> usize {
        self.replaces.load(Ordering::SeqCst)
    }

    fn swap(&self, base: &Record, record: &Record) -> Replaced {
        let mut place = self.record.lock().unwrap();
        match &mut *place {
            None => Replaced::Gone,
            Some(found) if found.nonce() == base.nonce() => {
                *found = record.clone();
                Replaced::Done
            }
            Some(found) => Replaced::Changed(found.clone()),
        }
    }
}

impl SessionStore for Shelf {
    async fn load(&self, _: &SessionId) -> Result<Option<Record>, StoreError> {
        Ok(self.record.lock().unwrap().clone())
    }

    async fn create(&self, _: &SessionId, _: &Record) -> Result<Created, StoreError> {
        Ok(Created::Taken)
    }

    async fn replace(&self, _: &SessionId, base: &Record, record: &Record) -> Result<Replaced, StoreError> {
        self.replaces.fetch_add(1, Ordering::SeqCst);
        let fault = self.faults.lock().unwrap().pop_front().unwrap_or(Fault::None);
        if fault == Fault::HangsDone {
            self.swap(base, record);
        }
        self.arrived.add_permits(1);
        self.gate.acquire().await.unwrap().forget();
        for _ in 0..self.yields {
            yield_now().await;
        }
        let replaced = match fault {
            Fault::None => Ok(self.swap(base, record)),
            Fault::LosesReply => {
                self.swap(base, record);
                Err(StoreError::new("lost reply"))
            }
            Fault::LosesCall => Err(StoreError::new("lost call")),
            Fault::Refuses => Err(StoreError::not_done("refused")),
            Fault::HangsDone | Fault::Hangs => pending().await,
        };
        for _ in 0..self.yields {
            yield_now().await;
        }
        replaced
    }

    async fn delete(&self, _: &SessionId, _: Option<&Record>) -> Result<Deleted, StoreError> {
        *self.record.lock().unwrap() = None;
        Ok(Deleted::Done)
    }
}

/// The record with another value under `key`.
fn with(record: &Record, key: &str, value: &str) -> Record {
    let mut record = record.clone();
    let state = record.state().iter().chain([(key, value)]).collect();
    record.body_mut().state = state;
    record
}

fn number(record: &Record, key: &str) -> u32 {
    record.state().get(key).map_or(0, |raw| raw.parse().unwrap())
}

type Outcome = Result<Written, StoreError>;

/// A queue over a store, as a layer has it.
#[derive(Clone)]
struct Process {
    queue: Arc<Queue>,
    shelf: Arc<Shelf>,
    store: Arc<dyn DynStore>,
}

impl Process {
    fn new(is_open: bool) -> Self {
        let shelf = Shelf::new(is_open);
        let store = Arc::clone(&shelf) as Arc<dyn DynStore>;
        Self { queue: Arc::default(), shelf, store }
    }

    async fn change(self, patience: Duration, change: impl FnMut(&Record) -> Option<Record>) -> Outcome {
        let base = self.shelf.record();
        self.queue.combine(&self.store, ID, base, patience, change).await
    }

    async fn set(self, key: impl Into<String>) -> Outcome {
        let key = key.into();
        self.change(PATIENCE, move |record| Some(with(record, &key, "1"))).await
    }

    async fn add(self, key: &'static str) -> Outcome {
        self.change(PATIENCE, move |record| Some(with(record, key, &(number(record, key) + 1).to_string()))).await
    }

    /// Spawns a writer of `key`, and waits until it is in the line: alone in it, it has the first turn.
    async fn seat(&self, key: &'static str) -> JoinHandle<Outcome> {
        self.seated(self.clone().set(key)).await
    }

    async fn seated<T: Send + 'static>(&self, future: impl Future<Output = T> + Send + 'static) -> JoinHandle<T> {
        let before = self.members();
        let task = tokio::spawn(future);
        self.until(before + 1).await;
        task
    }

    /// Spawns a writer of `key` whose call is held back.
    async fn first(&self, key: &'static str) -> JoinHandle<Outcome> {
        let task = self.seat(key).await;
        self.shelf.arrival().await;
        task
    }

    async fn alone(self) -> Option<Alone> {
        let base = self.shelf.record();
        self.queue.alone(&self.store, ID, base, PATIENCE).await
    }

    fn members(&self) -> usize {
        self.queue.lines().get(&ID).map_or(0, |line| line.state().members)
    }

    /// Waits until so many are in the line.
    async fn until(&self, members: usize) {
        while self.members() != members {
            yield_now().await;
        }
    }

    /// Asserts that the queue keeps nothing of a session that is not written.
    fn assert_empty(&self) {
        assert!(self.queue.lines().is_empty());
        assert_eq!(self.queue.count.load(Ordering::SeqCst), 0);
        assert!(!self.queue.is_busy(&ID));
    }
}

fn single() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

fn multi() -> Runtime {
    Builder::new_multi_thread().worker_threads(3).enable_all().build().unwrap()
}

/// A runtime whose clock moves only when all of its tasks wait.
fn paused() -> Runtime {
    Builder::new_current_thread().enable_all().start_paused(true).build().unwrap()
}

/// Runs a test on a runtime of each kind. A test that hangs fails.
fn on_both<F: Future<Output = ()> + Send + 'static>(test: impl Fn() -> F) {
    for runtime in [single(), multi()] {
        runtime.block_on(async { within(tokio::spawn(test())).await.unwrap() });
    }
}

async fn within<T>(future: impl Future<Output = T>) -> T {
    time::timeout(Duration::from_secs(30), future).await.expect("it hangs")
}

/// Polls a future once that nothing wakes.
fn poll_once<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

#[track_caller]
fn assert_done(outcome: Outcome) -> Record {
    match outcome {
        Ok(Written::Done(record)) => record,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_hundred_writers_of_a_key_each_are_written_in_a_few_calls() {
    on_both(|| async {
        let process = Process::new(false);
        let writers: Vec<_> = (0..100).map(|n| tokio::spawn(process.clone().set(format!("key{n}")))).collect();
        process.until(100).await;
        assert!(process.queue.is_busy(&ID));
        process.shelf.open();
        for (n, writer) in writers.into_iter().enumerate() {
            let stored = assert_done(writer.await.unwrap());
            assert!(stored.state().contains_key(&format!("key{n}")));
        }
        assert_eq!(process.shelf.record().state().len(), 100);
        assert!(process.shelf.count() <= 10, "{} calls", process.shelf.count());
        process.assert_empty();
    });
}

#[test]
fn a_hundred_counters_count_a_hundred() {
    on_both(|| async {
        let process = Process::new(true);
        let writers: Vec<_> = (0..100).map(|_| tokio::spawn(process.clone().add("n"))).collect();
        for writer in writers {
            assert_done(writer.await.unwrap());
        }
        assert_eq!(process.shelf.get("n").as_deref(), Some("100"));
        process.assert_empty();
    });
}

/// Another process writes too, so that batches are applied again.
#[test]
fn a_function_runs_only_in_the_task_of_its_own_request() {
    on_both(|| async {
        let process = Process::new(false);
        let runs = Arc::new(AtomicUsize::new(0));
        let writer = |process: Process, runs: Arc<AtomicUsize>| async move {
            let own = tokio::task::id();
            let change = move |record: &Record| {
                assert_eq!(tokio::task::id(), own, "it runs in the task of another request");
                runs.fetch_add(1, Ordering::SeqCst);
                Some(with(record, "n", &(number(record, "n") + 1).to_string()))
            };
            process.change(PATIENCE, change).await
        };
        let writers: Vec<_> = (0..50).map(|_| tokio::spawn(writer(process.clone(), Arc::clone(&runs)))).collect();
        process.until(50).await;
        for n in 0..5 {
            process.shelf.arrival().await;
            process.shelf.write_from_afar(&format!("far{n}"));
            process.shelf.let_one();
        }
        process.shelf.open();
        for writer in writers {
            assert_done(writer.await.unwrap());
        }
        assert_eq!(process.shelf.get("n").as_deref(), Some("50"));
        assert_eq!(process.shelf.record().state().len(), 6);
        assert!(runs.load(Ordering::SeqCst) > 50, "no batch was applied again");
        process.assert_empty();
    });
}

#[test]
fn a_member_that_declines_does_not_disturb_the_others() {
    on_both(|| async {
        let process = Process::new(false);
        let first = process.first("a").await;
        let declines = process.seated(process.clone().change(PATIENCE, |_| None)).await;
        let last = process.seat("b").await;
        process.shelf.open();
        assert_done(first.await.unwrap());
        assert!(matches!(declines.await.unwrap(), Ok(Written::Declined)));
        assert_done(last.await.unwrap());
        assert!(process.shelf.has("a b"));
        process.assert_empty();
        // The only member there is.
        let declined = process.clone().change(PATIENCE, |_| None).await;
        assert!(matches!(declined, Ok(Written::Declined)));
        assert_eq!(process.shelf.count(), 2);
        process.assert_empty();
    });
}

#[test]
fn a_member_that_is_dropped_while_it_waits_does_not_disturb_the_others() {
    on_both(|| async {
        let process = Process::new(false);
        let first = process.first("a").await;
        let waits = process.seat("dropped").await;
        let last = process.seat("b").await;
        waits.abort();
        assert!(waits.await.unwrap_err().is_cancelled());
        process.until(2).await;
        process.shelf.open();
        assert_done(first.await.unwrap());
        assert_done(last.await.unwrap());
        assert!(process.shelf.has("a b"));
        process.assert_empty();
    });
}

#[test]
fn a_function_that_panics_in_its_turn_hands_the_batch_on_as_it_was() {
    on_both(|| async {
        let process = Process::new(false);
        let first = process.first("a").await;
        let before = process.seat("b").await;
        let panics = process.seated(process.clone().change(PATIENCE, |_| panic!("of the application's"))).await;
        let last = process.seat("c").await;
        process.shelf.open();
        assert!(panics.await.unwrap_err().is_panic());
        for task in [first, before, last] {
            assert_done(task.await.unwrap());
        }
        assert!(process.shelf.has("a b c"));
        process.assert_empty();
    });
}

#[test]
fn a_rider_that_is_dropped_leaves_its_change_behind() {
    on_both(|| async {
        let process = Process::new(false);
        let rider = process.first("a").await;
        rider.abort();
        assert!(rider.await.unwrap_err().is_cancelled());
        // The line is empty, and the call goes on.
        process.assert_empty();
        process.shelf.open();
        while !process.shelf.has("a") {
            yield_now().await;
        }
        process.assert_empty();

        let process = Process::new(false);
        let rider = process.first("a").await;
        let waits = process.seat("b").await;
        rider.abort();
        process.until(1).await;
        process.shelf.open();
        assert_done(waits.await.unwrap());
        assert!(process.shelf.has("a b"));
        process.assert_empty();
    });
}

#[test]
fn a_rider_that_was_dropped_is_not_waited_for_if_its_batch_is_applied_again() {
    paused().block_on(within(async {
        let process = Process::new(false);
        let rider = process.first("a").await;
        let waits = process.seat("b").await;
        rider.abort();
        process.until(1).await;
        process.shelf.write_from_afar("far");
        let begun = time::Instant::now();
        process.shelf.open();
        assert_done(waits.await.unwrap());
        assert!(begun.elapsed() < TURN, "{:?}", begun.elapsed());
        assert!(process.shelf.has("b far"));
        process.assert_empty();
    }));
}

/// The calls of the second batch go wrong: its riders are told, and the member that waits goes on.
#[test]
fn the_riders_of_a_call_that_fails_are_told_and_the_others_go_on() {
    let always = |fault| vec![fault; 4];
    let table = [
        (vec![Fault::Refuses], true, "a d"),
        (always(Fault::LosesCall), false, "a d"),
        (always(Fault::LosesReply), false, "a b c d"),
    ];
    for (faults, is_not_done, keys) in table {
        let faults = &faults;
        on_both(|| {
            let faults = faults.clone();
            async move {
                let process = Process::new(false);
                let first = process.first("a").await;
                process.shelf.fail(faults);
                let riders = [process.seat("b").await, process.seat("c").await];
                process.shelf.let_one();
                assert_done(first.await.unwrap());
                process.shelf.arrival().await;
                let waits = process.seat("d").await;
                process.shelf.open();
                for rider in riders {
                    let error = rider.await.unwrap().unwrap_err();
                    assert_eq!(error.is_not_done(), is_not_done);
                }
                assert_done(waits.await.unwrap());
                assert!(process.shelf.has(keys), "{:?}", process.shelf.record());
                process.assert_empty();
            }
        });
    }
}

#[test]
fn a_lost_reply_counts_once() {
    for fault in [Fault::LosesReply, Fault::LosesCall] {
        on_both(|| async move {
            let process = Process::new(false);
            process.shelf.fail([fault; 3]);
            let writers: Vec<_> = (0..10).map(|_| tokio::spawn(process.clone().add("n"))).collect();
            process.until(10).await;
            process.shelf.open();
            for writer in writers {
                assert_done(writer.await.unwrap());
            }
            assert_eq!(process.shelf.get("n").as_deref(), Some("10"));
            process.assert_empty();
        });
    }
}

#[test]
fn a_batch_that_another_process_overtakes_is_applied_again_in_its_order() {
    on_both(|| async {
        let process = Process::new(false);
        let first = process.first("a").await;
        let push = |name: &'static str| {
            process.clone().change(PATIENCE, move |record| {
                let before = record.state().get("list").unwrap_or_default();
                Some(with(record, "list", &format!("{before}{name}")))
            })
        };
        let riders = [process.seated(push("1")).await, process.seated(push("2")).await];
        process.shelf.let_one();
        assert_done(first.await.unwrap());
        process.shelf.arrival().await;
        let later = process.seated(push("3")).await;
        process.shelf.write_from_afar("far");
        process.shelf.open();
        for task in riders.into_iter().chain([later]) {
            assert_done(task.await.unwrap());
        }
        assert_eq!(process.shelf.get("list").as_deref(), Some("123"));
        assert!(process.shelf.has("a far list"));
        process.assert_empty();
    });
}

#[test]
fn the_writers_of_a_session_that_ends_are_all_told() {
    on_both(|| async {
        let process = Process::new(false);
        let mut writers = vec![process.first("a").await];
        for key in ["b", "c", "d"] {
            writers.push(process.seat(key).await);
        }
        SessionStore::delete(&*process.shelf, &ID, None).await.unwrap();
        process.shelf.open();
        for writer in writers {
            assert!(matches!(writer.await.unwrap(), Ok(Written::Gone)));
        }
        process.assert_empty();
    });
}

#[test]
fn a_writer_that_goes_alone_waits_for_the_batch_before_it_and_the_others_wait_for_it() {
    on_both(|| async {
        let process = Process::new(false);
        let first = process.first("a").await;
        let before = process.seat("b").await;
        let alone = process.seated(process.clone().alone()).await;
        let after = process.seat("c").await;
        process.shelf.open();
        assert_done(first.await.unwrap());
        assert_done(before.await.unwrap());
        let mut alone = alone.await.unwrap().unwrap();
        let base = alone.base().clone();
        assert_eq!(base, process.shelf.record());
        assert!(process.shelf.has("a b"));
        assert!(!after.is_finished());
        let record = with(&base, "alone", "1").written(random_nonce(), &base);
        assert_eq!(process.shelf.swap(&base, &record), Replaced::Done);
        let calls = process.shelf.count();
        alone.leave(record);
        drop(alone);
        assert_done(after.await.unwrap());
        assert!(process.shelf.has("a alone b c"));
        assert_eq!(process.shelf.count(), calls + 1, "it began with another record");
        process.assert_empty();
    });
}

#[test]
fn a_turn_alone_passes_on_however_it_ends() {
    on_both(|| async {
        // Its future is dropped while it waits.
        let process = Process::new(false);
        let first = process.first("a").await;
        let alone = process.seated(process.clone().alone()).await;
        let after = process.seat("b").await;
        alone.abort();
        process.until(2).await;
        process.shelf.open();
        assert_done(first.await.unwrap());
        assert_done(after.await.unwrap());
        process.assert_empty();

        // It has the turn, and writes nothing; or the store has gone on without its saying so.
        for is_stale in [false, true] {
            let alone = process.clone().alone().await.unwrap();
            let after = [process.seat("c").await, process.seat("d").await];
            if is_stale {
                process.shelf.write_from_afar("e");
            }
            drop(alone);
            for task in after {
                assert_done(task.await.unwrap());
            }
            process.assert_empty();
        }
        assert!(process.shelf.has("a b c d e"));

        // One after the other.
        let one = process.clone().alone().await.unwrap();
        let two = process.seated(process.clone().alone()).await;
        assert!(!two.is_finished());
        drop(one);
        assert!(two.await.unwrap().is_some());
        process.assert_empty();
    });
}

#[test]
fn a_member_that_is_not_polled_loses_its_turn_and_gets_another_one() {
    paused().block_on(within(async {
        // The one that is not polled stands before the others, between them, and behind them.
        for place in 0..3 {
            let process = Process::new(false);
            let first = process.first("a").await;
            let mut idle = pin!(process.clone().set("idle"));
            let mut others = Vec::new();
            for (at, key) in ["b", "c"].into_iter().enumerate() {
                if at == place {
                    assert!(poll_once(idle.as_mut()).is_pending());
                }
                others.push(process.seat(key).await);
            }
            if place == 2 {
                assert!(poll_once(idle.as_mut()).is_pending());
            }
            let begun = time::Instant::now();
            process.shelf.open();
            for task in [first].into_iter().chain(others) {
                assert_done(task.await.unwrap());
            }
            assert!(process.shelf.has("a b c"), "place {place}: {:?}", process.shelf.record());
            assert!(begun.elapsed() >= TURN && begun.elapsed() < 3 * TURN, "place {place}: {:?}", begun.elapsed());
            // The others do not wait for it a second time.
            let begun = time::Instant::now();
            assert_done(process.clone().set("d").await);
            assert!(begun.elapsed() < TURN, "place {place}: {:?}", begun.elapsed());
            assert_done(idle.await);
            assert!(process.shelf.has("a b c d idle"), "place {place}: {:?}", process.shelf.record());
            process.assert_empty();
        }
    }));
}

#[test]
fn a_member_that_is_not_polled_and_then_dropped_leaves_nothing() {
    paused().block_on(within(async {
        let process = Process::new(false);
        let first = process.first("a").await;
        let mut idle = Box::pin(process.clone().set("idle"));
        assert!(poll_once(idle.as_mut()).is_pending());
        let mut alone = Box::pin(process.clone().alone());
        assert!(poll_once(alone.as_mut()).is_pending());
        let last = process.seat("b").await;
        process.shelf.open();
        assert_done(first.await.unwrap());
        assert_done(last.await.unwrap());
        assert!(process.queue.is_busy(&ID));
        drop((idle, alone));
        process.assert_empty();
    }));
}

#[test]
fn a_line_takes_so_many_and_no_more() {
    single().block_on(within(async {
        let process = Process::new(false);
        let first = process.first("a").await;
        let mut waiting: Vec<_> = (1..MOST_WAITING).map(|_| Box::pin(process.clone().add("n"))).collect();
        assert!(waiting.iter_mut().all(|member| poll_once(member.as_mut()).is_pending()));
        assert_eq!(process.members(), MOST_WAITING);
        assert!(matches!(process.clone().set("late").await, Ok(Written::Late)));
        assert!(process.clone().alone().await.is_none());
        assert_eq!(process.members(), MOST_WAITING);
        process.shelf.open();
        assert_done(first.await.unwrap());
        for task in waiting.into_iter().map(tokio::spawn).collect::<Vec<_>>() {
            assert_done(task.await.unwrap());
        }
        assert_eq!(process.shelf.get("n"), Some((MOST_WAITING - 1).to_string()));
        assert!(process.shelf.count() >= MOST_WAITING.div_ceil(MOST_RIDERS));
        process.assert_empty();
    }));
}

#[test]
fn a_member_waits_no_longer_than_it_wants_to() {
    paused().block_on(within(async {
        let process = Process::new(false);
        // Its change is on its way: it has to know what becomes of it.
        let a_while = Duration::from_millis(1);
        let rider = process.seated(process.clone().change(a_while, |record| Some(with(record, "a", "1")))).await;
        process.shelf.arrival().await;
        let begun = time::Instant::now();
        let patience = Duration::from_secs(1);
        let late = process.clone().change(patience, |_| panic!("it has no turn"));
        assert!(matches!(late.await, Ok(Written::Late)));
        assert!(begun.elapsed() >= patience && begun.elapsed() <= patience + TURN, "{:?}", begun.elapsed());
        let alone = process.queue.alone(&process.store, ID, process.shelf.record(), patience).await;
        assert!(alone.is_none());
        assert!(!rider.is_finished());
        process.shelf.open();
        assert_done(rider.await.unwrap());
        process.assert_empty();
    }));
}

/// Runs a future without a runtime.
fn block_on<F: Future>(future: F) -> F::Output {
    struct Unpark(thread::Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}

#[test]
fn it_works_without_a_runtime() {
    let process = Process::new(true);
    assert_done(block_on(process.clone().set("a")));
    assert!(block_on(process.clone().alone()).is_some());
    process.assert_empty();

    let threads: Vec<_> = (0..8)
        .map(|n| {
            let process = process.clone();
            thread::spawn(move || {
                for round in 0..20 {
                    assert_done(block_on(process.clone().set(format!("key{n}.{round}"))));
                    assert_done(block_on(process.clone().add("n")));
                }
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
    assert_eq!(process.shelf.get("n").as_deref(), Some("160"));
    assert_eq!(process.shelf.record().state().len(), 1 + 1 + 160);
    process.assert_empty();
}

/// Without a runtime, a rider makes the call; if it is dropped, the next one makes it again.
#[test]
fn a_call_whose_rider_is_dropped_goes_to_the_next_rider() {
    for fault in [Fault::HangsDone, Fault::Hangs] {
        let process = Process::new(false);
        let mut first = Box::pin(process.clone().set("a"));
        assert!(poll_once(first.as_mut()).is_pending());
        let mut riders: Vec<_> = ["b", "c", "d"].map(|key| Box::pin(process.clone().set(key))).into();
        assert!(riders.iter_mut().all(|rider| poll_once(rider.as_mut()).is_pending()));
        assert_eq!(process.shelf.count(), 1);
        // The only rider of its batch: the others go on without it.
        drop(first);
        process.shelf.fail([fault]);
        for _ in 0..2 {
            assert!(riders.iter_mut().all(|rider| poll_once(rider.as_mut()).is_pending()));
        }
        assert_eq!(process.shelf.count(), 2);
        drop(riders.remove(0));
        process.shelf.open();
        let mut outcomes = Vec::new();
        for _ in 0..100 {
            riders.retain_mut(|rider| match poll_once(rider.as_mut()) {
                Poll::Ready(outcome) => {
                    outcomes.push(outcome);
                    false
                }
                Poll::Pending => true,
            });
        }
        assert_eq!(outcomes.len(), 2);
        for outcome in outcomes {
            assert_done(outcome);
        }
        assert!(process.shelf.has("b c d"), "{fault:?}: {:?}", process.shelf.record());
        drop(riders);
        process.assert_empty();
    }
}

/// The call was under way when its runtime went: it is done, or it is not.
#[test]
fn a_rider_whose_call_is_lost_with_another_runtime_asks_the_record() {
    for fault in [Fault::HangsDone, Fault::Hangs] {
        let (away, here) = (multi(), multi());
        here.block_on(within(async {
            let process = Process::new(false);
            let first = process.first("a").await;
            let rider = process.seated(process.clone().add("n")).await;
            // The last one to have its turn stores the batch: on the runtime that goes away.
            let before = process.members();
            let dropped = away.spawn(process.clone().set("c"));
            process.until(before + 1).await;
            process.shelf.fail([fault]);
            process.shelf.let_one();
            assert_done(first.await.unwrap());
            process.shelf.open();
            process.shelf.arrival().await;
            let waits = process.seat("d").await;
            assert!(!rider.is_finished() && !waits.is_finished());
            if fault == Fault::HangsDone {
                process.shelf.write_from_afar("far");
            }
            away.shutdown_background();
            assert!(dropped.await.is_err());
            assert_done(rider.await.unwrap());
            assert_done(waits.await.unwrap());
            let keys = if fault == Fault::HangsDone { "a c d far n" } else { "a c d n" };
            assert!(process.shelf.has(keys), "{fault:?}: {:?}", process.shelf.record());
            assert_eq!(process.shelf.get("n").as_deref(), Some("1"), "{fault:?}");
            process.assert_empty();
        }));
    }
}
