//! The errors of reading and writing a session's values. Each names its key.

use std::fmt;

use super::{Error, Kind};

macro_rules! value_error {
    ($(#[$doc:meta])* $name:ident, $doing:literal) => {
        $(#[$doc])*
        pub struct $name {
            key: Box<str>,
            cause: Error,
        }

        impl $name {
            pub(crate) fn new(key: &str, cause: impl Into<Error>) -> Self {
                Self { key: key.into(), cause: cause.into() }
            }

            /// Returns the key.
            #[must_use]
            pub fn key(&self) -> &str {
                &self.key
            }

            /// Returns the cause.
            #[must_use]
            pub fn error(&self) -> &Error {
                &self.cause
            }
        }

        /// Keeps the key and the cause, for handlers that return one type of error.
        impl From<$name> for Error {
            fn from(error: $name) -> Self {
                Kind::Value { doing: $doing, key: error.key, cause: Box::new(error.cause) }.into()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!("cannot ", $doing, " `{}` in the session"), self.key)
            }
        }

        crate::chain::debug_like_display!($name);

        impl std::error::Error for $name {
            fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
                Some(&self.cause)
            }
        }
    };
}

value_error! {
    /// [`Session::get`](crate::Session::get) failed: the value is not of that type, or the session is not loaded.
    SessionGetError, "get"
}
value_error! {
    /// [`Session::insert`](crate::Session::insert) failed: the value cannot be written as JSON, or the session is not
    /// loaded. The session stays as it was.
    SessionInsertError, "insert"
}
value_error! {
    /// [`Session::update`](crate::Session::update) failed: the value is not of that type, cannot be written as JSON, or
    /// the session is not loaded. The session stays as it was.
    SessionUpdateError, "update"
}
