//! The implementation of `aws-lc-rs`, in C and assembly.

use aws_lc_rs::aead::{AES_256_GCM_SIV, Aad, LessSafeKey, Nonce as OnceOnly, UnboundKey};

use super::{Nonce, Tag};

/// `None` would be a key whose length is not 32 bytes.
pub(in crate::keys) struct Siv(Option<LessSafeKey>);

impl Siv {
    pub(in crate::keys) fn new(key: &[u8; 32]) -> Self {
        let key = UnboundKey::new(&AES_256_GCM_SIV, key).map(LessSafeKey::new);
        debug_assert!(key.is_ok());
        Self(key.ok())
    }

    /// Returns `None` only for a text of more than 64 GiB.
    pub(in crate::keys) fn seal(&self, nonce: &Nonce, context: &[u8], text: &mut [u8]) -> Option<Tag> {
        // A repeated nonce is no danger in this mode (RFC 8452 section 9).
        let nonce = OnceOnly::assume_unique_for_key(*nonce);
        let tag = self.0.as_ref()?.seal_in_place_separate_tag(nonce, Aad::from(context), text).ok()?;
        tag.as_ref().try_into().ok()
    }

    /// Returns `None` if the text was not sealed with this key, nonce and context. The content of `text` is then
    /// undefined.
    pub(in crate::keys) fn open(&self, nonce: &Nonce, context: &[u8], text: &mut [u8], tag: &Tag) -> Option<()> {
        let nonce = OnceOnly::assume_unique_for_key(*nonce);
        let opened = self.0.as_ref()?.open_in_place_separate_tag(nonce, Aad::from(context), tag, text);
        opened.ok().map(|_| ())
    }
}
