//! AES-256-GCM-SIV (RFC 8452), in one of two implementations. Each opens what the other has sealed.

#[cfg(feature = "aws-lc-rs")]
pub(super) use self::aws_lc::Siv;
#[cfg(not(feature = "aws-lc-rs"))]
pub(super) use self::rust_crypto::Siv;

#[cfg(feature = "aws-lc-rs")]
mod aws_lc;
// Tests build both implementations, to compare them.
#[cfg(any(test, not(feature = "aws-lc-rs")))]
mod rust_crypto;

pub(super) type Nonce = [u8; 12];
pub(super) type Tag = [u8; 16];

#[cfg(test)]
mod tests {
    use super::{Nonce, Tag};

    fn bytes(hex: &str) -> Vec<u8> {
        let digit = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
        (0..hex.len()).step_by(2).map(digit).collect()
    }

    fn array<const N: usize>(hex: &str) -> [u8; N] {
        bytes(hex).try_into().unwrap()
    }

    fn text(length: usize) -> Vec<u8> {
        (0..=255).cycle().take(length).collect()
    }

    /// RFC 8452 appendix C.2 and C.3: key, nonce, associated data, plaintext, ciphertext and tag.
    const TABLE: [[&str; 5]; 8] = [
        [
            "0100000000000000000000000000000000000000000000000000000000000000",
            "030000000000000000000000",
            "",
            "",
            "07f5f4169bbf55a8400cd47ea6fd400f",
        ],
        [
            "0100000000000000000000000000000000000000000000000000000000000000",
            "030000000000000000000000",
            "",
            "0100000000000000",
            "c2ef328e5c71c83b843122130f7364b761e0b97427e3df28",
        ],
        [
            "0100000000000000000000000000000000000000000000000000000000000000",
            "030000000000000000000000",
            "01",
            "0200000000000000",
            "1de22967237a813291213f267e3b452f02d01ae33e4ec854",
        ],
        [
            "0100000000000000000000000000000000000000000000000000000000000000",
            "030000000000000000000000",
            "010000000000000000000000",
            "02000000",
            "22b3f4cd1835e517741dfddccfa07fa4661b74cf",
        ],
        [
            "0100000000000000000000000000000000000000000000000000000000000000",
            "030000000000000000000000",
            "010000000000000000000000000000000200",
            "0300000000000000000000000000000004000000",
            "43dd0163cdb48f9fe3212bf61b201976067f342bb879ad976d8242acc188ab59cabfe307",
        ],
        [
            "0100000000000000000000000000000000000000000000000000000000000000",
            "030000000000000000000000",
            "0100000000000000000000000000000002000000",
            "030000000000000000000000000000000400",
            "462401724b5ce6588d5a54aae5375513a075cfcdf5042112aa29685c912fc2056543",
        ],
        // The counter wraps.
        [
            "0000000000000000000000000000000000000000000000000000000000000000",
            "000000000000000000000000",
            "",
            "000000000000000000000000000000004db923dc793ee6497c76dcc03a98e108",
            "f3f80f2cf0cb2dd9c5984fcda908456cc537703b5ba70324a6793a7bf218d3eaffffffff000000000000000000000000",
        ],
        [
            "0000000000000000000000000000000000000000000000000000000000000000",
            "000000000000000000000000",
            "",
            "eb3640277c7ffd1303c7a542d02d3e4c0000000000000000",
            "18ce4f0b8cb4d0cac65fea8f79257b20888e53e72299e56dffffffff000000000000000000000000",
        ],
    ];

    /// Makes the same tests for each implementation.
    macro_rules! implementation {
        ($module:ident) => {
            mod $module {
                use super::{super::$module::Siv, *};

                #[test]
                fn seals_what_the_rfc_seals() {
                    for [key, nonce, context, plain, sealed] in TABLE {
                        let (siv, nonce) = (Siv::new(&array(key)), array(nonce));
                        let (context, mut text) = (bytes(context), bytes(plain));
                        let tag = siv.seal(&nonce, &context, &mut text).unwrap();
                        assert_eq!([&text[..], &tag].concat(), bytes(sealed));
                        assert_eq!(siv.open(&nonce, &context, &mut text, &tag), Some(()));
                        assert_eq!(text, bytes(plain));
                    }
                }

                #[test]
                fn opens_nothing_else() {
                    let (key, nonce, context) = ([7; 32], [1; 12], *b"context");
                    let mut text = text(40);
                    let tag = Siv::new(&key).seal(&nonce, &context, &mut text).unwrap();
                    let opens = |key: [u8; 32], nonce: Nonce, context: &[u8], text: &[u8], tag: Tag| {
                        Siv::new(&key).open(&nonce, context, &mut text.to_vec(), &tag).is_some()
                    };
                    let mut other = text.clone();
                    other[39] ^= 1;
                    assert!(opens(key, nonce, &context, &text, tag));
                    assert!(!opens([8; 32], nonce, &context, &text, tag));
                    assert!(!opens(key, [2; 12], &context, &text, tag));
                    assert!(!opens(key, nonce, b"contexT", &text, tag));
                    assert!(!opens(key, nonce, &context, &other, tag));
                    assert!(!opens(key, nonce, &context, &text[..39], tag));
                    assert!(!opens(key, nonce, &context, &text, [0; 16]));
                }
            }
        };
    }

    #[cfg(feature = "aws-lc-rs")]
    implementation!(aws_lc);
    implementation!(rust_crypto);

    #[cfg(feature = "aws-lc-rs")]
    #[test]
    fn the_two_seal_alike() {
        let key = [9; 32];
        let (one, other) = (super::aws_lc::Siv::new(&key), super::rust_crypto::Siv::new(&key));
        for length in (0..300).chain([1024, 2900, 4096]) {
            let (nonce, context) = (array(&format!("{length:024x}")), text(length % 40));
            let (mut a, mut b) = (text(length), text(length));
            let tags = [one.seal(&nonce, &context, &mut a), other.seal(&nonce, &context, &mut b)].map(Option::unwrap);
            assert_eq!((&a, tags[0]), (&b, tags[1]), "{length}");
            assert_eq!(one.open(&nonce, &context, &mut b, &tags[1]), Some(()));
            assert_eq!(other.open(&nonce, &context, &mut a, &tags[0]), Some(()));
            assert_eq!((a, b), (text(length), text(length)));
        }
    }
}
