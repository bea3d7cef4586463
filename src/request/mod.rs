//! One request, in the order of its events.

mod admission;
mod commit;
mod headers;
mod open;
mod ops;
mod outlives;
mod plan;
mod shared;

pub use self::{
    admission::OverLimit,
    headers::{Head, Headers},
};
pub(crate) use self::{
    admission::{Admission, Quota},
    commit::{Commit, CookieWindow, Ticket, owner_in},
    headers::{HeadLines, add},
    open::{Beside, Look, Visit, live, look, open, or_as_told, owner_valid_from, revoked_by_owner},
    ops::{Act, Ops, Pending, Replay, SharedOps},
    outlives::Outlives,
    plan::{Asked, Change, Dropped, Found, Loaded, OwnerEdit, Plan, plan},
    shared::{Inner, Shared, at_once},
};
