//! The shop's responses, independent of a framework.

use http::StatusCode;
use jiff::Timestamp;
use maud::Markup;
use serde::Serialize;

pub(crate) type Answer = Result<Reply, Refusal>;

pub(crate) enum Reply {
    Page(Markup),
    Status(Status),
    /// "See other": sends the browser back to the page, so that a reload does not post the form again.
    Home,
    Healthy,
}

/// The session, for scripts.
#[derive(Serialize)]
pub(crate) struct Status {
    pub(crate) framework: &'static str,
    pub(crate) user: Option<String>,
    pub(crate) visits: u64,
    pub(crate) cart: Vec<String>,
    pub(crate) id: Option<String>,
    pub(crate) expires_at: Option<Timestamp>,
}

#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) status: StatusCode,
    pub(crate) why: &'static str,
}

impl Refusal {
    pub(crate) const LOGGED_OUT: Self = Self::new(StatusCode::UNAUTHORIZED, "Log in first.");
    pub(crate) const NO_SUCH_SESSION: Self = Self::new(StatusCode::NOT_FOUND, "You have no such session.");
    pub(crate) const NO_LIST: Self = Self::new(StatusCode::NOT_IMPLEMENTED, "These sessions are not listed anywhere.");

    pub(crate) const fn new(status: StatusCode, why: &'static str) -> Self {
        Self { status, why }
    }
}

/// The visitor does not see the cause of the session's error. The log has it.
impl<E: std::error::Error> From<E> for Refusal {
    fn from(error: E) -> Self {
        tracing::error!(%error, cause = error.source(), "the session failed");
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "Something is wrong here. Try again in a moment.")
    }
}
