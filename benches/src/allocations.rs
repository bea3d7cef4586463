//! Counts the allocations of a request.

use crate::{
    classes::{Class, Payload},
    contestants::Contestant,
    visit::Visit,
};

/// The number of requests that are counted. Most of them allocate the same. A table that grows sometimes is not a part
/// of a request's cost.
const REQUESTS: usize = 101;

/// The allocations of a request, including those of its framework: the median of many requests, each counted exactly.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Allocations {
    /// The number of allocations.
    pub count: u64,
    /// The number of bytes.
    pub bytes: u64,
}

/// Counts a contestant's allocations. A reallocation counts as one.
pub fn count(contestant: &Contestant, redis: &str, class: Class, payload: Payload) -> Allocations {
    let visit = Visit::start(contestant, redis, class, payload);
    visit.run(100);
    let overhead = allocation_counter::measure(|| _ = visit.run(0));
    let (mut counts, mut bytes): (Vec<_>, Vec<_>) = (0..REQUESTS)
        .map(|_| allocation_counter::measure(|| _ = visit.run(1)))
        .map(|info| (info.count_total - overhead.count_total, info.bytes_total - overhead.bytes_total))
        .unzip();
    counts.sort_unstable();
    bytes.sort_unstable();
    Allocations { count: counts[REQUESTS / 2], bytes: bytes[REQUESTS / 2] }
}

/// Runs something that is timed, without counting.
pub fn uncounted<T>(run: impl FnOnce() -> T) -> T {
    let mut result = None;
    allocation_counter::opt_out(|| result = Some(run()));
    result.expect("it ran")
}
