//! The instructions that a request may take, over the bare framework.

use peers::{
    classes::{Class, Payload},
    contestants::{Framework, Store},
};

/// By how many per cent a row may exceed its budget.
pub(crate) const MARGIN: i64 = 3;

/// Small sessions, then sessions of 1 KiB: anonymous, ignored, read, write, create.
const AXUM_MEMORY: [[i64; 5]; 2] = [[3457, 3844, 7752, 14325, 17545], [3457, 3844, 7910, 17675, 41197]];
const ACTIX_MEMORY: [[i64; 5]; 2] = [[1494, 1817, 9691, 17970, 17077], [1494, 1817, 9852, 19613, 42023]];

/// Returns the budget of a row: what was counted when it was last set. `None`: sessions in the cookie have no budget yet.
pub(crate) fn of(framework: Framework, store: Store, class: Class, payload: Payload) -> Option<i64> {
    let budgets = match (framework, store) {
        (Framework::Axum, Store::Memory) => AXUM_MEMORY,
        (Framework::Actix, Store::Memory) => ACTIX_MEMORY,
        _ => return None,
    };
    let small_or_kib = match payload {
        Payload::Small => 0,
        Payload::Kib => 1,
    };
    let at = Class::ALL.into_iter().position(|it| it == class)?;
    budgets.get(small_or_kib)?.get(at).copied()
}
