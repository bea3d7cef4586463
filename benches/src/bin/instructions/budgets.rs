//! The instructions that a request may take, over the bare framework.

use peers::{
    classes::{Class, Payload},
    contestants::{Framework, Store},
};

/// By how many per cent a row may exceed its budget.
pub(crate) const MARGIN: i64 = 3;

/// The compiler whose code was counted. Another one makes other code, of which the budgets say nothing.
pub(crate) const COMPILER: &str = "rustc 1.95.";

/// Returns the budget of a row: what was counted when it was last set.
///
/// Small sessions, then sessions of 1 KiB; anonymous, ignored, read, write, create.
#[rustfmt::skip]
pub(crate) fn of(framework: Framework, store: Store, class: Class, payload: Payload) -> i64 {
    let budgets: [[i64; 5]; 2] = match (framework, store) {
        (Framework::Axum, Store::Memory) => [[2669, 3056, 6895, 10839, 10071], [2669, 3057, 7056, 12015, 26889]],
        (Framework::Axum, _) => [[2669, 3229, 9074, 17132, 11788], [2669, 3860, 15445, 30550, 34430]],
        (_, Store::Memory) => [[1239, 1555, 5666, 9600, 9700], [1239, 1557, 5823, 10792, 26252]],
        (_, _) => [[1239, 1736, 7849, 17829, 12204], [1239, 2354, 14595, 43863, 47140]],
    };
    budgets[usize::from(payload == Payload::Kib)][class as usize]
}
