//! The budgets of a request.

use crate::{
    classes::{Class, Payload},
    contestants::{Framework, Store},
};

/// The distance to its budget within which a time is unclear.
const UNCLEAR: f64 = 0.1;

/// The result of the comparison with a budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The figure is within the budget.
    Met,
    /// The time is within 10 % of the budget.
    Unclear,
    /// The figure is over the budget.
    Missed,
}

impl Verdict {
    /// Judges a time, which differs from run to run.
    pub fn of_ratio(ratio: f64, budget: f64) -> Self {
        match ratio / budget {
            used if used <= 1.0 - UNCLEAR => Self::Met,
            used if used <= 1.0 + UNCLEAR => Self::Unclear,
            _ => Self::Missed,
        }
    }

    /// Judges a count, which is exact.
    pub fn of_count(count: i64, budget: i64) -> Self {
        if count <= budget { Self::Met } else { Self::Missed }
    }

    /// Returns the name for the tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Met => "met",
            Self::Unclear => "unclear",
            Self::Missed => "MISSED",
        }
    }
}

/// Returns the allowed ratio to the best peer on the same framework, or in Redis to bare commands through the same
/// client.
pub fn ratio(framework: Framework, store: Store, class: Class, payload: Payload) -> Option<f64> {
    let [anonymous, ignored, read, write, create] = match (framework, store, payload) {
        (Framework::Axum, Store::Memory, Payload::Small) => [0.55, 0.35, 0.6, 0.65, 0.82].map(Some),
        (Framework::Axum, Store::Memory, Payload::Kib) => [0.55, 0.35, 0.5, 0.52, 0.7].map(Some),
        (Framework::Actix, Store::Memory, Payload::Small) => [0.85, 0.15, 0.52, 0.6, 0.9].map(Some),
        (Framework::Actix, Store::Memory, Payload::Kib) => [0.85, 0.15, 0.42, 0.48, 0.95].map(Some),
        (Framework::Actix, Store::Cookie, Payload::Small) => [0.85, 0.2, 0.62, 0.85, 1.15].map(Some),
        (Framework::Actix, Store::Cookie, Payload::Kib) => [0.85, 0.2, 0.28, 0.33, 0.55].map(Some),
        (Framework::Axum | Framework::Actix, Store::Redis, _) => [None, None, Some(1.2), Some(1.25), None],
        (Framework::Axum, Store::Cookie, _) | (Framework::None, _, _) => [None; 5],
    };
    pick(class, [anonymous, ignored, read, write, create])
}

/// Returns the allowed number of allocations, beyond those of the framework with a layer that does nothing.
pub fn allocations(framework: Framework, store: Store, class: Class) -> Option<i64> {
    match (framework, store) {
        (Framework::Axum, Store::Memory) => pick(class, [Some(5), Some(6), None, None, None]),
        (Framework::Actix, Store::Memory) => pick(class, [Some(3), Some(6), None, None, None]),
        _ => None,
    }
}

/// Returns the allowed number of commands to Redis.
pub fn commands(class: Class) -> usize {
    pick(class, [0, 0, 1, 2, 1])
}

fn pick<T: Copy>(class: Class, [anonymous, ignored, read, write, create]: [T; 5]) -> T {
    match class {
        Class::Anonymous => anonymous,
        Class::Ignored => ignored,
        Class::Read => read,
        Class::Write => write,
        Class::Create => create,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_a_budget_nobody_knows() {
        let table = [(0.44, Verdict::Met), (0.46, Verdict::Unclear), (0.54, Verdict::Unclear), (0.56, Verdict::Missed)];
        for (ratio, verdict) in table {
            assert_eq!(Verdict::of_ratio(ratio, 0.5), verdict, "{ratio}");
        }
        assert_eq!([5, 6].map(|count| Verdict::of_count(count, 5)), [Verdict::Met, Verdict::Missed]);
    }
}
