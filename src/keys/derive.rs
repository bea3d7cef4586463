//! Sub-keys: one for each purpose and each cookie name.

use zeroize::Zeroizing;

use super::SecretKey;
use crate::store::random;

/// The purpose of a sub-key. Its text is part of the format: once released, it never changes.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Purpose {
    /// The MAC of a token.
    Token,
    /// The seal of a session.
    Seal,
    /// The MAC of a readable session.
    Sign,
    /// The public number by which a cookie names its key.
    KeyId,
    /// The names of sessions that move to another store.
    Move,
}

impl Purpose {
    fn text(self) -> &'static [u8] {
        match self {
            Self::Token => b"cloakroom v1 token mac",
            Self::Seal => b"cloakroom v1 cookie seal",
            Self::Sign => b"cloakroom v1 cookie mac",
            Self::KeyId => b"cloakroom v1 key id",
            Self::Move => b"cloakroom v1 move",
        }
    }
}

impl SecretKey {
    /// Derives a sub-key by HKDF-SHA256 (RFC 5869) with the info `purpose, 0, cookie name`. Neither part can hold a
    /// zero byte, so all infos differ.
    pub(crate) fn derive<const N: usize>(&self, purpose: Purpose, name: &str) -> Zeroizing<[u8; N]> {
        // `expand` fails only for more than 8160 bytes. The random bytes make sure that a mistake could not cause a
        // known key.
        let mut key = Zeroizing::new(random());
        let expanded = self.hkdf.expand_multi_info(&[purpose.text(), &[0], name.as_bytes()], &mut *key);
        debug_assert!(expanded.is_ok());
        key
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_purpose_and_name_has_its_own() {
        let key = SecretKey::generate();
        let mut subkeys: Vec<[u8; 32]> = Vec::new();
        for purpose in [Purpose::Token, Purpose::Seal, Purpose::Sign, Purpose::KeyId, Purpose::Move] {
            for name in ["", "id", "__Host-id", "id2"] {
                subkeys.push(*key.derive(purpose, name));
            }
        }
        assert_eq!(*key.derive::<32>(Purpose::Token, ""), subkeys[0]);
        let count = subkeys.len();
        subkeys.sort_unstable();
        subkeys.dedup();
        assert_eq!(subkeys.len(), count);
    }
}
