//! The implementation of `aes-gcm-siv`, in Rust.

use aes_gcm_siv::{
    AesGcmSiv,
    aead::{AeadInOut as _, KeyInit as _},
    aes::Aes256Enc,
};

use super::{Nonce, Tag};

/// A cipher without AES decryption, which this mode does not use.
pub(in crate::keys) struct Siv(AesGcmSiv<Aes256Enc>);

impl Siv {
    pub(in crate::keys) fn new(key: &[u8; 32]) -> Self {
        Self(AesGcmSiv::new(key.into()))
    }

    /// Returns `None` only for a text of more than 64 GiB.
    pub(in crate::keys) fn seal(&self, nonce: &Nonce, context: &[u8], text: &mut [u8]) -> Option<Tag> {
        self.0.encrypt_inout_detached(nonce.into(), context, text.into()).ok().map(Into::into)
    }

    /// Returns `None` if the text was not sealed with this key, nonce and context. The content of `text` is then
    /// undefined.
    pub(in crate::keys) fn open(&self, nonce: &Nonce, context: &[u8], text: &mut [u8], tag: &Tag) -> Option<()> {
        self.0.decrypt_inout_detached(nonce.into(), context, text.into(), tag.into()).ok()
    }
}
