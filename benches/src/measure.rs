//! Measures in many short rounds. Each round has all contestants and the bare framework, with which they are compared.

use std::collections::BTreeMap;

use crate::{
    allocations::{self, Allocations},
    classes::{Class, Payload},
    contestants::{Contestant, Framework, baseline, floor},
    stats::Estimate,
    visit::Visit,
};

/// The length of a measurement.
#[derive(Clone, Copy, Debug)]
pub struct Effort {
    /// The number of rounds.
    pub rounds: usize,
    /// The number of requests of each kind that each contestant answers in a round.
    pub requests: u32,
    /// The number of requests before, which are not timed.
    pub warm_up: u32,
}

/// The cost of one kind of request with one contestant.
#[derive(Clone, Copy)]
pub struct Cost {
    /// The contestant.
    pub contestant: Contestant,
    /// The kind of request.
    pub class: Class,
    /// The content of the session.
    pub payload: Payload,
    /// The time of the whole request, in ns.
    pub total: Estimate,
    /// The time beyond that of the bare framework, in ns.
    pub overhead: Estimate,
    /// The number of allocations beyond those of the framework.
    pub allocations: i64,
    /// The bytes allocated beyond those of the framework.
    pub bytes: i64,
}

/// Measures these contestants.
pub fn measure(contestants: &[Contestant], redis: &str, effort: Effort) -> Vec<Cost> {
    let mut totals: BTreeMap<Cell, Vec<f64>> = BTreeMap::new();
    let mut overheads: BTreeMap<Cell, Vec<f64>> = BTreeMap::new();
    for round in 0..effort.rounds {
        for (class, payload) in kinds() {
            let bare = Framework::ALL
                .map(|framework| baseline(framework).map_or(0.0, |bare| time(&bare, redis, effort, class, payload)));
            // The contestants take turns in going first.
            for nth in 0..contestants.len() {
                let at = (nth + round) % contestants.len();
                let contestant = &contestants[at];
                let total = time(contestant, redis, effort, class, payload);
                let cell = (at, class, payload);
                totals.entry(cell).or_default().push(total);
                overheads.entry(cell).or_default().push(total - bare[contestant.framework as usize]);
            }
        }
    }
    let mut costs = Vec::new();
    for (&cell, totals) in &totals {
        let (at, class, payload) = cell;
        let contestant = contestants[at];
        let (allocations, bytes) = allocated(&contestant, redis, class, payload);
        let overhead = Estimate::of(&overheads[&cell]);
        costs.push(Cost { contestant, class, payload, total: Estimate::of(totals), overhead, allocations, bytes });
    }
    costs
}

/// Returns the number of allocations and of bytes beyond those of the framework with a layer that does nothing.
pub fn allocated(contestant: &Contestant, redis: &str, class: Class, payload: Payload) -> (i64, i64) {
    let of = |contestant: &Contestant| allocations::count(contestant, redis, class, payload);
    let with = of(contestant);
    let bare = floor(contestant.framework).map_or(Allocations::default(), |floor| of(&floor));
    (with.count.cast_signed() - bare.count.cast_signed(), with.bytes.cast_signed() - bare.bytes.cast_signed())
}

/// Returns every kind of request.
pub fn kinds() -> impl Iterator<Item = (Class, Payload)> {
    Class::ALL.into_iter().flat_map(|class| Payload::ALL.map(|payload| (class, payload)))
}

type Cell = (usize, Class, Payload);

/// Returns the time of a request in ns.
fn time(contestant: &Contestant, redis: &str, effort: Effort, class: Class, payload: Payload) -> f64 {
    allocations::uncounted(|| {
        let visit = Visit::start(contestant, redis, class, payload);
        visit.run(effort.warm_up);
        visit.run(effort.requests).as_secs_f64() * 1e9 / f64::from(effort.requests)
    })
}
