//! The instructions that a request may take, over the bare framework.

use peers::{
    classes::{Class, Payload},
    contestants::{Framework, Store},
};

/// By how many per cent a row may exceed its budget.
pub(crate) const MARGIN: i64 = 3;

/// Returns the budget of a row.
pub(crate) fn of(framework: Framework, store: Store, class: Class, payload: Payload) -> Option<i64> {
    let _ = (framework, store, class, payload);
    None
}
