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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::Key;

    fn bytes(hex: &str) -> Vec<u8> {
        let digit = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
        (0..hex.len()).step_by(2).map(digit).collect()
    }

    fn hex(bytes: &[u8]) -> String {
        let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
        digits.filter_map(|digit| char::from_digit(digit.into(), 16)).collect()
    }

    fn key(first: u8) -> Key {
        let bytes: Vec<u8> = (first..first + 64).collect();
        Key::from_bytes(&bytes).unwrap()
    }

    /// RFC 8452 appendix C.2: those whose associated data begin as our format does, with the key id 0 and a name of the rest.
    #[test]
    fn seals_what_the_rfc_seals() {
        let table = [
            ("010000000000000000000000", "02000000", "22b3f4cd1835e517741dfddccfa07fa4661b74cf"),
            (
                "010000000000000000000000000000000200",
                "0300000000000000000000000000000004000000",
                "43dd0163cdb48f9fe3212bf61b201976067f342bb879ad976d8242acc188ab59cabfe307",
            ),
            (
                "0100000000000000000000000000000002000000",
                "030000000000000000000000000000000400",
                "462401724b5ce6588d5a54aae5375513a075cfcdf5042112aa29685c912fc2056543",
            ),
        ];
        let (mut key, mut nonce) = ([0; 32], [0; NONCE]);
        (key[0], nonce[0]) = (1, 3);
        for (context, payload, sealed) in table {
            let (header, name) = context.split_at(10);
            let subkey = || Subkey::Seal(Box::new(Aes256GcmSiv::new((&key).into())));
            let locks = Keyring::new(Key::generate()).map(|_| Lock { id: [0; 4], subkey: subkey() });
            let name = String::from_utf8(bytes(name)).unwrap();
            let envelope = Envelope { mode: Mode::Sealed, name: name.into(), locks };
            let wrapped = envelope.wrap_with(nonce, &bytes(payload)).unwrap();
            assert_eq!(hex(&wrapped), format!("{header}{}{sealed}", hex(&nonce)));
            assert_eq!(envelope.unwrap(&wrapped).map(|(payload, _)| hex(&payload)), Some(payload.to_owned()));
        }
    }

    /// What this version of the crate writes, later ones must read.
    #[test]
    fn the_formats_are_kept() {
        let table = [
            (Mode::Sealed, "01d110e3e9070707070707070707070707872071bf236878f34edcd41d61fdce9e38a0eb47c7c1b8"),
            (Mode::Readable, "02d110e3e97061796c6f61644d53ba99f361864271e0a7e3a1523e03"),
        ];
        for (mode, expected) in table {
            let envelope = Envelope::new(&key(1).into(), mode, "__Host-id");
            let wrapped = envelope.wrap_with([7; NONCE], b"payload").unwrap();
            assert_eq!(hex(&wrapped), expected);
            assert_eq!(envelope.unwrap(&bytes(expected)), Some((b"payload".to_vec(), KeyAge::Current)));
        }
    }

    #[test]
    fn nothing_else_opens() {
        for mode in [Mode::Sealed, Mode::Readable] {
            let other_mode = if mode == Mode::Sealed { Mode::Readable } else { Mode::Sealed };
            let envelope = Envelope::new(&key(1).into(), mode, "id");
            let wrapped = envelope.wrap(b"payload").unwrap();
            assert_ne!(mode == Mode::Sealed, wrapped.windows(7).any(|part| part == b"payload"));
            for (what, other) in [
                ("another key", Envelope::new(&key(2).into(), mode, "id")),
                ("another name", Envelope::new(&key(1).into(), mode, "id2")),
                ("another mode", Envelope::new(&key(1).into(), other_mode, "id")),
            ] {
                assert_eq!(other.unwrap(&wrapped), None, "{what}");
            }
            let rotated = Envelope::new(&Keyring::new(key(2)).previous(key(1)), mode, "id");
            assert_eq!(rotated.unwrap(&wrapped), Some((b"payload".to_vec(), KeyAge::Previous)));

            for at in 0..wrapped.len() {
                assert_eq!(envelope.unwrap(&wrapped[..at]), None, "cut at {at}");
                for bit in 0..8 {
                    let mut flipped = wrapped.clone();
                    flipped[at] ^= 1 << bit;
                    assert_eq!(envelope.unwrap(&flipped), None, "bit {bit} of byte {at}");
                }
            }
            for version in (0..=255).filter(|version| *version != mode as u8) {
                let mut other = wrapped.clone();
                other[0] = version;
                assert_eq!(envelope.unwrap(&other), None, "version {version}");
            }
            let mut longer = wrapped;
            longer.push(0);
            assert_eq!(envelope.unwrap(&longer), None);
        }
    }

    /// The name is part of what is authenticated, not only of the sub-key.
    #[test]
    fn the_name_is_associated_data() {
        let envelope = Envelope::new(&key(1).into(), Mode::Sealed, "id");
        let wrapped = envelope.wrap(b"payload").unwrap();
        let renamed = Envelope { name: "id2".into(), ..envelope };
        assert_eq!(renamed.unwrap(&wrapped), None);
    }
}
