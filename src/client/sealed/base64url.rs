//! Base64url without padding (RFC 4648 section 5) for whole sessions. Each session has only one text.

use base64::Engine as _;

#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
mod engine {
    use std::sync::LazyLock;

    use base64::engine::{Simd, general_purpose::NO_PAD};

    /// Vectors make it four times as fast for a session of 1 KiB, and twice as fast for one of 100 bytes.
    pub(super) static ENGINE: LazyLock<Simd> = LazyLock::new(|| Simd::url_safe(NO_PAD));
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
mod engine {
    pub(super) use base64::engine::general_purpose::URL_SAFE_NO_PAD as ENGINE;
}

use self::engine::ENGINE;

pub(super) fn encode(bytes: &[u8]) -> String {
    ENGINE.encode(bytes)
}

/// Returns the number of bytes in a text of this length.
pub(super) const fn decoded_len(characters: usize) -> usize {
    characters / 4 * 3 + characters % 4 * 3 / 4
}

/// Fills `bytes`. Returns `None` for a text that [`encode`] does not make of this number of bytes.
pub(super) fn decode(text: &[u8], bytes: &mut [u8]) -> Option<()> {
    let length = ENGINE.decode_slice(text, bytes).ok()?;
    (length == bytes.len()).then_some(())
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    use super::*;

    fn decoded(text: &[u8]) -> Option<Vec<u8>> {
        let mut bytes = vec![0; decoded_len(text.len())];
        decode(text, &mut bytes).map(|()| bytes)
    }

    #[test]
    fn reads_back_every_length() {
        for length in (0_usize..=300).chain([1024, 3071, 3072]) {
            let bytes: Vec<u8> = (0..length).map(|at| (at * 151 + length).to_le_bytes()[0]).collect();
            let text = encode(&bytes);
            assert_eq!(text, URL_SAFE_NO_PAD.encode(&bytes));
            assert_eq!(decoded(text.as_bytes()), Some(bytes));
        }
    }

    /// A changed cookie must not stay valid.
    #[test]
    fn a_session_has_one_spelling() {
        for length in [96, 97, 98] {
            let text = encode(&vec![0xff; length]).into_bytes();
            for at in 0..text.len() {
                for byte in 0..=255 {
                    let mut other = text.clone();
                    other[at] = byte;
                    let read = decoded(&other);
                    assert!(
                        read.is_none_or(|bytes| encode(&bytes).into_bytes() == other),
                        "{byte} at {at} of {length}"
                    );
                }
            }
            for other in [&[&*text, b"="].concat(), &[&*text, b"\n"].concat(), &[b" ", &*text].concat()] {
                assert_eq!(decoded(other), None);
            }
        }
    }
}
