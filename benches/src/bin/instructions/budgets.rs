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
        (Framework::Axum, Store::Memory) => [[2686, 3072, 7180, 14012, 12782], [2684, 3072, 7342, 15549, 29480]],
        (Framework::Axum, _) => [[2686, 3245, 9317, 20186, 13947], [2684, 3876, 15677, 34134, 36485]],
        (_, Store::Memory) => [[1238, 1550, 5978, 12819, 12408], [1238, 1551, 6149, 14324, 28710]],
        (_, _) => [[1238, 1721, 8114, 21002, 14366], [1238, 2351, 14870, 47342, 49418]],
    };
    budgets[usize::from(payload == Payload::Kib)][class as usize]
}
