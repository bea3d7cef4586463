//! One request, in the order of its events.

mod claims;
mod commit;
mod failure;
mod headers;
mod open;
mod ops;
mod plan;
mod ticket;

mod admission;
mod outlives;
pub(crate) mod owned;
mod shared;

pub(crate) use self::{
    admission::Admission,
    claims::{Claim, Claims, Presented},
    commit::{Commit, CookieWindow, owner_in},
    headers::{HeadLines, add},
    open::{Beside, Look, Visit, live, look, open, or_as_told, owner_valid_from, revoked_by_owner},
    ops::{Act, Ops, Pending, Replay, SharedOps},
    outlives::Outlives,
    plan::{Asked, Change, Dropped, Found, Loaded, OwnerEdit, Plan, plan},
    shared::{Inner, Shared, at_once},
    ticket::Ticket,
};
pub use self::{
    failure::Failure,
    headers::{Head, Headers},
    owned::OwnedSession,
};
