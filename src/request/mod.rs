//! One request, in the order of its events.

mod claims;
mod commit;
#[cfg(feature = "device-bound")]
pub(crate) mod device;
mod edits;
mod failure;
mod headers;
mod open;
mod plan;
mod ticket;

mod admission;
mod outlives;
mod own;
pub(crate) mod owned;
mod state;
mod successor;
mod verdict;

pub(crate) use self::{
    admission::Admission,
    claims::{Claim, Claims, Presented},
    commit::{Commit, CookieWindow},
    edits::{Act, Edits, PendingEdits, Replay, SharedEdits},
    headers::{HeadLines, add},
    open::{Beside, Next, Opening, look, open, or_as_told},
    outlives::Outlives,
    plan::{Asked, Change, Dropped, Found, Loaded, OwnerEdit, Plan, plan},
    state::{LoadedSession, RequestState, Seen, at_once},
    ticket::Ticket,
    verdict::{Verdict, judge, live, owner_valid_from, revoked_by_owner},
};
pub use self::{
    failure::Failure,
    headers::{Head, Headers},
    own::OwnResponse,
    owned::OwnedSession,
};
