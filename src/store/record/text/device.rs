//! The lines of a session's binding to a device.
//!
//! ```text
//! devicekey = 43B64URL                                     ; the key of the MACs over challenges and proofs
//! !device   = time " " time " " time "." 16HEX " " key     ; bound, proved last, the newest challenge that was accepted
//! key       = "ES256." 43B64URL "." 43B64URL               ; x, y
//!           / "RS256." b64url "." b64url                   ; modulus, exponent
//! ```
//!
//! A version that cannot check proofs keeps `devicekey`, and refuses a record with `!device`.

use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use super::{
    error::Kind,
    fields::{hex, hex_from, short_time_from},
    read::line,
    reader::Reader,
};
use crate::store::{Binding, BoundDevice, ChallengeStamp, MacKey, PublicKey};

/// Bytes of the lines' texts without the public key, at most.
const FIXED: usize = 43 + 3 * 15 + 16 + 12;

/// Reads the lines, if they are there.
pub(super) fn read(reader: &mut Reader<'_>) -> Result<Option<Arc<Binding>>, Kind> {
    let key = line(reader, "devicekey", |text| bytes_from(text).map(MacKey))?;
    let device = line(reader, "!device", device_from)?;
    match (key, device) {
        (Some(key), device) => Ok(Some(Arc::new(Binding { key, device }))),
        (None, None) => Ok(None),
        (None, Some(_)) => Err(Kind::Line("!device")),
    }
}

/// Returns the bytes of the lines' texts, at most.
pub(super) fn len(binding: &Binding) -> usize {
    FIXED
        + match binding.device.as_ref().map(|device| &device.public_key) {
            None => 0,
            Some(PublicKey::Es256 { .. }) => 2 * 43,
            Some(PublicKey::Rs256 { modulus, exponent }) => (modulus.len() + exponent.len()) * 4 / 3 + 4,
        }
}

pub(super) fn key(binding: &Binding) -> String {
    URL_SAFE_NO_PAD.encode(binding.key.0)
}

pub(super) fn text(device: &BoundDevice) -> String {
    let BoundDevice { public_key, bound_at, proved_at, accepted } = device;
    let [bound, proved, at] = [bound_at, proved_at, &accepted.at].map(|time| time.as_millis());
    let random = hex(accepted.random);
    let random = std::str::from_utf8(&random).unwrap_or_default();
    let (name, first, second): (_, &[u8], &[u8]) = match public_key {
        PublicKey::Es256 { x, y } => ("ES256", x, y),
        PublicKey::Rs256 { modulus, exponent } => ("RS256", modulus, exponent),
    };
    let [first, second] = [first, second].map(|bytes| URL_SAFE_NO_PAD.encode(bytes));
    format!("{bound} {proved} {at}.{random} {name}.{first}.{second}")
}

fn device_from(text: &str) -> Option<BoundDevice> {
    let mut parts = text.split(' ');
    let mut next = || parts.next();
    let (bound, proved, accepted, key) = (next()?, next()?, next()?, next()?);
    if next().is_some() {
        return None;
    }
    let (at, random) = accepted.split_once('.')?;
    Some(BoundDevice {
        public_key: key_from(key)?,
        bound_at: short_time_from(bound)?,
        proved_at: short_time_from(proved)?,
        accepted: ChallengeStamp { at: short_time_from(at)?, random: hex_from(random.as_bytes().try_into().ok()?)? },
    })
}

fn key_from(text: &str) -> Option<PublicKey> {
    let (name, numbers) = text.split_once('.')?;
    let (first, second) = numbers.split_once('.')?;
    match name {
        "ES256" => Some(PublicKey::Es256 { x: bytes_from(first)?, y: bytes_from(second)? }),
        "RS256" => {
            let [modulus, exponent] = [first, second].map(|text| URL_SAFE_NO_PAD.decode(text).ok());
            PublicKey::rs256(&modulus?, &exponent?)
        }
        _ => None,
    }
}

/// Refuses padding and stray bits in the last character.
fn bytes_from<const N: usize>(text: &str) -> Option<[u8; N]> {
    URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::{collection::vec, option, prelude::*};

    use super::*;
    use crate::store::{Credentials, Record, SecretHash, State, Timestamp};

    fn times() -> impl Strategy<Value = Timestamp> {
        prop_oneof![Just(0), 0..2_000_000_000_000_u64, Just(u64::MAX)].prop_map(Timestamp::from_millis)
    }

    fn keys() -> impl Strategy<Value = PublicKey> {
        let rs256 = (1..=255_u8, vec(any::<u8>(), 255..512), 1..=255_u8, vec(any::<u8>(), 0..4));
        let rs256 = rs256.prop_map(|(first, rest, high, low)| {
            let number = |first: u8, rest: Vec<u8>| [vec![first], rest].concat();
            PublicKey::rs256(&number(first, rest), &number(high, low)).unwrap()
        });
        prop_oneof![any::<([u8; 32], [u8; 32])>().prop_map(|(x, y)| PublicKey::Es256 { x, y }), rs256]
    }

    pub(in super::super) fn bindings() -> impl Strategy<Value = Binding> {
        let device = (keys(), times(), times(), times(), any::<u64>()).prop_map(|parts| {
            let (public_key, bound_at, proved_at, at, random) = parts;
            BoundDevice { public_key, bound_at, proved_at, accepted: ChallengeStamp { at, random } }
        });
        (any::<[u8; 32]>().prop_map(MacKey), option::of(device)).prop_map(|(key, device)| Binding { key, device })
    }

    fn record(device: Option<BoundDevice>) -> Record {
        let credentials = Credentials::new(SecretHash::from_bytes([7; 32]));
        let mut record = Record::new(credentials, State::default(), Timestamp::default(), Timestamp::MAX);
        record.body_mut().rest.binding = Some(Arc::new(Binding { key: MacKey([1; 32]), device }));
        record
    }

    fn device(public_key: PublicKey) -> BoundDevice {
        let [bound_at, proved_at, at] = [1_000, 2_000, 1_500].map(Timestamp::from_millis);
        BoundDevice { public_key, bound_at, proved_at, accepted: ChallengeStamp { at, random: 0x2a } }
    }

    const KEY: &str = "devicekey=43:AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE\n";
    const DEVICE: &str = "!device=125:1000 2000 1500.000000000000002a \
                          ES256.AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI.AwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwM\n";

    #[test]
    fn the_form_is_fixed() {
        let es256 = PublicKey::Es256 { x: [2; 32], y: [3; 32] };
        for (device, lines) in [(None, KEY.to_owned()), (Some(device(es256)), [KEY, DEVICE].concat())] {
            let record = record(device);
            let text = String::from_utf8(record.to_bytes()).unwrap();
            let (_, meta) = text.split_once('\n').unwrap();
            assert_eq!(meta, format!("{lines}\n"));
            assert_eq!(Record::from_bytes(text.as_bytes()), Ok(record));
        }
    }

    #[test]
    fn a_malformed_line_is_refused() {
        let text = String::from_utf8(record(Some(device(PublicKey::Es256 { x: [2; 32], y: [3; 32] }))).to_bytes());
        let text = text.unwrap();
        let table = [
            ("AQE\n", "AQF\n", "its line `devicekey` is malformed"),
            (KEY, "", "its line `!device` is malformed"),
            ("=125:1000 ", "=126:01000 ", "its line `!device` is malformed"),
            ("ES256", "ES384", "its line `!device` is malformed"),
            ("002a", "002A", "its line `!device` is malformed"),
            ("AwM\n", "AwN\n", "its line `!device` is malformed"),
            (DEVICE, &[DEVICE, DEVICE].concat(), "its line `!device` is repeated or out of order"),
            (DEVICE, &[DEVICE, KEY].concat(), "its line `devicekey` is repeated or out of order"),
        ];
        for (part, other, message) in table {
            assert!(text.contains(part), "{part}");
            let error = Record::from_bytes(text.replacen(part, other, 1).as_bytes()).unwrap_err();
            assert_eq!(error.to_string(), message, "{part} replaced by {other}");
        }
        for (modulus, exponent, is_sound) in
            [(255, 3, false), (256, 0, false), (256, 4, true), (512, 1, true), (513, 3, false), (256, 5, false)]
        {
            assert_eq!(PublicKey::rs256(&vec![1; modulus], &vec![1; exponent]).is_some(), is_sound);
        }
        assert!(PublicKey::rs256(&[0; 256], &[1, 0, 1]).is_none(), "a leading zero");
    }
}
