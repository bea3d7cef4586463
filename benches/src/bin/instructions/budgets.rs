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
        (Framework::Axum, Store::Memory) => [[2678, 3064, 6887, 10820, 10303], [2670, 3064, 7048, 11997, 27113]],
        (Framework::Axum, _) => [[2678, 3237, 9092, 17096, 11716], [2677, 3867, 15462, 30522, 34541]],
        (_, Store::Memory) => [[1270, 1583, 5722, 9645, 9783], [1270, 1583, 5877, 10820, 26465]],
        (_, _) => [[1270, 1771, 7947, 17895, 12215], [1270, 2391, 14674, 43908, 47298]],
    };
    budgets[usize::from(payload == Payload::Kib)][class as usize]
}
