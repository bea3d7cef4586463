//! Many short rounds, everybody in each, against the bare framework of the same round.

use std::collections::BTreeMap;

use crate::{
    allocations::{self, Allocations},
    classes::{Class, Payload},
    contestants::{Contestant, Framework, baseline, floor},
    stats::Estimate,
    visit::Visit,
};

/// How long to measure.
#[derive(Clone, Copy, Debug)]
pub struct Effort {
    /// How many rounds.
    pub rounds: usize,
    /// How many requests of each kind each contestant answers in a round.
    pub requests: u32,
    /// How many it answers before, that are not timed.
    pub warm_up: u32,
}

/// What a request of one kind costs with one contestant.
#[derive(Clone, Copy)]
pub struct Cost {
    /// Who.
    pub contestant: Contestant,
    /// What it does.
    pub class: Class,
    /// With what.
    pub payload: Payload,
    /// The whole request, in ns.
    pub total: Estimate,
    /// What it takes longer than with the bare framework, in ns.
    pub overhead: Estimate,
    /// What it allocates more often.
    pub allocations: i64,
    /// What it allocates more, in bytes.
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
            // Each goes first now and then.
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

/// What a request allocates over the framework with a layer that does nothing: how often, and how many bytes.
pub fn allocated(contestant: &Contestant, redis: &str, class: Class, payload: Payload) -> (i64, i64) {
    let of = |contestant: &Contestant| allocations::count(contestant, redis, class, payload);
    let with = of(contestant);
    let bare = floor(contestant.framework).map_or(Allocations::default(), |floor| of(&floor));
    (with.count.cast_signed() - bare.count.cast_signed(), with.bytes.cast_signed() - bare.bytes.cast_signed())
}

/// Every kind of request.
pub fn kinds() -> impl Iterator<Item = (Class, Payload)> {
    Class::ALL.into_iter().flat_map(|class| Payload::ALL.map(|payload| (class, payload)))
}

type Cell = (usize, Class, Payload);

/// ns a request.
fn time(contestant: &Contestant, redis: &str, effort: Effort, class: Class, payload: Payload) -> f64 {
    allocations::uncounted(|| {
        let visit = Visit::start(contestant, redis, class, payload);
        visit.run(effort.warm_up);
        visit.run(effort.requests).as_secs_f64() * 1e9 / f64::from(effort.requests)
    })
}
