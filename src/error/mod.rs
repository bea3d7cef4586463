//! The error of the crate, and the three errors of a session's values.

use std::fmt;

use http::StatusCode;

use crate::store::StoreError;

mod cookie;
mod kind;
mod values;

pub use self::cookie::CookieError;
use self::kind::Kind;
pub use self::values::{SessionGetError, SessionInsertError, SessionUpdateError};

/// Why a session could not be loaded, changed or committed.
///
/// The client sees an empty response: 503 if trying again can help ([`is_temporary`](Self::is_temporary)), 403 for a login
/// beyond the owner's limit or one that has expired, 500 for everything else. See [`Failure`](crate::Failure).
pub struct Error {
    kind: Kind,
}

impl Error {
    /// Returns whether the store failed, or a record cannot be read: [`StoreError`] is the [source](std::error::Error::source).
    #[must_use]
    pub fn is_store(&self) -> bool {
        matches!(self.kind, Kind::Store(_) | Kind::ReadOnly)
    }

    /// Returns whether other requests changed the session in between, and this change could not be made again.
    #[must_use]
    pub fn is_conflict(&self) -> bool {
        matches!(self.kind, Kind::Contended | Kind::ConflictOn(_))
    }

    /// Returns whether other requests kept changing the session for too long. The event was emitted already.
    pub(crate) fn is_contended(&self) -> bool {
        matches!(self.kind, Kind::Contended)
    }

    /// Returns whether the session ended, or was renewed by another request, before [`Session::save`](crate::Session::save) could
    /// store its changes.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        matches!(self.kind, Kind::Gone)
    }

    /// Returns whether a cookie would have to be sent, and the response's head has left.
    #[must_use]
    pub fn is_too_late(&self) -> bool {
        matches!(self.kind, Kind::TooLate)
    }

    /// Returns whether the session, or its cookie, is over its size limit.
    #[must_use]
    pub fn is_too_large(&self) -> bool {
        matches!(
            self.kind,
            Kind::TooLarge { .. } | Kind::CookieTooLarge { .. } | Kind::Cookie(CookieError::TooLarge { .. })
        )
    }

    /// Returns the session's keys with their sizes in bytes, the largest first, if the session does not fit into its cookie.
    #[must_use]
    pub fn key_sizes(&self) -> &[(String, usize)] {
        match &self.kind {
            Kind::CookieTooLarge { keys, .. } => keys,
            _ => &[],
        }
    }

    /// Returns whether the store cannot do this: it has no index of owners, or no records in which a device's key can be kept.
    #[must_use]
    pub fn is_unsupported(&self) -> bool {
        matches!(self.kind, Kind::NoOwnerIndex | Kind::NoDevices)
    }

    /// Returns whether the owner has as many sessions as [`SessionLayer::max_per_owner`](crate::SessionLayer::max_per_owner) allows.
    #[must_use]
    pub fn is_over_limit(&self) -> bool {
        matches!(self.kind, Kind::OverLimit(_))
    }

    /// Returns whether the value under the layer's [`owner_key`](crate::SessionLayer::owner_key) cannot name an owner: it is
    /// neither a string nor a whole number.
    #[must_use]
    pub fn is_no_owner(&self) -> bool {
        matches!(self.kind, Kind::NoOwner(_))
    }

    /// Returns whether the owner's sessions were ended after the password was checked, so that the user has to log in
    /// again: see [`Session::login_at`](crate::Session::login_at).
    #[must_use]
    pub fn is_login_expired(&self) -> bool {
        matches!(self.kind, Kind::LoginExpired)
    }

    /// Returns whether a route needs the proof of a bound device, and the request has none.
    #[cfg(feature = "device-bound")]
    #[must_use]
    pub fn is_unbound(&self) -> bool {
        matches!(self.kind, Kind::Unbound)
    }

    /// Returns whether a value is not of the type that was asked for, or cannot be written as JSON.
    #[must_use]
    pub fn is_json(&self) -> bool {
        match &self.kind {
            Kind::Json(_) => true,
            Kind::Value { cause, .. } => cause.is_json(),
            _ => false,
        }
    }

    /// Returns whether no session layer stands before this handler.
    #[must_use]
    pub fn is_missing_layer(&self) -> bool {
        matches!(self.kind, Kind::NoLayer)
    }

    /// Returns whether the session was used through a handle that cannot wait, and was not loaded.
    #[must_use]
    pub fn is_not_loaded(&self) -> bool {
        match &self.kind {
            Kind::NotLoaded => true,
            Kind::Value { cause, .. } => cause.is_not_loaded(),
            _ => false,
        }
    }

    /// Returns whether the program is wrong, not the store or the request: for example a missing layer, two layers of one
    /// scope, or a session that was not loaded.
    #[must_use]
    pub fn is_misconfigured(&self) -> bool {
        if let Kind::Value { cause, .. } = &self.kind {
            return cause.is_misconfigured();
        }
        matches!(
            self.kind,
            Kind::NoLayer
                | Kind::NotLoaded
                | Kind::LayeredTwice(_)
                | Kind::SameName(..)
                | Kind::NoOwnerIndex
                | Kind::NoDevices
                | Kind::NoOwner(_)
        )
    }

    /// Returns the store's error, if the store failed.
    pub(crate) fn store_error(&self) -> Option<&StoreError> {
        match &self.kind {
            Kind::Store(error) => Some(error),
            Kind::Value { cause, .. } => cause.store_error(),
            _ => None,
        }
    }

    /// Returns whether trying again can help: the store failed, or other requests kept changing the session.
    #[must_use]
    pub fn is_temporary(&self) -> bool {
        match &self.kind {
            // A record that cannot be read now cannot be read at the next try.
            Kind::Store(error) => !error.is_undecodable(),
            Kind::ReadOnly | Kind::Contended | Kind::ConflictOn(_) | Kind::Gone => true,
            Kind::Value { cause, .. } => cause.is_temporary(),
            _ => false,
        }
    }

    /// The status of the response to a request that failed with this error; `temporary` if trying again can help.
    pub(crate) fn status(&self, temporary: StatusCode) -> StatusCode {
        if self.is_temporary() {
            temporary
        } else if self.is_over_limit() || self.is_login_expired() || matches!(self.kind, Kind::Unbound) {
            StatusCode::FORBIDDEN
        } else {
            StatusCode::INTERNAL_SERVER_ERROR
        }
    }

    /// The error of an extractor that finds no [`LazySession`](crate::LazySession).
    #[must_use]
    pub fn missing_layer() -> Self {
        Kind::NoLayer.into()
    }

    pub(crate) fn contended() -> Self {
        Kind::Contended.into()
    }

    pub(crate) fn conflict_on(key: &str) -> Self {
        Kind::ConflictOn(key.into()).into()
    }

    pub(crate) fn gone() -> Self {
        Kind::Gone.into()
    }

    pub(crate) fn too_late() -> Self {
        Kind::TooLate.into()
    }

    pub(crate) fn too_large(bytes: usize, limit: usize) -> Self {
        Kind::TooLarge { bytes, limit }.into()
    }

    /// A session of this state does not fit into a cookie, with which it would be `bytes` long.
    #[cfg(feature = "secure-cookies")]
    pub(crate) fn cookie_too_large(bytes: usize, state: &crate::store::State) -> Self {
        let mut keys: Vec<_> = state.iter().map(|(key, raw)| (key.to_owned(), key.len() + raw.len())).collect();
        keys.sort_by_key(|(_, size)| std::cmp::Reverse(*size));
        Kind::CookieTooLarge { bytes, keys }.into()
    }

    pub(crate) fn not_loaded() -> Self {
        Kind::NotLoaded.into()
    }

    pub(crate) fn layered_twice(scope: &'static str) -> Self {
        Kind::LayeredTwice(scope).into()
    }

    pub(crate) fn same_name(outer: &'static str, inner: &'static str) -> Self {
        Kind::SameName(outer, inner).into()
    }

    pub(crate) fn no_limit() -> Self {
        Kind::NoLimit.into()
    }

    pub(crate) fn over_limit(max: usize) -> Self {
        Kind::OverLimit(max).into()
    }

    pub(crate) fn no_owner(key: &str) -> Self {
        Kind::NoOwner(key.into()).into()
    }

    pub(crate) fn login_expired() -> Self {
        Kind::LoginExpired.into()
    }

    pub(crate) fn no_owner_index() -> Self {
        Kind::NoOwnerIndex.into()
    }

    #[cfg(feature = "device-bound")]
    pub(crate) fn unbound() -> Self {
        Kind::Unbound.into()
    }

    #[cfg(feature = "device-bound")]
    pub(crate) fn no_devices() -> Self {
        Kind::NoDevices.into()
    }

    pub(crate) fn read_only() -> Self {
        Kind::ReadOnly.into()
    }
}

impl From<Kind> for Error {
    fn from(kind: Kind) -> Self {
        Self { kind }
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        Kind::Store(error).into()
    }
}

impl From<CookieError> for Error {
    fn from(error: CookieError) -> Self {
        Kind::Cookie(error).into()
    }
}

impl From<serde_json::Error> for Error {
    fn from(error: serde_json::Error) -> Self {
        Kind::Json(error).into()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.kind.fmt(f)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match std::error::Error::source(self) {
            Some(cause) => write!(f, "Error({self}: {cause:?})"),
            None => write!(f, "Error({self})"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.kind.source()
    }
}
