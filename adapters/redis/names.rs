//! What keys are called.

use std::{fmt, sync::Arc};

/// Makes the name of a key of what it is for: an id, or `owner:` and an owner.
#[derive(Clone)]
pub(super) enum Names {
    Prefix(Arc<str>),
    Made(Arc<dyn Fn(&str) -> String + Send + Sync>),
}

impl Names {
    pub(super) fn prefix(prefix: impl Into<String>) -> Self {
        Self::Prefix(prefix.into().into())
    }

    pub(super) fn made(make: impl Fn(&str) -> String + Send + Sync + 'static) -> Self {
        Self::Made(Arc::new(make))
    }

    pub(super) fn name(&self, of: fmt::Arguments<'_>) -> Vec<u8> {
        match self {
            Self::Prefix(prefix) => format!("{prefix}{of}"),
            Self::Made(make) => make(&of.to_string()),
        }
        .into_bytes()
    }
}

/// What the names of all keys begin with, unless they are told otherwise.
impl Default for Names {
    fn default() -> Self {
        Self::prefix("cloakroom:")
    }
}

impl fmt::Debug for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Prefix(prefix) => f.debug_tuple("Prefix").field(prefix).finish(),
            Self::Made(_) => f.write_str("Made(..)"),
        }
    }
}
