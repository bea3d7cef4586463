//! By `aes-gcm-siv`: Rust alone.

use aes_gcm_siv::{
    AesGcmSiv,
    aead::{AeadInOut as _, KeyInit as _},
    aes::Aes256Enc,
};

use super::{Nonce, Tag};

/// Without the half of AES that decrypts, which this mode never does.
pub(in crate::keys) struct Siv(AesGcmSiv<Aes256Enc>);

impl Siv {
    pub(in crate::keys) fn new(key: &[u8; 32]) -> Self {
        Self(AesGcmSiv::new(key.into()))
    }

    /// `None` only for a text of more than 64 GiB.
    pub(in crate::keys) fn seal(&self, nonce: &Nonce, context: &[u8], text: &mut [u8]) -> Option<Tag> {
        self.0.encrypt_inout_detached(nonce.into(), context, text.into()).ok().map(Into::into)
    }

    /// `None` for what was not sealed with this key, nonce and context; what `text` holds then is of no use.
    pub(in crate::keys) fn open(&self, nonce: &Nonce, context: &[u8], text: &mut [u8], tag: &Tag) -> Option<()> {
        self.0.decrypt_inout_detached(nonce.into(), context, text.into(), tag.into()).ok()
    }
}
