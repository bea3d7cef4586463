//! What happened to sessions, for metrics and alarms.

use crate::{error::Error, plan::Dropped, token::SessionId};

/// Something that happened to a session. It carries public ids and never a secret.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// A session was stored for the first time.
    Created {
        /// The session.
        id: SessionId,
    },
    /// A renewal replaced the session's secret.
    Rotated {
        /// The session.
        id: SessionId,
    },
    /// A session was deleted by a purge, or revoked.
    Destroyed {
        /// The session.
        id: SessionId,
    },
    /// A presented token did not open a session.
    Rejected {
        /// The id that it names.
        id: SessionId,
        /// Why.
        reason: Rejection,
    },
    /// A client presented what no accepted key has made: forged, damaged, or its key was removed. No store was asked.
    Forged,
    /// Writes were dropped: the request came with a secret that a renewal had just replaced.
    SupersededWriteDropped {
        /// The session.
        id: SessionId,
    },
    /// Writes were dropped: the session ended while the request ran.
    GoneWriteDropped {
        /// The session.
        id: SessionId,
    },
    /// Another request changed what this one had read, and its updates ran again.
    ConflictReplayed {
        /// The session.
        id: SessionId,
    },
    /// A load or a commit failed.
    StoreFailed {
        /// The cause.
        error: &'a Error,
    },
}

/// Why a token did not open a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Rejection {
    /// No record has that id: purged, cleaned up, or forged.
    Unknown,
    /// The session is past a deadline.
    Expired,
    /// The session is older than [`valid_from`](crate::SessionLayer::valid_from) allows.
    Revoked,
    /// A renewal has just replaced the secret.
    Superseded,
    /// The session exists and the secret is none of its own.
    WrongSecret,
}

impl Event<'_> {
    /// Tells `tracing`: failures as errors, dropped writes as warnings, the rest for debugging.
    pub(crate) fn trace(&self) {
        match self {
            Self::Created { id } => tracing::debug!(%id, "session created"),
            Self::Rotated { id } => tracing::debug!(%id, "session renewed"),
            Self::Destroyed { id } => tracing::debug!(%id, "session destroyed"),
            Self::Rejected { id, reason } => tracing::debug!(%id, ?reason, "session token rejected"),
            Self::Forged => tracing::debug!("session token forged, damaged, or under a removed key"),
            Self::SupersededWriteDropped { id } => {
                tracing::warn!(%id, "session write dropped: the token was superseded");
            }
            Self::GoneWriteDropped { id } => tracing::warn!(%id, "session write dropped: the session is gone"),
            Self::ConflictReplayed { id } => tracing::debug!(%id, "session update replayed"),
            Self::StoreFailed { error } => {
                let what = if error.is_store() { "session store failed" } else { "session commit failed" };
                tracing::error!(error = *error as &(dyn std::error::Error + 'static), "{what}");
            }
        }
    }

    pub(crate) fn dropped(why: Dropped, id: SessionId) -> Option<Self> {
        match why {
            Dropped::Superseded | Dropped::Overtaken => Some(Event::SupersededWriteDropped { id }),
            Dropped::Gone => Some(Event::GoneWriteDropped { id }),
            // The failed load has told it.
            Dropped::Unavailable => None,
        }
    }
}
