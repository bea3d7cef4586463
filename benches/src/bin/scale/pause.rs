//! The time that clean-up adds to a request. The store has no task for clean-up: requests that write do it.

use std::time::Duration;

use cloakroom::{MemoryStore, SessionLayer};
use rand::{SeedableRng as _, rngs::StdRng};

use crate::{
    Plan,
    app::{App, Class, Cookie, get_of, runtime},
    clock::Clock,
    common::{
        report::{Report, Row},
        spread::Spread,
    },
    times::Times,
};

const ROUNDS: usize = 3;
/// A time after every deadline.
const LATER: Duration = Duration::from_hours(60 * 24);
/// The sessions that the requests use, besides those that are only in the store.
const IN_USE: usize = 2_000;
/// The number of requests after which the store with clean-up and the one without take turns.
const TURN: usize = 1_000;

pub(crate) fn measure(plan: &Plan, report: &mut Report) {
    let sessions = plan.most_sessions();
    let mut part = |what: &str, round: fn(usize) -> [Times; 2]| {
        let rows = rows(&(0..ROUNDS).map(|_| round(sessions)).collect::<Vec<_>>());
        report.part(&format!("Clean-up of {sessions} sessions: {what}"), "to without", &rows);
    };
    part("writes to others, while all expire", unbounded);
    part("log-ins where the store was full, once all have expired", full);
    part("log-ins where the store is full, and one expires each millisecond", trickle);
}

/// Returns nanoseconds, of all requests.
type Figure = fn(&Times) -> f64;

/// Returns the rows of rounds without clean-up and with it.
fn rows(rounds: &[[Times; 2]]) -> Vec<Row> {
    let figures: [(&str, Figure); 4] = [
        ("median", |times| times.at(0.5)),
        ("99.99 %", |times| times.at(0.9999)),
        ("longest", |times| times.at(1.0)),
        ("longest, processor time", Times::longest_of_processor),
    ];
    figures
        .into_iter()
        .flat_map(|(name, of)| {
            let without: Vec<_> = rounds.iter().map(|[without, _]| of(without) / 1e3).collect();
            let with: Vec<_> = rounds.iter().map(|[_, with]| of(with) / 1e3).collect();
            let ratio = Spread::of_ratios(&with, &without);
            [
                Row::new(format!("{name}, without"), Spread::of(&without), "µs"),
                Row::new(format!("{name}, with clean-up"), Spread::of(&with), "µs").ratio(ratio),
            ]
        })
        .collect()
}

/// Writes to a few live sessions until the sweep has passed every slot.
fn unbounded(sessions: usize) -> [Times; 2] {
    let mut subjects = [Duration::ZERO, LATER].map(|later| {
        let mut subject = Subject::new(MemoryStore::new());
        runtime().block_on(subject.app.fill(sessions));
        subject.clock.advance(later);
        let cookies = runtime().block_on(subject.app.fill(IN_USE));
        (subject, cookies, Times::default())
    });
    let mut random = StdRng::seed_from_u64(2);
    // A write looks at eight slots, and a table has about two slots for a session.
    for _ in 0..sessions * 2 / 5 / TURN {
        for (subject, cookies, times) in &mut subjects {
            subject.write(cookies, &mut random, times);
        }
    }
    let [(.., without), (cleaned, _, with)] = subjects;
    let left = cleaned.store.len() - IN_USE;
    assert!(left < sessions / 100, "the sweep has not come around: {left} of {sessions} are left");
    [without, with]
}

/// Fills a store with owned sessions, which are not ended for room, so it looks for all that have expired. The other
/// store has room.
fn full(sessions: usize) -> [Times; 2] {
    [(sessions * 2, Duration::ZERO), (sessions, LATER)].map(|(room, later)| {
        let mut subject = Subject::new(MemoryStore::bounded(room));
        subject.log_in(sessions, Duration::ZERO, None);
        subject.clock.advance(later);
        let mut times = Times::default();
        subject.log_in(TURN, Duration::ZERO, Some(&mut times));
        times
    })
}

/// Lets the oldest session expire before each login. The other store has room.
fn trickle(sessions: usize) -> [Times; 2] {
    let apart = Duration::from_millis(1);
    let filled = apart * u32::try_from(sessions).unwrap_or(u32::MAX);
    [sessions * 2, sessions].map(|room| {
        let mut subject = Subject::new(MemoryStore::bounded(room));
        subject.log_in(sessions, apart, None);
        subject.clock.advance(Duration::from_hours(24).saturating_sub(filled));
        let mut times = Times::default();
        subject.log_in(TURN / 10, apart, Some(&mut times));
        times
    })
}

/// A store, and an application over it.
struct Subject {
    app: App,
    store: MemoryStore,
    clock: Clock,
}

impl Subject {
    fn new(store: MemoryStore) -> Self {
        let clock = Clock::new();
        Self { app: App::new(SessionLayer::new(store.clone()).clock(clock.clone())), store, clock }
    }

    /// Writes to random sessions for one turn.
    fn write(&mut self, cookies: &[Cookie], random: &mut StdRng, times: &mut Times) {
        let requests = Class::Write.requests(cookies, TURN, random);
        runtime().block_on(async {
            for request in requests {
                times.of(self.app.call(request)).await;
            }
        });
    }

    /// Makes new sessions, each with an owner of its own, which begin `apart` from each other.
    fn log_in(&mut self, count: usize, apart: Duration, mut times: Option<&mut Times>) {
        runtime().block_on(async {
            for user in 0..count {
                let call = self.app.call(get_of(&format!("/log-in/{user}")));
                match &mut times {
                    Some(times) => drop(times.of(call).await),
                    None => drop(call.await),
                }
                self.clock.advance(apart);
            }
        });
    }
}
