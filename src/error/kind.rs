//! The kinds of [`Error`], and their messages.

use std::fmt;

use super::Error;
use crate::{error::CookieError, store::StoreError};

pub(super) enum Kind {
    Store(StoreError),
    Contended,
    ConflictOn(Box<str>),
    Gone,
    TooLate,
    TooLarge {
        bytes: usize,
        limit: usize,
        keys: Vec<(String, usize)>,
    },
    Cookie(CookieError),
    #[cfg_attr(not(feature = "secure-cookies"), allow(dead_code))] // Only a `CookieStore` makes it.
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
    /// No layer has this scope.
    NoScope(&'static str),
    /// No layer without a scope, but one of this scope.
    OnlyScoped(&'static str),
    NotLoaded,
    ReadOnly,
    NoOwnerIndex,
    #[cfg_attr(not(feature = "device-bound"), allow(dead_code))] // Only that feature binds sessions.
    NoDevices,
    #[cfg_attr(not(feature = "device-bound"), allow(dead_code))]
    Unbound,
    NoLimit,
    OverLimit(usize),
    NoOwner(Box<str>),
    LoginExpired,
    /// The name of a format, and the part of a session that it cannot carry.
    #[cfg(feature = "formats")]
    NotCarried(&'static str, Box<str>),
    LayeredTwice(&'static str),
    SameName(&'static str, &'static str),
}

impl Kind {
    pub(super) fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Store(error) => std::error::Error::source(error),
            Self::Cookie(error) => Some(error),
            Self::Json(error) => Some(error),
            Self::Value { cause, .. } => Some(cause),
            _ => None,
        }
    }
}

/// Writes the message of the error, without its cause.
impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Store(error) => error.fmt(f),
            Self::Contended => f.write_str("other requests kept changing the session"),
            Self::ConflictOn(key) => write!(f, "another request changed `{key}` in the meantime"),
            Self::Gone => f.write_str("the session has ended or was renewed meanwhile"),
            Self::TooLate => f.write_str("the response's head has left, and the session needs a cookie in it"),
            Self::TooLarge { bytes, limit, keys } => {
                write!(f, "the session takes {bytes} bytes, `max_bytes` is {limit}; bytes by key:")?;
                list(keys, f)
            }
            Self::CookieTooLarge { bytes, keys } => {
                write!(f, "the session's cookie would be {bytes} bytes, browsers keep 4096; bytes by key:")?;
                list(keys, f)
            }
            Self::Cookie(_) => f.write_str("the session's cookie cannot be sent"),
            Self::Value { doing, key, .. } => write!(f, "cannot {doing} `{key}` in the session"),
            Self::Json(_) => f.write_str("the value cannot be converted to or from JSON"),
            Self::NoLayer => f.write_str("no session layer: add `SessionLayer` (Actix Web: `SessionMiddleware`) around this handler"),
            Self::NoScope(scope) => write!(
                f,
                "no session layer of the scope `{scope}`: add `SessionLayer` (Actix Web: `SessionMiddleware`) with \
                 `.scope::<{scope}>()` around this handler"
            ),
            Self::OnlyScoped(scope) => write!(
                f,
                "no session layer without a scope: extract `Scoped<{scope}>`, or remove `.scope::<{scope}>()` from the layer, or add \
                 another layer"
            ),
            Self::NotLoaded => f.write_str(
                "the session is not loaded: the middleware is `.lazy()`, so take `Session` as an extractor, or await `LazySession::load`",
            ),
            Self::LayeredTwice("()") => f.write_str("there are two session layers around this handler: give one a `.scope::<T>()`"),
            Self::LayeredTwice(scope) => write!(f, "there are two session layers of the scope `{scope}` around this handler: remove one"),
            Self::SameName(outer, inner) => {
                write!(f, "the session layers of the scopes `{outer}` and `{inner}` use the same cookie or header name: give each its own")
            }
            Self::NoLimit => f.write_str("the limit of sessions per owner must be at least 1"),
            Self::OverLimit(max) => write!(f, "the owner has {max} sessions already, which is the limit"),
            Self::NoOwner(key) => {
                write!(f, "the value under the owner key `{key}` is neither a string nor a whole number, so it names no owner")
            }
            Self::LoginExpired => f.write_str("the owner's sessions were ended while this login was in progress: log in again"),
            #[cfg(feature = "formats")]
            Self::NotCarried(format, part) => write!(f, "a session in the format of {format} cannot carry {part}"),
            Self::NoOwnerIndex => f.write_str("this store cannot list or end sessions by owner"),
            Self::NoDevices => f.write_str(
                "sessions in cookies cannot be bound to a device: use a store on the server, such as `MemoryStore` or `RedisStore`",
            ),
            Self::Unbound => f.write_str("this needs a session that is bound to a device, and a proof of the device"),
            Self::ReadOnly => f.write_str("the session could not be loaded, so it is read-only"),
        }
    }
}

/// The keys that a message lists. More do not help to find the one at fault.
const LISTED: usize = 10;

fn list(keys: &[(String, usize)], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    keys.iter().take(LISTED).try_for_each(|(key, size)| write!(f, " {key} {size}"))?;
    match keys.len().saturating_sub(LISTED) {
        0 => Ok(()),
        more => write!(f, " and {more} smaller ones"),
    }
}
