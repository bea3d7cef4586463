//! Measures requests a second, with enough concurrent requests to keep one Redis busy.

use std::{
    rc::Rc,
    time::{Duration, Instant},
};

use tokio::task::{JoinSet, LocalSet};

use crate::{
    app::Call,
    classes::{Class, Payload},
    contestants::Contestant,
    stats::Estimate,
};

/// The number of concurrent requests.
pub const IN_FLIGHT: usize = 64;

/// The number of requests that a task makes between two looks at the clock.
const BATCH: u32 = 8;

/// The requests a second of several runs.
#[derive(Clone, Copy)]
pub struct Throughput {
    /// The contestant.
    pub contestant: Contestant,
    /// The kind of request.
    pub class: Class,
    /// Requests a second.
    pub per_second: Estimate,
}

/// Measures each contestant, one after the other, `runs` times.
pub fn measure(contestants: &[Contestant], redis: &str, runs: usize, limit: Duration) -> Vec<Throughput> {
    let cells = contestants.iter().flat_map(|contestant| [(contestant, Class::Read), (contestant, Class::Write)]);
    let cells: Vec<_> = cells.collect();
    let mut rates = vec![Vec::new(); cells.len()];
    for _ in 0..runs {
        for (&(contestant, class), rates) in cells.iter().zip(&mut rates) {
            rates.push(rate(contestant, redis, class, limit));
        }
    }
    let throughput = |(&(contestant, class), rates): (&(&Contestant, Class), &Vec<f64>)| Throughput {
        contestant: *contestant,
        class,
        per_second: Estimate::of(rates),
    };
    cells.iter().zip(&rates).map(throughput).collect()
}

fn rate(contestant: &Contestant, redis: &str, class: Class, limit: Duration) -> f64 {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    LocalSet::new().block_on(&runtime, async {
        let app = (contestant.open)(redis.to_owned()).await;
        let mut calls = Vec::new();
        for _ in 0..IN_FLIGHT {
            let cookie = app.ask(&Call::bare(Payload::Small.create())).await.cookie().expect("a cookie");
            calls.push(Call::with(class.path(Payload::Small), cookie));
        }
        let started = Instant::now();
        let mut tasks = JoinSet::new();
        for call in calls {
            let app = Rc::clone(&app);
            tasks.spawn_local(async move {
                let mut done = 0_u32;
                while started.elapsed() < limit {
                    app.run(&call, BATCH).await;
                    done += BATCH;
                }
                done
            });
        }
        let done: u32 = tasks.join_all().await.into_iter().sum();
        f64::from(done) / started.elapsed().as_secs_f64()
    })
}
