//! The error of a format's options.

use std::fmt;

/// An option of a format cannot work.
#[derive(Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum FormatError {
    /// The key of a cookie jar has fewer than 64 bytes, or repeats one byte.
    Key {
        /// The number of bytes.
        bytes: usize,
    },
}

impl fmt::Display for FormatError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::Key { bytes } = self;
        write!(
            f,
            "the key of a cookie jar is 64 random bytes (`Key::master`), and this one has {bytes} bytes or repeats one"
        )
    }
}

crate::chain::debug_like_display!(FormatError);

impl std::error::Error for FormatError {}
