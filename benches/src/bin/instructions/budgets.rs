//! The instructions that a request may take, over the bare framework.

use peers::{
    classes::{Class, Payload},
    contestants::{Framework, Store},
};

/// By how many per cent a row may exceed its budget.
pub(crate) const MARGIN: i64 = 3;

/// Returns the budget of a row: what was counted when it was last set.
///
/// Small sessions, then sessions of 1 KiB; anonymous, ignored, read, write, create.
#[rustfmt::skip]
pub(crate) fn of(framework: Framework, store: Store, class: Class, payload: Payload) -> i64 {
    let budgets: [[i64; 5]; 2] = match (framework, store) {
        (Framework::Axum, Store::Memory) => [[0, 0, 0, 0, 0], [0, 0, 0, 0, 0]],
        (Framework::Axum, _) => [[0, 0, 0, 0, 0], [0, 0, 0, 0, 0]],
        (_, Store::Memory) => [[0, 0, 0, 0, 0], [0, 0, 0, 0, 0]],
        (_, _) => [[0, 0, 0, 0, 0], [0, 0, 0, 0, 0]],
    };
    budgets[usize::from(payload == Payload::Kib)][class as usize]
}
