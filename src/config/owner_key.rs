//! The place in the state that names the owner.

use std::{fmt, sync::Arc};

use serde_json::Value;

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

    /// Returns the owner that a whole state names.
    #[cfg(feature = "formats")]
    pub(crate) fn owner_of(&self, state: &State) -> Option<Arc<str>> {
        match self {
            Self::Path(path) => {
                let (raw, fields) = splits(path).find_map(|(key, fields)| Some((state.get(key)?, fields)))?;
                owner_in(&at(raw, fields)?)?
            }
            Self::Closure(owner) => owner(state).map(Into::into),
        }
    }
}

/// Splits a path into a key and the fields behind it, in every way. The longest key comes first.
pub(crate) fn splits(path: &str) -> impl Iterator<Item = (&str, &str)> {
    let dots = path.rmatch_indices('.').map(|(at, _)| at);
    let shorter = dots.filter_map(|at| Some((path.get(..at)?, path.get(at + 1..)?)));
    std::iter::once((path, "")).chain(shorter)
}

/// Returns the owner that a raw value names: the text of a string, the digits of a whole number, or none for `null`.
/// The outer `None` says that the value cannot be an owner. The digits are not parsed, because that could change them.
pub(crate) fn owner_in(raw: &str) -> Option<Option<Arc<str>>> {
    let digits = raw.strip_prefix('-').unwrap_or(raw);
    if raw == "null" {
        Some(None)
    } else if raw.starts_with('"') {
        serde_json::from_str::<String>(raw).ok().map(|text| Some(text.into()))
    } else if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) {
        Some(Some(raw.into()))
    } else {
        None
    }
}

/// Returns the raw value to which the fields lead. A number too large for 64 bits becomes a fraction, which names no owner.
pub(crate) fn at(raw: &str, fields: &str) -> Option<String> {
    if fields.is_empty() {
        return Some(raw.to_owned());
    }
    let value: Value = serde_json::from_str(raw).ok()?;
    fields.split('.').try_fold(&value, |value, field| value.get(field)).map(Value::to_string)
}

impl fmt::Debug for OwnerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(path) => f.debug_tuple("Path").field(path).finish(),
            Self::Closure(_) => f.write_str("Closure(..)"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::owner_in;

    #[test]
    fn an_owner_is_a_string_or_a_whole_number_digit_by_digit() {
        let owner = |raw| owner_in(raw).map(|owner| owner.as_deref().map(str::to_owned));
        let table = [
            ("\"alice\"", Some(Some("alice"))),
            ("\"al\\u0069ce\"", Some(Some("alice"))),
            ("\"\"", Some(Some(""))),
            ("7", Some(Some("7"))),
            ("-7", Some(Some("-7"))),
            ("340282366920938463463374607431768211455", Some(Some("340282366920938463463374607431768211455"))),
            ("null", Some(None)),
            ("7.0", None),
            ("1e3", None),
            ("true", None),
            ("[7]", None),
            ("{\"id\":7}", None),
            ("-", None),
        ];
        for (raw, expected) in table {
            assert_eq!(owner(raw), expected.map(|owner| owner.map(str::to_owned)), "{raw}");
        }
    }
}
