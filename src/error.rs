//! The one error of the crate, and the three of a session's values over it.

use std::fmt;

use http::StatusCode;

use crate::{cookie::CookieError, store::StoreError};

mod values;

pub use values::{SessionGetError, SessionInsertError, SessionUpdateError};

/// Why a session could not be loaded, changed or committed.
///
/// The client sees an empty response: 503 if trying again can help ([`is_temporary`](Self::is_temporary)), 403 for a login
/// beyond the owner's limit or one that has expired, 500 for everything else. See [`Failure`](crate::Failure).
pub struct Error {
    kind: Kind,
}

enum Kind {
    Store(StoreError),
    Contended,
    ConflictOn(Box<str>),
    Gone,
    TooLate,
    TooLarge {
        bytes: usize,
        limit: usize,
    },
    Cookie(CookieError),
    #[cfg_attr(not(feature = "secure-cookies"), allow(dead_code))] // Only a `CookieStore` comes to it.
    CookieTooLarge {
        bytes: usize,
        keys: Vec<(String, usize)>,
    },
    Json(serde_json::Error),
    Value {
        doing: &'static str,
        key: Box<str>,
        cause: Box<Error>,
    },
    NoLayer,
    NotLoaded,
    ReadOnly,
    NoOwnerIndex,
    NoLimit,
    OverLimit(usize),
    NoOwner(Box<str>),
    LoginExpired,
    LayeredTwice(&'static str),
    SameName(&'static str, &'static str),
}

impl Error {
    /// Whether the store failed, or a record cannot be read: [`StoreError`] is the [source](std::error::Error::source).
    #[must_use]
    pub fn is_store(&self) -> bool {
        matches!(self.kind, Kind::Store(_) | Kind::ReadOnly)
    }

    /// Whether other requests changed the session in between, and this change could not be made again.
    #[must_use]
    pub fn is_conflict(&self) -> bool {
        matches!(self.kind, Kind::Contended | Kind::ConflictOn(_))
    }

    /// Whether others kept changing the session for too long. It was reported where it happened.
    pub(crate) fn is_contended(&self) -> bool {
        matches!(self.kind, Kind::Contended)
    }

    /// Whether the session ended, or was renewed by another request, before [`Session::save`](crate::Session::save) could
    /// store its changes.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        matches!(self.kind, Kind::Gone)
    }

    /// Whether a cookie would have to be sent, and the response's head has left.
    #[must_use]
    pub fn is_too_late(&self) -> bool {
        matches!(self.kind, Kind::TooLate)
    }

    /// Whether the session, or its cookie, is over its size limit.
    #[must_use]
    pub fn is_too_large(&self) -> bool {
        matches!(
            self.kind,
            Kind::TooLarge { .. } | Kind::CookieTooLarge { .. } | Kind::Cookie(CookieError::TooLarge { .. })
        )
    }

    /// Where a session does not fit into its cookie: its keys, each with the bytes that it takes, the largest first.
    #[must_use]
    pub fn key_sizes(&self) -> &[(String, usize)] {
        match &self.kind {
            Kind::CookieTooLarge { keys, .. } => keys,
            _ => &[],
        }
    }

    /// Whether something was asked for that this store cannot do: what needs an index of owners.
    #[must_use]
    pub fn is_unsupported(&self) -> bool {
        matches!(self.kind, Kind::NoOwnerIndex)
    }

    /// Whether the owner has as many sessions as [`SessionLayer::max_per_owner`](crate::SessionLayer::max_per_owner) allows.
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

    /// Whether a value is not of the type that was asked for, or cannot be written as JSON.
    #[must_use]
    pub fn is_json(&self) -> bool {
        match &self.kind {
            Kind::Json(_) => true,
            Kind::Value { cause, .. } => cause.is_json(),
            _ => false,
        }
    }

    /// Whether no session layer stands before this handler.
    #[must_use]
    pub fn is_missing_layer(&self) -> bool {
        matches!(self.kind, Kind::NoLayer)
    }

    /// Whether nobody loaded the session before it was used through a handle that cannot wait.
    #[must_use]
    pub fn is_not_loaded(&self) -> bool {
        match &self.kind {
            Kind::NotLoaded => true,
            Kind::Value { cause, .. } => cause.is_not_loaded(),
            _ => false,
        }
    }

    /// Whether the program is wrong, not the store or the request: a missing layer, one twice, a session that nobody loaded.
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
                | Kind::NoOwner(_)
        )
    }

    /// The store's error, if it failed.
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
            Kind::Store(_) | Kind::ReadOnly | Kind::Contended | Kind::ConflictOn(_) | Kind::Gone => true,
            Kind::Value { cause, .. } => cause.is_temporary(),
            _ => false,
        }
    }

    /// The status of the response to a request that failed with this error; `temporary` if trying again can help.
    pub(crate) fn status(&self, temporary: StatusCode) -> StatusCode {
        if self.is_temporary() {
            temporary
        } else if self.is_over_limit() || self.is_login_expired() {
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
    pub(crate) fn cookie_too_large(bytes: usize, state: &crate::state::State) -> Self {
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
        match &self.kind {
            Kind::Store(error) => error.fmt(f),
            Kind::Contended => f.write_str("other requests kept changing the session"),
            Kind::ConflictOn(key) => write!(f, "another request changed `{key}` in the meantime"),
            Kind::Gone => f.write_str("the session has ended or was renewed meanwhile"),
            Kind::TooLate => f.write_str("the response's head has left, and the session needs a cookie in it"),
            Kind::TooLarge { bytes, limit } => write!(f, "the session takes {bytes} bytes, the limit is {limit}"),
            Kind::CookieTooLarge { bytes, keys } => {
                write!(f, "the session's cookie would be {bytes} bytes, browsers keep 4096; bytes by key:")?;
                keys.iter().try_for_each(|(key, size)| write!(f, " {key} {size}"))
            }
            Kind::Cookie(_) => f.write_str("the session's cookie cannot be sent"),
            Kind::Value { doing, key, .. } => write!(f, "cannot {doing} `{key}` in the session"),
            Kind::Json(_) => f.write_str("the value and its JSON do not match"),
            Kind::NoLayer => f.write_str("no session layer: add `SessionLayer` (Actix Web: `SessionMiddleware`) around this handler"),
            Kind::NotLoaded => f.write_str(
                "the session is not loaded: the middleware is `.lazy()`, so take `Session` as an extractor, or await `LazySession::load`",
            ),
            Kind::LayeredTwice("()") => f.write_str("two session layers stand around this handler: give one a `.scope::<T>()`"),
            Kind::LayeredTwice(scope) => write!(f, "two session layers of the scope `{scope}` stand around this handler"),
            Kind::SameName(outer, inner) => {
                write!(f, "the session layers of the scopes `{outer}` and `{inner}` use the same cookie or header name")
            }
            Kind::NoLimit => f.write_str("an owner must be allowed one session at least"),
            Kind::OverLimit(max) => write!(f, "the owner has {max} sessions already, the most there may be"),
            Kind::NoOwner(key) => {
                write!(f, "the value under the owner key `{key}` is neither a string nor a whole number, so it names no owner")
            }
            Kind::LoginExpired => f.write_str("the owner's sessions were ended while this login was under way: log in again"),
            Kind::NoOwnerIndex => f.write_str("this store cannot list or end sessions by owner"),
            Kind::ReadOnly => f.write_str("the session could not be loaded, so it is read-only"),
        }
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
        match &self.kind {
            Kind::Store(error) => std::error::Error::source(error),
            Kind::Cookie(error) => Some(error),
            Kind::Json(error) => Some(error),
            Kind::Value { cause, .. } => Some(cause),
            _ => None,
        }
    }
}
