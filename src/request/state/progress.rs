//! The progress of a request.

use http::StatusCode;

use super::LoadedSession;
use crate::{error::Error, store::StoreError};

/// The progress of a request.
#[derive(Default)]
pub(super) struct Progress {
    pub(super) phase: Phase,
    /// True if the response's head is sent, so that no cookie can be sent.
    pub(super) is_head_sent: bool,
    /// True if an extractor returned an error because the load failed.
    pub(super) is_refused: bool,
    /// True if a method that returns no error was called on a session that was not loaded.
    pub(super) is_misused: bool,
}

/// The phase of a request's session.
#[derive(Default)]
pub(super) enum Phase {
    /// Not loaded yet.
    #[default]
    NotLoaded,
    /// The last load failed.
    Failed(StoreError),
    /// Loaded. Boxed, because most requests with a cookie never ask for the session.
    Loaded(Box<LoadedSession>),
}

impl Progress {
    /// Returns true if a response with this status must be replaced: a change was lost, or an extractor could not load
    /// the session and the framework took that for "no session".
    pub(super) fn fails(&self, status: StatusCode) -> bool {
        self.is_misused || (self.is_refused && status.as_u16() < 400)
    }

    /// Returns the error for a use of the session, if it is not loaded.
    pub(super) fn error(&self) -> Error {
        match &self.phase {
            Phase::Failed(error) => error.clone().into(),
            Phase::NotLoaded | Phase::Loaded(_) => Error::not_loaded(),
        }
    }
}
