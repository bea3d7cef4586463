//! The error of the crate, and the three errors of a session's values.

use std::fmt;

use http::StatusCode;

use crate::{
    chain::debug_like_display,
    store::{State, StoreError},
};

mod cookie;
mod kind;
mod values;

pub use self::cookie::CookieError;
use self::kind::Kind;
pub use self::values::{SessionGetError, SessionInsertError, SessionUpdateError};

/// The reason for which a session could not be loaded, changed or committed.
///
/// The client sees an empty response. Its status is 503 if trying again can help
/// ([`is_temporary`](Self::is_temporary)), 403 for a login that is beyond the owner's limit or has expired, and 500 for
/// everything else. See [`Failure`](crate::Failure).
pub struct Error {
    kind: Kind,
}

impl Error {
    /// Returns true if the store failed, or a record cannot be read. The [source](std::error::Error::source) is the
    /// [`StoreError`].
    #[must_use]
    pub fn is_store(&self) -> bool {
        matches!(self.kind, Kind::Store(_) | Kind::ReadOnly)
    }

    /// Returns true if other requests changed the session meanwhile, and this change could not be made again.
    #[must_use]
    pub fn is_conflict(&self) -> bool {
        matches!(self.kind, Kind::Contended | Kind::ConflictOn(_))
    }

    /// Returns true if other requests kept changing the session for too long. The event was emitted already.
    pub(crate) fn is_contended(&self) -> bool {
        matches!(self.kind, Kind::Contended)
    }

    /// Returns true if the session ended, or was renewed by another request, before
    /// [`Session::save`](crate::Session::save) could store its changes.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        matches!(self.kind, Kind::Gone)
    }

    /// Returns true if a cookie would have to be sent, and the response's head is sent already.
    #[must_use]
    pub fn is_too_late(&self) -> bool {
        matches!(self.kind, Kind::TooLate)
    }

    /// Returns true if the session, or its cookie, is larger than its limit.
    #[must_use]
    pub fn is_too_large(&self) -> bool {
        matches!(
            self.kind,
            Kind::TooLarge { .. } | Kind::CookieTooLarge { .. } | Kind::Cookie(CookieError::TooLarge { .. })
        )
    }

    /// Returns the session's keys with their sizes in bytes, the largest first, if the session is too large.
    #[must_use]
    pub fn key_sizes(&self) -> &[(String, usize)] {
        match &self.kind {
            Kind::TooLarge { keys, .. } | Kind::CookieTooLarge { keys, .. } => keys,
            _ => &[],
        }
    }

    /// Returns true if the store cannot do this, because it has no index of owners, or its records have no place for a device's
    /// key, or they are in the format of another crate.
    #[must_use]
    pub fn is_unsupported(&self) -> bool {
        matches!(self.kind, Kind::NoOwnerIndex | Kind::NoDevices) || self.is_not_carried()
    }

    #[cfg(feature = "formats")]
    fn is_not_carried(&self) -> bool {
        matches!(self.kind, Kind::NotCarried(..))
    }

    #[cfg(not(feature = "formats"))]
    #[allow(clippy::unused_self)]
    fn is_not_carried(&self) -> bool {
        false
    }

    /// Returns true if the owner has as many sessions as
    /// [`SessionLayer::max_per_owner`](crate::SessionLayer::max_per_owner) allows.
    #[must_use]
    pub fn is_over_limit(&self) -> bool {
        matches!(self.kind, Kind::OverLimit(_))
    }

    /// Returns true if the value under the layer's [`owner_key`](crate::SessionLayer::owner_key) cannot name an owner,
    /// because it is neither a string nor a whole number.
    #[must_use]
    pub fn is_no_owner(&self) -> bool {
        matches!(self.kind, Kind::NoOwner(_))
    }

    /// Returns true if the owner's sessions were ended after the password was checked, so that the user has to log in
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

    /// Returns true if a value is not of the requested type, or cannot be written as JSON.
    #[must_use]
    pub fn is_json(&self) -> bool {
        match &self.kind {
            Kind::Json(_) => true,
            Kind::Value { cause, .. } => cause.is_json(),
            _ => false,
        }
    }

    /// Returns whether no session layer, or none of the scope, stands around this handler.
    #[must_use]
    pub fn is_missing_layer(&self) -> bool {
        matches!(self.kind, Kind::NoLayer | Kind::NoScope(_) | Kind::OnlyScoped(_))
    }

    /// Returns true if the session was used through a handle that does not load it, and was not loaded.
    #[must_use]
    pub fn is_not_loaded(&self) -> bool {
        match &self.kind {
            Kind::NotLoaded => true,
            Kind::Value { cause, .. } => cause.is_not_loaded(),
            _ => false,
        }
    }

    /// Returns true if the program is wrong, and not the store or the request: for example a missing layer, two layers
    /// of one scope, or a session that was not loaded.
    #[must_use]
    pub fn is_misconfigured(&self) -> bool {
        if let Kind::Value { cause, .. } = &self.kind {
            return cause.is_misconfigured();
        }
        self.is_not_carried()
            || matches!(
                self.kind,
                Kind::NoLayer
                    | Kind::NoScope(_)
                    | Kind::OnlyScoped(_)
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

    /// Returns true if trying again can help: the store failed, or other requests kept changing the session.
    #[must_use]
    pub fn is_temporary(&self) -> bool {
        match &self.kind {
            // A record that cannot be read will not be readable at the next try.
            Kind::Store(error) => !error.is_undecodable(),
            Kind::ReadOnly | Kind::Contended | Kind::ConflictOn(_) | Kind::Gone => true,
            Kind::Value { cause, .. } => cause.is_temporary(),
            _ => false,
        }
    }

    /// Returns the status of the response to a request that failed with this error, which is `temporary` if trying
    /// again can help.
    pub(crate) fn status(&self, temporary: StatusCode) -> StatusCode {
        if self.is_temporary() {
            temporary
        } else if self.is_over_limit() || self.is_login_expired() || matches!(self.kind, Kind::Unbound) {
            StatusCode::FORBIDDEN
        } else {
            StatusCode::INTERNAL_SERVER_ERROR
        }
    }

    /// Makes the error of an extractor that finds no [`LazySession`](crate::LazySession).
    #[must_use]
    pub fn missing_layer() -> Self {
        Kind::NoLayer.into()
    }

    pub(crate) fn missing_scope(scope: &'static str) -> Self {
        Kind::NoScope(scope).into()
    }

    pub(crate) fn only_scoped(scope: &'static str) -> Self {
        Kind::OnlyScoped(scope).into()
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

    /// A session of this state is over `max_bytes`.
    pub(crate) fn too_large(bytes: usize, limit: usize, state: &State) -> Self {
        Kind::TooLarge { bytes, limit, keys: key_sizes(state) }.into()
    }

    /// Makes the error of a session that does not fit into a cookie. `bytes` is the length that the cookie would have.
    #[cfg(feature = "secure-cookies")]
    pub(crate) fn cookie_too_large(bytes: usize, state: &State) -> Self {
        Kind::CookieTooLarge { bytes, keys: key_sizes(state) }.into()
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

    #[cfg(feature = "formats")]
    pub(crate) fn not_carried(format: &'static str, part: &str) -> Self {
        Kind::NotCarried(format, part.into()).into()
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

/// Returns the keys with their sizes in bytes, the largest first.
fn key_sizes(state: &State) -> Vec<(String, usize)> {
    let mut keys: Vec<_> = state.iter().map(|(key, raw)| (key.to_owned(), key.len() + raw.len())).collect();
    keys.sort_by_key(|(_, size)| std::cmp::Reverse(*size));
    keys
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

debug_like_display!(Error);

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.kind.source()
    }
}
