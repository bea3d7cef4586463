//! What a request costs with cloakroom, and with its peers, in one run.

use peers::{
    contestants::{Store, with_store},
    measure::{Effort, measure},
    verify::verify,
};

fn main() {
    let contestants = with_store(Store::Memory);
    contestants.iter().for_each(|contestant| verify(contestant, ""));
    let effort = Effort { rounds: 60, requests: 300, warm_up: 100 };
    for cost in measure(&contestants, "", effort, |_| {}) {
        println!(
            "{:9} {:32} {:9} {:5} {:8.0} ns ±{:4.0} {:8.0} ns ±{:4.0} {:4} allocations {:6} B",
            cost.contestant.framework.name(),
            cost.contestant.name,
            cost.class.name(),
            cost.payload.name(),
            cost.total.median,
            cost.total.spread,
            cost.overhead.median,
            cost.overhead.spread,
            cost.allocations,
            cost.bytes
        );
    }
}
