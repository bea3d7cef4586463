//! The place in the state that names the owner.

use std::{fmt, sync::Arc};

use crate::store::State;

/// The place in the state that names the owner.
#[derive(Clone)]
pub(crate) enum OwnerKey {
    /// A key, or a key and the fields that lead on from it, separated by dots.
    Path(Arc<str>),
    /// A closure of the application, over the whole state.
    Closure(Arc<Closure>),
}

pub(crate) type Closure = dyn Fn(&State) -> Option<String> + Send + Sync;

impl OwnerKey {
    /// Returns whether the owner may depend on this key.
    pub(crate) fn depends_on(&self, key: &str) -> bool {
        match self {
            Self::Path(path) => splits(path).any(|(prefix, _)| prefix == key),
            Self::Closure(_) => true,
        }
    }
}

/// Splits a path into a key and the fields behind it, in every way. The longest key comes first.
pub(crate) fn splits(path: &str) -> impl Iterator<Item = (&str, &str)> {
    let dots = path.rmatch_indices('.').map(|(at, _)| at);
    let shorter = dots.filter_map(|at| Some((path.get(..at)?, path.get(at + 1..)?)));
    std::iter::once((path, "")).chain(shorter)
}

impl fmt::Debug for OwnerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(path) => f.debug_tuple("Path").field(path).finish(),
            Self::Closure(_) => f.write_str("Closure(..)"),
        }
    }
}
