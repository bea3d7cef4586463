//! All figures, for other programs.

use std::fmt::Write as _;

use crate::measure::Cost;

/// Returns a line for each contestant and each kind of request. `commands` returns the number of commands that a
/// request sends to Redis.
pub fn costs(costs: &[Cost], commands: impl Fn(&Cost) -> Option<usize>) -> String {
    let mut text = "framework,store,contestant,request,payload,total_ns,total_mad_ns,over_bare_ns,over_bare_mad_ns,\
                    allocations_over_bare,bytes_over_bare,redis_commands\n"
        .to_owned();
    for cost in costs {
        let contestant = &cost.contestant;
        let _ = writeln!(
            text,
            "{},{},\"{}\",{},{},{:.1},{:.1},{:.1},{:.1},{},{},{}",
            contestant.framework.name(),
            contestant.store.name(),
            contestant.name,
            cost.class.name(),
            cost.payload.name(),
            cost.total.median,
            cost.total.spread,
            cost.overhead.median,
            cost.overhead.spread,
            cost.allocations,
            cost.bytes,
            commands(cost).map_or_else(String::new, |count| count.to_string()),
        );
    }
    text
}
