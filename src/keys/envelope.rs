//! Bytes that only a holder of a key can have made and, where they are sealed, can read.

use aes_gcm_siv::{
    Aes256GcmSiv,
    aead::{AeadInOut as _, KeyInit as _},
};
use hmac::{Hmac, Mac as _};
use sha2::Sha256;

use super::{Keyring, derive::Purpose, keyring::Ring, truncated};
use crate::{
    backend::KeyAge,
    token::{Mac, random},
};

const NONCE: usize = 12;
const TAG: usize = 16;

/// Whether the bytes can be read without a key. The numbers are the formats' versions, and the first byte of each envelope: a
/// later format gets another number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// `1, key id, nonce, ciphertext, tag`: AES-256-GCM-SIV (RFC 8452).
    Sealed = 1,
    /// `2, key id, payload, MAC`: 128 bits of HMAC-SHA256.
    Readable = 2,
}

/// Wraps payloads under a keyring, for one cookie name.
///
/// The format, the key's id and the name are authenticated with each payload, and the sub-key is the name's own.
pub(crate) struct Envelope {
    mode: Mode,
    name: Box<str>,
    locks: Ring<Lock>,
}

/// One key's part.
struct Lock {
    id: [u8; 4],
    subkey: Subkey,
}

enum Subkey {
    Seal(Box<Aes256GcmSiv>),
    Sign(Box<Hmac<Sha256>>),
}

impl Envelope {
    /// The bytes that an envelope adds to its payload, at least and at most.
    pub(crate) const LEAST: usize = 1 + 4 + TAG;
    const OVERHEAD: usize = 1 + 4 + NONCE + TAG;

    pub(crate) fn new(keyring: &Keyring, mode: Mode, name: &str) -> Self {
        let locks = keyring.map(|key| Lock {
            id: *key.derive(Purpose::KeyId, name),
            subkey: match mode {
                Mode::Sealed => {
                    Subkey::Seal(Box::new(Aes256GcmSiv::new((&*key.derive::<32>(Purpose::Seal, name)).into())))
                }
                Mode::Readable => Subkey::Sign(Box::new(Hmac::new((&*key.derive::<64>(Purpose::Sign, name)).into()))),
            },
        });
        Self { mode, name: name.into(), locks }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Wraps a payload under the current key. Two of the same are not alike.
    pub(crate) fn wrap(&self, payload: &[u8]) -> Option<Vec<u8>> {
        // Two equal nonces among 2^32 messages would show no more than that two payloads are the same (RFC 8452 section 9).
        self.wrap_with(random(), payload)
    }

    /// `None` only for a payload of more than 64 GiB.
    fn wrap_with(&self, nonce: [u8; NONCE], payload: &[u8]) -> Option<Vec<u8>> {
        let Lock { id, subkey } = &self.locks.current;
        let header = self.header(*id);
        let mut bytes = Vec::with_capacity(payload.len() + Self::OVERHEAD);
        bytes.extend_from_slice(&header);
        match subkey {
            Subkey::Seal(cipher) => {
                bytes.extend_from_slice(&nonce);
                let start = bytes.len();
                bytes.extend_from_slice(payload);
                let text = bytes.get_mut(start..)?;
                let tag = cipher.encrypt_inout_detached(&nonce.into(), &self.context(header), text.into()).ok()?;
                bytes.extend_from_slice(&tag);
            }
            Subkey::Sign(mac) => {
                bytes.extend_from_slice(payload);
                bytes.extend_from_slice(&truncated(self.feed(mac, header, payload)));
            }
        }
        Some(bytes)
    }

    /// The payload; `None` for anything that [`Envelope::wrap`] did not make under this name, in this mode, with one of these
    /// keys.
    pub(crate) fn unwrap(&self, bytes: &[u8]) -> Option<(Vec<u8>, KeyAge)> {
        let (header, body) = bytes.split_first_chunk::<5>()?;
        let [version, id @ ..] = *header;
        if version != self.mode as u8 {
            return None;
        }
        let (body, tag) = body.split_last_chunk::<TAG>()?;
        self.locks.find(|lock| (lock.id == id).then(|| self.open(&lock.subkey, *header, body, tag))?)
    }

    fn open(&self, subkey: &Subkey, header: [u8; 5], body: &[u8], tag: &Mac) -> Option<Vec<u8>> {
        match subkey {
            Subkey::Seal(cipher) => {
                let (nonce, text) = body.split_first_chunk::<NONCE>()?;
                let mut payload = text.to_vec();
                let context = self.context(header);
                cipher
                    .decrypt_inout_detached(nonce.into(), &context, payload.as_mut_slice().into(), tag.into())
                    .ok()?;
                Some(payload)
            }
            Subkey::Sign(mac) => {
                self.feed(mac, header, body).verify_truncated_left(tag).ok()?;
                Some(body.to_vec())
            }
        }
    }

    fn header(&self, [a, b, c, d]: [u8; 4]) -> [u8; 5] {
        [self.mode as u8, a, b, c, d]
    }

    /// What is authenticated besides the payload.
    fn context(&self, header: [u8; 5]) -> Vec<u8> {
        [&header, self.name.as_bytes()].concat()
    }

    /// A zero byte ends the name, which can have none.
    fn feed(&self, mac: &Hmac<Sha256>, header: [u8; 5], payload: &[u8]) -> Hmac<Sha256> {
        mac.clone().chain_update(header).chain_update(self.name.as_bytes()).chain_update([0]).chain_update(payload)
    }
}
