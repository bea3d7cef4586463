//! Bytes that only a holder of a key can make and, if they are sealed, read.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use super::{
    Keyring, SecretKey,
    derive::Purpose,
    keyring::Ring,
    siv::{Nonce, Siv, Tag},
    truncated,
};
use crate::store::random;

/// The kind of an envelope: readable without a key, or sealed. The numbers are the formats' versions, and the first
/// byte of each envelope. A later format gets another number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// `1, key id, nonce, ciphertext, tag`: AES-256-GCM-SIV (RFC 8452).
    Sealed = 1,
    /// `2, key id, payload, MAC`: 128 bits of HMAC-SHA256.
    Readable = 2,
}

/// Wraps payloads under a keyring, for one cookie name.
///
/// The format, the key's id and the cookie's name are authenticated with each payload, and each name has its own
/// sub-key.
pub(crate) struct Envelope {
    name: Box<str>,
    locks: Ring<Lock>,
}

/// The format, the key's id and the cipher of one key.
struct Lock {
    /// The format and the key's id, with which each envelope begins.
    header: [u8; 5],
    subkey: Subkey,
}

enum Subkey {
    Seal {
        siv: Box<Siv>,
        /// The bytes that are authenticated with the payload.
        context: Box<[u8]>,
    },
    /// An HMAC that has read those bytes already.
    Sign(Box<Hmac<Sha256>>),
}

impl Envelope {
    /// The fewest bytes that an envelope adds to its payload.
    pub(crate) const LEAST: usize = 5 + size_of::<Tag>();
    const OVERHEAD: usize = Self::LEAST + size_of::<Nonce>();

    pub(crate) fn new(keyring: &Keyring, mode: Mode, name: &str) -> Self {
        Self { name: name.into(), locks: keyring.map(|key| Lock::new(key, mode, name)) }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Wraps a payload under the current key. `write` appends the payload, whose size is about `size`. Equal payloads
    /// get different envelopes.
    pub(crate) fn wrap(&self, size: usize, write: impl FnOnce(&mut Vec<u8>)) -> Option<Vec<u8>> {
        // If two of 2^32 messages have the same nonce, an attacker learns only whether their payloads are equal (RFC
        // 8452 section 9).
        self.wrap_with(random(), size, write)
    }

    /// Returns `None` only for a payload of more than 64 GiB.
    fn wrap_with(&self, nonce: Nonce, size: usize, write: impl FnOnce(&mut Vec<u8>)) -> Option<Vec<u8>> {
        let Lock { header, subkey } = &self.locks.current;
        let mut bytes = Vec::with_capacity(size + Self::OVERHEAD);
        bytes.extend_from_slice(header);
        let tag = match subkey {
            Subkey::Seal { siv, context } => {
                bytes.extend_from_slice(&nonce);
                let start = bytes.len();
                write(&mut bytes);
                siv.seal(&nonce, context, bytes.get_mut(start..)?)?
            }
            Subkey::Sign(mac) => {
                write(&mut bytes);
                truncated(Hmac::clone(mac).chain_update(bytes.get(header.len()..)?))
            }
        };
        bytes.extend_from_slice(&tag);
        Some(bytes)
    }

    /// Returns the payload, and the place of its key in the ring. Returns `None` for anything that [`Envelope::wrap`]
    /// did not make under this name, in this mode, with one of these keys. Decrypts in place, so the bytes cannot be
    /// used again.
    pub(crate) fn unwrap<'a>(&self, bytes: &'a mut [u8]) -> Option<(&'a [u8], usize)> {
        let (header, body) = bytes.split_first_chunk_mut::<5>()?;
        // If two keys have the same id, which has a chance of one in 2^32, the first one is tried.
        let (lock, place) = self.locks.find(|lock| (lock.header == *header).then_some(lock))?;
        let (body, tag) = body.split_last_chunk_mut()?;
        match &lock.subkey {
            Subkey::Seal { siv, context } => {
                let (nonce, text) = body.split_first_chunk_mut()?;
                siv.open(nonce, context, text, tag)?;
                Some((text, place))
            }
            Subkey::Sign(mac) => {
                Hmac::clone(mac).chain_update(&*body).verify_truncated_left(tag).ok()?;
                Some((body, place))
            }
        }
    }
}

impl Lock {
    fn new(key: &SecretKey, mode: Mode, name: &str) -> Self {
        let [a, b, c, d] = *key.derive(Purpose::KeyId, name);
        let header = [mode as u8, a, b, c, d];
        let subkey = match mode {
            Mode::Sealed => Subkey::seal(&key.derive(Purpose::Seal, name), header, name),
            Mode::Readable => Subkey::sign(&key.derive(Purpose::Sign, name), header, name),
        };
        Self { header, subkey }
    }
}

impl Subkey {
    fn seal(key: &[u8; 32], header: [u8; 5], name: &str) -> Self {
        Self::Seal { siv: Box::new(Siv::new(key)), context: [&header, name.as_bytes()].concat().into() }
    }

    /// A zero byte ends the name, because a name cannot contain one.
    fn sign(key: &[u8; 64], header: [u8; 5], name: &str) -> Self {
        let mac = Hmac::new(key.into());
        Self::Sign(Box::new(mac.chain_update(header).chain_update(name).chain_update([0])))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::SecretKey;

    fn bytes(hex: &str) -> Vec<u8> {
        let digit = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
        (0..hex.len()).step_by(2).map(digit).collect()
    }

    fn hex(bytes: &[u8]) -> String {
        let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
        digits.filter_map(|digit| char::from_digit(digit.into(), 16)).collect()
    }

    fn key(first: u8) -> SecretKey {
        let bytes: Vec<u8> = (first..first + 64).collect();
        SecretKey::from_bytes(&bytes).unwrap()
    }

    fn wrap(envelope: &Envelope) -> Vec<u8> {
        envelope.wrap(7, |text| text.extend(b"payload")).unwrap()
    }

    fn unwrap(envelope: &Envelope, bytes: &[u8]) -> Option<(Vec<u8>, usize)> {
        envelope.unwrap(&mut bytes.to_vec()).map(|(payload, key)| (payload.to_vec(), key))
    }

    /// RFC 8452 appendix C.2: the vectors whose associated data begin as this format does, with the key id 0 and the
    /// rest as the name.
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
        let (mut key, mut nonce) = ([0; 32], Nonce::default());
        (key[0], nonce[0]) = (1, 3);
        for (context, payload, sealed) in table {
            let (header, name) = context.split_at(10);
            let name = String::from_utf8(bytes(name)).unwrap();
            let (format, subkey) = ([1, 0, 0, 0, 0], || Subkey::seal(&key, [1, 0, 0, 0, 0], &name));
            let locks = Keyring::new(SecretKey::generate()).map(|_| Lock { header: format, subkey: subkey() });
            let envelope = Envelope { name: name.as_str().into(), locks };
            let wrapped = envelope.wrap_with(nonce, 0, |text| text.extend(bytes(payload))).unwrap();
            assert_eq!(hex(&wrapped), format!("{header}{}{sealed}", hex(&nonce)));
            assert_eq!(unwrap(&envelope, &wrapped).map(|(payload, _)| hex(&payload)), Some(payload.to_owned()));
        }
    }

    /// Later versions of the crate must read the formats that this one writes.
    #[test]
    fn the_formats_are_kept() {
        let table = [
            (Mode::Sealed, "01d110e3e9070707070707070707070707872071bf236878f34edcd41d61fdce9e38a0eb47c7c1b8"),
            (Mode::Readable, "02d110e3e97061796c6f61644d53ba99f361864271e0a7e3a1523e03"),
        ];
        for (mode, expected) in table {
            let envelope = Envelope::new(&key(1).into(), mode, "__Host-id");
            let wrapped = envelope.wrap_with([7; 12], 7, |text| text.extend(b"payload")).unwrap();
            assert_eq!(hex(&wrapped), expected);
            assert_eq!(unwrap(&envelope, &bytes(expected)), Some((b"payload".to_vec(), 0)));
        }
    }

    #[test]
    fn nothing_else_opens() {
        for mode in [Mode::Sealed, Mode::Readable] {
            let other_mode = if mode == Mode::Sealed { Mode::Readable } else { Mode::Sealed };
            let envelope = Envelope::new(&key(1).into(), mode, "id");
            let wrapped = wrap(&envelope);
            assert_ne!(mode == Mode::Sealed, wrapped.windows(7).any(|part| part == b"payload"));
            for (what, other) in [
                ("another key", Envelope::new(&key(2).into(), mode, "id")),
                ("another name", Envelope::new(&key(1).into(), mode, "id2")),
                ("another mode", Envelope::new(&key(1).into(), other_mode, "id")),
            ] {
                assert_eq!(unwrap(&other, &wrapped), None, "{what}");
            }
            let rotated = Envelope::new(&Keyring::new(key(2)).previous(key(1)), mode, "id");
            assert_eq!(unwrap(&rotated, &wrapped), Some((b"payload".to_vec(), 1)));

            for at in 0..wrapped.len() {
                assert_eq!(unwrap(&envelope, &wrapped[..at]), None, "cut at {at}");
                for bit in 0..8 {
                    let mut flipped = wrapped.clone();
                    flipped[at] ^= 1 << bit;
                    assert_eq!(unwrap(&envelope, &flipped), None, "bit {bit} of byte {at}");
                }
            }
            for version in (0..=255).filter(|version| *version != mode as u8) {
                let mut other = wrapped.clone();
                other[0] = version;
                assert_eq!(unwrap(&envelope, &other), None, "version {version}");
            }
            let mut longer = wrapped;
            longer.push(0);
            assert_eq!(unwrap(&envelope, &longer), None);
        }
    }

    /// The name is authenticated with the payload, and is not only used for the sub-key.
    #[test]
    fn the_name_is_associated_data() {
        for subkey in
            [|name: &str| Subkey::seal(&[1; 32], [0; 5], name), |name: &str| Subkey::sign(&[1; 64], [0; 5], name)]
        {
            let envelope = |name: &str| {
                let locks = Keyring::new(SecretKey::generate()).map(|_| Lock { header: [0; 5], subkey: subkey(name) });
                Envelope { name: name.into(), locks }
            };
            let wrapped = wrap(&envelope("id"));
            assert!(unwrap(&envelope("id"), &wrapped).is_some());
            assert_eq!(unwrap(&envelope("id2"), &wrapped), None);
        }
    }
}
