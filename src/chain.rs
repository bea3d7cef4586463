//! An error with its causes, on one line.

use std::{error::Error, fmt};

/// Shows an error with its causes, on one line: `the session store failed: Redis at ..: connection refused`. For the `Debug` of a
/// store's errors, which log lines show.
pub struct ErrorChain<'a>(pub &'a (dyn Error + 'static));

impl fmt::Display for ErrorChain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut next = self.0.source();
        while let Some(cause) = next {
            write!(f, ": {cause}")?;
            next = cause.source();
        }
        Ok(())
    }
}

/// Implements `Debug` as `Display` with the causes, because a `main` that returns an error prints its `Debug`.
macro_rules! debug_like_display {
    ($($error:ty),* $(,)?) => {$(
        impl std::fmt::Debug for $error {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Display::fmt(&crate::chain::ErrorChain(self), f)
            }
        }
    )*};
}
pub(crate) use debug_like_display;
