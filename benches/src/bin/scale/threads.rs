//! The requests a second, by the number of threads.

use std::{
    sync::{
        Barrier,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use cloakroom::{MemoryStore, SessionLayer};
use rand::{SeedableRng as _, rngs::StdRng};

use crate::{
    Plan,
    app::{App, Class, Cookie, runtime},
    common::{
        report::{Report, Row},
        spread::Spread,
    },
};

const THREADS: [usize; 4] = [1, 2, 4, 8];
const SESSIONS: usize = 100_000;
/// The requests that a thread prepares between two looks at the clock.
const BATCH: usize = 64;
const ROUNDS: usize = 5;

/// The requests of the threads.
struct Load<'a> {
    name: String,
    app: &'a App,
    class: Class,
    cookies: &'a [Cookie],
}

pub(crate) fn measure(plan: &Plan, report: &mut Report) {
    let mut app = App::new(SessionLayer::new(MemoryStore::new()));
    let bare = App::without_sessions();
    let cookies = runtime().block_on(app.fill(SESSIONS));
    let load =
        |app, class: Class, cookies, of: &str| Load { name: format!("{}, {of}", class.name()), app, class, cookies };
    let loads = [
        load(&bare, Class::Read, &cookies[..1], "without sessions"),
        load(&app, Class::Read, &cookies[..], "many sessions"),
        load(&app, Class::Read, &cookies[..1], "one session"),
        load(&app, Class::Write, &cookies[..], "many sessions"),
        load(&app, Class::Write, &cookies[..1], "one session"),
    ];

    let mut rounds = vec![vec![Vec::new(); THREADS.len()]; loads.len()];
    for _ in 0..ROUNDS {
        for (load, rounds) in loads.iter().zip(&mut rounds) {
            for (&threads, rounds) in THREADS.iter().zip(rounds) {
                rounds.push(load.send(threads, plan.work));
            }
        }
    }
    let mut rows = Vec::new();
    for (load, rounds) in loads.iter().zip(&rounds) {
        for (threads, figures) in THREADS.iter().zip(rounds) {
            let row = Row::new(format!("{}, {threads} threads", load.name), Spread::of(figures), "requests/s");
            rows.push(row.ratio(Spread::of_ratios(figures, &rounds[0])));
        }
    }
    report.part("Threads, each of which makes and sends requests", "to one thread", &rows);
}

impl Load<'_> {
    /// Sends requests from `threads` threads for the time `work`. Returns the requests a second of all threads
    /// together.
    fn send(&self, threads: usize, work: Duration) -> f64 {
        let (ready, is_over) = (Barrier::new(threads + 1), AtomicBool::new(false));
        thread::scope(|scope| {
            let senders: Vec<_> = (0_u64..)
                .take(threads)
                .map(|seed| {
                    let (ready, is_over) = (&ready, &is_over);
                    scope.spawn(move || self.send_until(is_over, ready, seed))
                })
                .collect();
            ready.wait();
            let start = Instant::now();
            thread::sleep(work);
            is_over.store(true, Ordering::Relaxed);
            let sent: u32 = senders.into_iter().map(|sender| sender.join().expect("requests succeed")).sum();
            f64::from(sent) / start.elapsed().as_secs_f64()
        })
    }

    fn send_until(&self, is_over: &AtomicBool, ready: &Barrier, seed: u64) -> u32 {
        let (mut app, mut random) = (self.app.clone(), StdRng::seed_from_u64(seed));
        let runtime = runtime();
        let mut sent = 0;
        ready.wait();
        while !is_over.load(Ordering::Relaxed) {
            for request in self.class.requests(self.cookies, BATCH, &mut random) {
                runtime.block_on(app.call(request));
                sent += 1;
            }
        }
        sent
    }
}
