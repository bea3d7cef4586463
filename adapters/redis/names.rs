//! What keys are called.

use std::{fmt, io::Write as _, sync::Arc};

/// How long the text of a session's id is.
const SESSION_ID: usize = 22;

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
            Self::Prefix(prefix) => {
                let mut name = Vec::with_capacity(prefix.len() + SESSION_ID);
                name.extend_from_slice(prefix.as_bytes());
                // It grows, and so takes it all.
                let _ = name.write_fmt(of);
                name
            }
            Self::Made(make) => make(&of.to_string()).into_bytes(),
        }
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
