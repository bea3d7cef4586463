//! The names of keys.

use std::{fmt, sync::Arc};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::SessionId;

/// The number of characters of a session's id.
const ID: usize = 22;
/// The text before an owner. An id has no colon, so the key of an owner is never that of a session.
const OWNER: &str = "owner:";

/// Makes the names of keys, from a session's id or from `owner:` and an owner.
#[derive(Clone)]
pub(super) enum Keys {
    Prefix(Arc<str>),
    Named(Arc<dyn Fn(&str) -> String + Send + Sync>),
}

impl Keys {
    pub(super) fn prefix(prefix: impl Into<String>) -> Self {
        Self::Prefix(prefix.into().into())
    }

    pub(super) fn named(make: impl Fn(&str) -> String + Send + Sync + 'static) -> Self {
        Self::Named(Arc::new(make))
    }

    /// Returns the key of a session's record.
    pub(super) fn session(&self, id: &SessionId) -> Vec<u8> {
        match self {
            Self::Prefix(prefix) => [prefix.as_bytes(), &text(id)].concat(),
            Self::Named(make) => make(&id.to_string()).into_bytes(),
        }
    }

    /// Returns the pattern of all keys, or `None` if the id cannot be read from a key.
    pub(super) fn pattern(&self) -> Option<Vec<u8>> {
        let Self::Prefix(prefix) = self else { return None };
        let escaped = prefix.bytes().flat_map(|byte| {
            let escape = matches!(byte, b'*' | b'?' | b'[' | b']' | b'^' | b'-' | b'\\').then_some(b'\\');
            escape.into_iter().chain([byte])
        });
        Some(escaped.chain([b'*']).collect())
    }

    /// Returns the id in a session's key.
    pub(super) fn id(&self, key: &[u8]) -> Option<SessionId> {
        let Self::Prefix(prefix) = self else { return None };
        str::from_utf8(key.strip_prefix(prefix.as_bytes())?).ok()?.parse().ok()
    }

    /// Returns the key of an owner's index.
    pub(super) fn owner(&self, owner: &str) -> Vec<u8> {
        match self {
            Self::Prefix(prefix) => [prefix, OWNER, owner].concat().into_bytes(),
            Self::Named(make) => make(&[OWNER, owner].concat()).into_bytes(),
        }
    }
}

/// Returns the text of an id, without formatting it.
pub(super) fn text(id: &SessionId) -> [u8; ID] {
    let mut text = [0; ID];
    // 16 bytes are 22 characters.
    let written = URL_SAFE_NO_PAD.encode_slice(id.as_bytes(), &mut text);
    debug_assert_eq!(written, Ok(ID));
    text
}

impl Default for Keys {
    fn default() -> Self {
        Self::prefix("cloakroom:")
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Prefix(prefix) => f.debug_tuple("Prefix").field(prefix).finish(),
            Self::Named(_) => f.write_str("Named(..)"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_its_prefix_and_the_id_as_it_is_shown() {
        for _ in 0..100 {
            let id = SessionId::random();
            assert_eq!(Keys::default().session(&id), format!("cloakroom:{id}").into_bytes());
            assert_eq!(Keys::default().id(&Keys::default().session(&id)), Some(id));
            assert_eq!(Keys::named(|of| format!("{of}!")).session(&id), format!("{id}!").into_bytes());
        }
        assert_eq!(Keys::prefix("a[*]:").pattern().unwrap(), br"a\[\*\]:*");
        assert_eq!(Keys::prefix("a:").owner("bob"), b"a:owner:bob");
        assert_eq!(Keys::named(str::to_uppercase).owner("bob"), b"OWNER:BOB");
    }
}
