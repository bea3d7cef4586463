//! The error of making a store.

use std::fmt;

use ::redis::RedisError;

use super::failure::Failure;

/// The error of making a [`RedisStore`](super::RedisStore).
pub struct ConnectError {
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Misconfigured(RedisError),
    TwoLogins,
    Unreachable(Failure),
}

impl ConnectError {
    pub(super) fn misconfigured(error: RedisError) -> Self {
        Self { kind: Kind::Misconfigured(error) }
    }

    /// A source of credentials is set, and so is a user or a password.
    pub(super) fn two_logins() -> Self {
        Self { kind: Kind::TwoLogins }
    }

    pub(super) fn unreachable(failure: Failure) -> Self {
        Self { kind: Kind::Unreachable(failure) }
    }

    /// Returns whether an address, a certificate, a feature or a combination of options is wrong. Trying again does not help.
    #[must_use]
    pub fn is_misconfigured(&self) -> bool {
        matches!(self.kind, Kind::Misconfigured(_) | Kind::TwoLogins)
    }

    /// Returns whether Redis did not answer in time, or refused the login.
    #[must_use]
    pub fn is_unreachable(&self) -> bool {
        matches!(self.kind, Kind::Unreachable(_))
    }
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &self.kind {
            Kind::Misconfigured(_) => "the address of Redis cannot be used",
            Kind::TwoLogins => {
                "`credentials` is set, and so is a user or a password: remove `credentials`, or the user and the password \
                 from the URL and the options"
            }
            Kind::Unreachable(_) => "Redis cannot be reached",
        })
    }
}

/// Shows the cause, too, because `fn main() -> Result<..>` prints this form.
impl fmt::Debug for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            Kind::Misconfigured(cause) => write!(f, "{self}: {cause}"),
            Kind::TwoLogins => write!(f, "{self}"),
            Kind::Unreachable(cause) => write!(f, "{self}: {cause}"),
        }
    }
}

impl std::error::Error for ConnectError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.kind {
            Kind::Misconfigured(cause) => Some(cause),
            Kind::TwoLogins => None,
            Kind::Unreachable(cause) => Some(cause),
        }
    }
}
