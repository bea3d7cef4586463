//! The error of making a store.

use std::{fmt, sync::Arc};

use ::redis::RedisError;

use super::failure::{Failure, Named};
use crate::store::ErrorChain;

/// The error of making a [`RedisStore`](super::RedisStore).
pub struct ConnectError {
    kind: Kind,
}

enum Kind {
    Misconfigured(RedisError),
    TwoLogins,
    #[cfg_attr(any(feature = "redis-rustls", feature = "redis-native-tls"), allow(dead_code))]
    // Made without TLS only.
    NoTls,
    /// The server, if it is known, and why.
    Unreachable(Option<Arc<str>>, Failure),
    Refused(Option<Arc<str>>, Failure),
}

impl ConnectError {
    pub(super) fn misconfigured(error: RedisError) -> Self {
        Self { kind: Kind::Misconfigured(error) }
    }

    /// A source of credentials is set, and so is a user or a password.
    pub(super) fn two_logins() -> Self {
        Self { kind: Kind::TwoLogins }
    }

    /// An address begins with `rediss://`, and no feature for TLS is enabled.
    #[cfg(not(any(feature = "redis-rustls", feature = "redis-native-tls")))]
    pub(super) fn no_tls() -> Self {
        Self { kind: Kind::NoTls }
    }

    /// The first command failed.
    pub(super) fn first(mut failure: Failure) -> Self {
        let server = failure.take_server();
        let is_refusal = failure.is_refusal();
        Self { kind: if is_refusal { Kind::Refused(server, failure) } else { Kind::Unreachable(server, failure) } }
    }

    /// Returns whether an address, a certificate, a feature or a combination of options is wrong. Trying again does not help.
    #[must_use]
    pub fn is_misconfigured(&self) -> bool {
        matches!(self.kind, Kind::Misconfigured(_) | Kind::TwoLogins | Kind::NoTls)
    }

    /// Returns whether Redis could not be reached, or did not answer in time.
    #[must_use]
    pub fn is_unreachable(&self) -> bool {
        matches!(self.kind, Kind::Unreachable(..))
    }

    /// Returns whether Redis was reached, but refused the login or the first command. The user, the password and the user's
    /// rights are what to look at.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        matches!(self.kind, Kind::Refused(..))
    }
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &self.kind {
            Kind::Unreachable(server, _) => return write!(f, "{} cannot be reached", Named(server.as_deref())),
            Kind::Refused(server, _) => return write!(f, "{} was reached, but refused", Named(server.as_deref())),
            Kind::Misconfigured(_) => "the address of Redis cannot be used",
            Kind::TwoLogins => {
                "`credentials` is set, and so is a user or a password: remove `credentials`, or the user and the password \
                 from the URL and the options"
            }
            Kind::NoTls => {
                "`rediss://` needs a feature of cloakroom that is not enabled: `redis-rustls`, or `redis-native-tls` for the \
                 system's TLS library"
            }
        })
    }
}

impl fmt::Debug for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&ErrorChain(self), f)
    }
}

impl std::error::Error for ConnectError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.kind {
            Kind::Misconfigured(cause) => Some(cause),
            Kind::TwoLogins | Kind::NoTls => None,
            Kind::Unreachable(_, cause) | Kind::Refused(_, cause) => Some(cause),
        }
    }
}
