//! Events of sessions, for metrics and alarms.

use crate::{
    error::Error,
    store::{SessionId, StoreError},
};

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
    /// A session was moved to the primary store, in which it has another id.
    Moved {
        /// The session in its old store.
        from: SessionId,
        /// The session in the primary store.
        to: SessionId,
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
        /// The reason.
        reason: Rejection,
    },
    /// A client presented a token that no accepted key has made: it is forged or damaged, or its key was removed. The
    /// store was not called.
    Forged,
    /// Writes were dropped, because a renewal replaced the request's secret shortly before.
    SupersededWriteDropped {
        /// The session.
        id: SessionId,
    },
    /// Writes were dropped, because the session ended while the request ran.
    GoneWriteDropped {
        /// The session.
        id: SessionId,
    },
    /// Another request changed the session first. This request's changes were applied again, to the changed session.
    ConflictReplayed {
        /// The session.
        id: SessionId,
    },
    /// A commit failed because other requests kept changing the session for longer than
    /// [`commit_timeout`](crate::SessionLayer::commit_timeout).
    Contended {
        /// The session.
        id: SessionId,
    },
    /// A browser registered its device's key: from now on the session opens only with the device's proofs. See the module
    /// `device_bound`.
    #[cfg(feature = "device-bound")]
    DeviceBound {
        /// The session.
        id: SessionId,
    },
    /// A client presented a bound session's token and a wrong signature under a live challenge: it has the cookies, and not the
    /// device's key.
    #[cfg(feature = "device-bound")]
    DeviceMismatch {
        /// The session.
        id: SessionId,
    },
    /// Housekeeping failed: the deadline was not moved on, or a token was not sent again under its new key. The request
    /// itself does not fail, and a later request tries again.
    UpkeepFailed {
        /// The session.
        id: SessionId,
        /// The cause.
        error: &'a Error,
    },
    /// The store failed at a load, at a commit, or at a call of [`Owners`](crate::Owners).
    StoreFailed {
        /// The cause.
        error: &'a Error,
    },
    /// A session was not stored: it is larger than [`max_bytes`](crate::SessionLayer::max_bytes), or does not fit into its
    /// cookie.
    TooLarge {
        /// The session, or `None` for a new one.
        id: Option<SessionId>,
        /// The cause, with the sizes.
        error: &'a Error,
    },
    /// A login was refused. Either its owner has as many sessions as
    /// [`max_per_owner`](crate::SessionLayer::max_per_owner) allows, or the owner's sessions were ended while the login
    /// was in progress ([`Error::is_login_expired`]).
    LoginRefused {
        /// The cause.
        error: &'a Error,
    },
    /// A commit failed for another reason: see the kinds of [`Error`].
    CommitFailed {
        /// The cause.
        error: &'a Error,
    },
}

fn cause<'a>(error: &'a Error) -> &'a (dyn std::error::Error + 'static) {
    error
}

/// The reason for which a token did not open a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Rejection {
    /// No record has that id: it was purged or cleaned up, or the id is forged.
    Unknown,
    /// The session is past a deadline.
    Expired,
    /// The session is older than [`valid_from`](crate::SessionLayer::valid_from) allows.
    Revoked,
    /// A renewal replaced the secret within the last 60 seconds.
    Superseded,
    /// The session exists, and the secret was never or is no longer its own. A thief may have renewed it: see
    /// [`Session::renew`](crate::Session::renew).
    WrongSecret,
    /// The session is bound to a device, and the request has no live proof of it: see the module `device_bound`. The cookies
    /// may be stolen, or the browser could not refresh its proof.
    Unproven,
    /// The session's record cannot be read: it is damaged, or a later version wrote it.
    Undecodable,
}

impl Event<'_> {
    /// Tells `tracing`: failures as errors, with the name of the store, dropped writes as warnings, the rest for debugging.
    pub(crate) fn trace(&self, store: &str) {
        match self {
            Self::Created { id } => tracing::debug!(%id, "session created"),
            Self::Rotated { id } => tracing::debug!(%id, "session renewed"),
            Self::Moved { from, to } => tracing::debug!(%from, %to, "session moved to the primary store"),
            Self::Destroyed { id } => tracing::debug!(%id, "session destroyed"),
            Self::Rejected { id, reason } => tracing::debug!(%id, ?reason, "session token rejected"),
            Self::Forged => tracing::debug!("session token forged, damaged, or under a removed key"),
            Self::SupersededWriteDropped { id } => {
                tracing::warn!(%id, "session write dropped: the token was superseded");
            }
            Self::GoneWriteDropped { id } => tracing::warn!(%id, "session write dropped: the session is gone"),
            Self::ConflictReplayed { id } => tracing::debug!(%id, "session update replayed"),
            Self::Contended { id } => tracing::error!(store, %id, "session contended: other requests kept changing it"),
            #[cfg(feature = "device-bound")]
            Self::DeviceBound { id } => tracing::debug!(%id, "session bound to a device"),
            #[cfg(feature = "device-bound")]
            Self::DeviceMismatch { id } => {
                tracing::warn!(%id, "session cookies presented with a wrong signature of the device");
            }
            // The core logs the first failure of an outage, and its end.
            Self::UpkeepFailed { .. } => {}
            Self::StoreFailed { error } => tracing::error!(store, error = cause(error), "session store failed"),
            Self::TooLarge { id: Some(id), error } => {
                tracing::error!(store, %id, error = cause(error), "session too large");
            }
            Self::TooLarge { id: None, error } => tracing::error!(store, error = cause(error), "session too large"),
            Self::LoginRefused { error } => tracing::warn!(error = cause(error), "session login refused"),
            Self::CommitFailed { error } => tracing::error!(store, error = cause(error), "session commit failed"),
        }
    }

    /// Returns the event of a commit or a load that failed, or `None` if it was reported already.
    pub(crate) fn failed(error: &Error, id: Option<SessionId>) -> Option<Event<'_>> {
        Some(match error {
            // The store did not fail: the record cannot be read.
            _ if error.store_error().is_some_and(StoreError::is_undecodable) => Event::CommitFailed { error },
            _ if error.is_store() => Event::StoreFailed { error },
            _ if error.is_too_large() => Event::TooLarge { id, error },
            _ if error.is_over_limit() || error.is_login_expired() => Event::LoginRefused { error },
            _ if error.is_contended() => return None,
            _ => Event::CommitFailed { error },
        })
    }
}
