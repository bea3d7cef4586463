//! What clean-up adds to a request: the store has no task for it, requests that write do it in passing.

use std::time::{Duration, Instant};

use axum::{body::Body, http::Request};
use cloakroom::{MemoryStore, SessionLayer};
use rand::{SeedableRng as _, rngs::StdRng};

use crate::{
    Plan,
    app::{App, Class, Cookie, nanos, runtime},
    clock::Clock,
    common::{
        report::{Report, Row},
        spread::Spread,
    },
};

const ROUNDS: usize = 3;
/// After any deadline.
const LATER: Duration = Duration::from_hours(60 * 24);
/// Sessions that the requests are for, besides those that have expired or have not.
const IN_USE: usize = 2_000;
/// With and without clean-up take turns after so many requests.
const TURN: usize = 1_000;

/// A store that has something to clean up, or not.
struct Subject {
    app: App,
    store: MemoryStore,
    clock: Clock,
    in_use: Vec<Cookie>,
}

/// Nanoseconds of each request.
#[derive(Default)]
struct Times(Vec<f64>);

pub(crate) fn measure(plan: &Plan, report: &mut Report) {
    let sessions = plan.most_sessions();
    let part = |what: &str| format!("Clean-up, {sessions} sessions: {what}");
    report.part(&part("writes while all expire"), "to without", &rounds(|| unbounded(sessions)));
    report.part(&part("new sessions in a full store, once all have expired"), "to without", &rounds(|| full(sessions)));
    report.part(
        &part("new sessions in a full store, while one expires each millisecond"),
        "to without",
        &rounds(|| trickle(sessions)),
    );
}

/// The rows of what was measured without clean-up, and with it.
fn rounds(mut round: impl FnMut() -> [Times; 2]) -> Vec<Row> {
    let rounds: Vec<_> = (0..ROUNDS).map(|_| round()).collect();
    let figures: [(&str, fn(&Times) -> f64); 3] =
        [("median", |times| times.at(0.5)), ("99.99 %", |times| times.at(0.9999)), ("longest", |times| times.at(1.0))];
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

/// Writes to a few live sessions, until the sweep has come around.
fn unbounded(sessions: usize) -> [Times; 2] {
    let mut subjects = [Duration::ZERO, LATER].map(|later| {
        let mut subject = Subject::new(MemoryStore::new(), sessions, Duration::ZERO);
        subject.clock.advance(later);
        subject.in_use = runtime().block_on(subject.app.fill(IN_USE));
        subject
    });
    let mut random = StdRng::seed_from_u64(2);
    let mut times = [Times::default(), Times::default()];
    // A write looks at eight slots, and a table has about two for a session.
    for _ in 0..sessions * 2 / 5 / TURN {
        for (subject, times) in subjects.iter_mut().zip(&mut times) {
            let requests = Class::Write.requests(&subject.in_use, TURN, &mut random);
            times.add(&mut subject.app, requests, || {});
        }
    }
    let [_, cleaned] = &subjects;
    let left = cleaned.store.len() - IN_USE;
    assert!(left < sessions / 100, "the sweep has not come around: {left} of {sessions} are left");
    times
}

/// Without: each new session ends the oldest one. With: the first looks for all that have expired.
fn full(sessions: usize) -> [Times; 2] {
    [Duration::ZERO, LATER].map(|later| {
        let mut subject = Subject::new(MemoryStore::bounded(sessions), sessions, Duration::ZERO);
        subject.clock.advance(later);
        let mut times = Times::default();
        times.add(&mut subject.app, creates(TURN), || {});
        times
    })
}

/// With: at each new session, the one that began first has just expired.
fn trickle(sessions: usize) -> [Times; 2] {
    let step = Duration::from_millis(1);
    let to_first_deadline = Duration::from_hours(24).saturating_sub(step * u32::try_from(sessions).unwrap_or(u32::MAX));
    [Duration::ZERO, to_first_deadline].map(|later| {
        let mut subject = Subject::new(MemoryStore::bounded(sessions), sessions, step);
        subject.clock.advance(later);
        let mut times = Times::default();
        let clock = subject.clock.clone();
        times.add(&mut subject.app, creates(TURN / 5), || clock.advance(step));
        times
    })
}

fn creates(count: usize) -> Vec<Request<Body>> {
    (0..count).map(|_| Request::get("/create/1").body(Body::empty()).expect("a path of ours")).collect()
}

impl Subject {
    /// Its sessions begin that long one after another.
    fn new(store: MemoryStore, sessions: usize, apart: Duration) -> Self {
        let clock = Clock::new();
        let mut app = App::new(SessionLayer::new(store.clone()).clock(clock.clone()));
        runtime().block_on(async {
            for _ in 0..sessions {
                app.create(1).await;
                clock.advance(apart);
            }
        });
        Self { app, store, clock, in_use: Vec::new() }
    }
}

impl Times {
    fn add(&mut self, app: &mut App, requests: Vec<Request<Body>>, before_each: impl Fn()) {
        runtime().block_on(async {
            for request in requests {
                before_each();
                let start = Instant::now();
                app.call(request).await;
                self.0.push(nanos(start.elapsed()));
            }
        });
    }

    /// What that share of the requests did not exceed.
    #[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, clippy::cast_sign_loss, reason = "a rank")]
    fn at(&self, share: f64) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        let rank = (sorted.len() as f64 * share).ceil() as usize;
        sorted[rank.clamp(1, sorted.len()) - 1]
    }
}
