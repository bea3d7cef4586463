//! Fields of fixed width: numbers, times and hashes. Each value has only one text.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::store::{SUPERSEDED_MAX, SecretHash, Superseded, Timestamp, Trail};

/// The characters of a time.
pub(super) const TIME: usize = 15;
/// The characters of a hash.
pub(super) const HASH: usize = 43;
/// The characters of a nonce.
pub(super) const NONCE: usize = 16;

/// Writes a nonce in lower-case hexadecimal digits.
pub(super) fn hex(mut nonce: u64) -> [u8; NONCE] {
    let mut text = [0; NONCE];
    for digit in &mut text {
        nonce = nonce.rotate_left(4);
        let [nibble, ..] = (nonce & 0xf).to_le_bytes();
        *digit = nibble + if nibble < 10 { b'0' } else { b'a' - 10 };
    }
    text
}

pub(super) fn hex_from(text: &[u8; NONCE]) -> Option<u64> {
    let mut nonce = 0;
    for digit in text {
        let nibble = match digit {
            b'0'..=b'9' => digit - b'0',
            b'a'..=b'f' => digit - b'a' + 10,
            _ => return None,
        };
        nonce = nonce << 4 | u64::from(nibble);
    }
    Some(nonce)
}

pub(super) fn time(time: Timestamp) -> [u8; TIME] {
    let mut left = time.as_millis();
    let mut text = [0; TIME];
    for digit in text.iter_mut().rev() {
        let [value, ..] = (left % 10).to_le_bytes();
        *digit = b'0' + value;
        left /= 10;
    }
    text
}

pub(super) fn time_from(text: &[u8; TIME]) -> Option<Timestamp> {
    time_from_digits(text)
}

/// Reads milliseconds without leading zeros.
pub(super) fn short_time_from(text: &str) -> Option<Timestamp> {
    let has_one_spelling = text == "0" || !text.starts_with('0');
    let has_digits = (1..=TIME).contains(&text.len());
    (has_one_spelling && has_digits).then(|| time_from_digits(text.as_bytes()))?
}

/// Reads at most 15 digits, the length of [`Timestamp::MAX`].
fn time_from_digits(text: &[u8]) -> Option<Timestamp> {
    let mut millis = 0;
    let mut are_digits = true;
    for byte in text {
        let value = byte.wrapping_sub(b'0');
        are_digits &= value < 10;
        millis = millis * 10 + u64::from(value);
    }
    are_digits.then(|| Timestamp::from_millis(millis))
}

pub(super) fn hash(hash: &SecretHash) -> [u8; HASH] {
    let mut text = [0; HASH];
    let written = URL_SAFE_NO_PAD.encode_slice(hash.as_bytes(), &mut text);
    debug_assert_eq!(written, Ok(HASH));
    text
}

/// Reads a hash. Refuses padding and stray bits in the last character.
pub(super) fn hash_from(text: &[u8; HASH]) -> Option<SecretHash> {
    let mut bytes = [0; 32];
    let read = URL_SAFE_NO_PAD.decode_slice(text, &mut bytes).ok()?;
    (read == bytes.len()).then(|| SecretHash::from_bytes(bytes))
}

/// Reads four nonces.
pub(super) fn trail_from(text: &str) -> Option<Trail> {
    let (digits, []) = text.as_bytes().as_chunks() else { return None };
    let mut trail = Trail::default();
    if digits.len() != trail.len() {
        return None;
    }
    for (nonce, digits) in trail.iter_mut().zip(digits) {
        *nonce = hex_from(digits)?;
    }
    Some(trail)
}

/// Reads superseded secrets: each is a hash, a space and a time, and a comma separates two.
pub(super) fn superseded_from(text: &str) -> Option<Vec<Superseded>> {
    let mut superseded = Vec::with_capacity(SUPERSEDED_MAX);
    for part in text.split(',') {
        let (hash, rest) = part.as_bytes().split_first_chunk()?;
        let time = rest.strip_prefix(b" ")?.try_into().ok()?;
        superseded.push(Superseded { hash: hash_from(hash)?, until: time_from(time)? });
    }
    (superseded.len() <= SUPERSEDED_MAX).then_some(superseded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nonce_is_sixteen_lower_case_digits() {
        for (nonce, text) in [(0, b"0000000000000000"), (0x12ab, b"00000000000012ab"), (u64::MAX, b"ffffffffffffffff")]
        {
            assert_eq!(hex(nonce), *text);
            assert_eq!(hex_from(text), Some(nonce));
        }
        for text in [b"00000000000012AB", b"+000000000000001", b"000000000000000g"] {
            assert_eq!(hex_from(text), None);
        }
    }

    #[test]
    fn a_time_is_fifteen_digits() {
        for (millis, text) in [(0, b"000000000000000"), (1_700, b"000000000001700"), (u64::MAX, b"999999999999999")] {
            let at = Timestamp::from_millis(millis);
            assert_eq!(time(at), *text);
            assert_eq!(time_from(text), Some(at));
        }
        for text in [b"00000000000170 ", b"+00000000000001", b"00000000000000a", b"/:;<=>?@ABCDEFG"] {
            assert_eq!(time_from(text), None);
        }
    }

    #[test]
    fn a_short_time_has_no_leading_zero() {
        for (text, millis) in [("0", 0), ("10", 10), ("999999999999999", 999_999_999_999_999)] {
            assert_eq!(short_time_from(text), Some(Timestamp::from_millis(millis)));
        }
        for text in ["", "00", "01", "+1", "-1", "1a", " 1", "1000000000000000"] {
            assert_eq!(short_time_from(text), None, "{text}");
        }
    }

    #[test]
    fn a_hash_has_one_spelling() {
        let all = SecretHash::from_bytes([0xff; 32]);
        let text = hash(&all);
        assert_eq!(hash_from(&text), Some(all));
        // The last character carries 4 bits, so 16 of the 64 characters are canonical.
        let spelled = |last| {
            let mut text = text;
            text[HASH - 1] = last;
            hash_from(&text)
        };
        assert_eq!((0..=255).filter(|last| spelled(*last).is_some()).count(), 16);
    }
}
