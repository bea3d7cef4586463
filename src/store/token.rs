//! The token that a client holds: a public id and a secret, as one cookie value.

use std::{fmt, str::FromStr};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use rand::Rng as _;
use serde::{Serialize, Serializer};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroize as _;

/// The random bytes of an id, and of a secret. OWASP asks for at least 64 bits.
const RANDOM: usize = 16;
/// The characters of 16 bytes in base64url without padding.
pub(crate) const HALF: usize = 22;

/// The public name of a session: 128 random bits, and the key of its record.
///
/// It opens nothing by itself, so it is safe in logs, in a "your devices" page and in admin tools. It stays the same
/// for a session's whole life in a store: a renewal replaces the secret, not the id. Its text is 22 characters of base64url.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId([u8; RANDOM]);

impl SessionId {
    /// Draws a new id from the thread's cryptographic generator.
    #[must_use]
    pub fn random() -> Self {
        Self(random())
    }

    /// Makes an id from its 16 bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; RANDOM]) -> Self {
        Self(bytes)
    }

    /// Returns the 16 bytes of this id.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; RANDOM] {
        &self.0
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = [0; HALF];
        encode(&self.0, &mut text);
        f.pad(std::str::from_utf8(&text).unwrap_or_default())
    }
}

impl fmt::Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SessionId({self})")
    }
}

impl FromStr for SessionId {
    type Err = ParseIdError;

    fn from_str(text: &str) -> Result<Self, ParseIdError> {
        decode(text.as_bytes()).map(Self).ok_or(ParseIdError(()))
    }
}

/// Writes its text.
impl Serialize for SessionId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A text is not a [`SessionId`]: not 22 characters of base64url.
#[derive(Clone, PartialEq, Eq)]
pub struct ParseIdError(());

impl fmt::Display for ParseIdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a session id: 22 characters of base64url are expected")
    }
}

crate::chain::debug_like_display!(ParseIdError);

impl std::error::Error for ParseIdError {}

/// The half of a token that only the client knows: 128 random bits.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Secret([u8; RANDOM]);

impl Secret {
    pub(crate) fn random() -> Self {
        Self(random())
    }

    /// Returns the placeholder of a sealed session, which has no secret: its seal opens it.
    pub(crate) const fn none() -> Self {
        Self([0; RANDOM])
    }

    pub(crate) fn hash(&self) -> SecretHash {
        if *self == Self::none() {
            return SecretHash::OF_NONE;
        }
        SecretHash(Sha256::digest(self.0).into())
    }
}

#[cfg(feature = "secure-cookies")]
impl Secret {
    pub(crate) fn as_bytes(&self) -> &[u8; RANDOM] {
        &self.0
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// The SHA-256 of a token's secret, which a store keeps instead of the secret.
///
/// Two hashes are compared in constant time.
#[derive(Clone, Copy, Eq)]
pub struct SecretHash([u8; 32]);

impl SecretHash {
    /// Makes a hash from its 32 bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Returns the 32 bytes of this hash.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl SecretHash {
    /// The hash of [`Secret::none`], computed in advance for the opening of sealed sessions.
    pub(crate) const OF_NONE: Self = Self([
        0x37, 0x47, 0x08, 0xff, 0xf7, 0x71, 0x9d, 0xd5, 0x97, 0x9e, 0xc8, 0x75, 0xd5, 0x6c, 0xd2, 0x28, 0x6f, 0x6d,
        0x3c, 0xf7, 0xec, 0x31, 0x7a, 0x3b, 0x25, 0x63, 0x2a, 0xab, 0x28, 0xec, 0x37, 0xbb,
    ]);
}

impl PartialEq for SecretHash {
    fn eq(&self, other: &Self) -> bool {
        // The hashes are compared by words, because a comparison by bytes takes as long as the hash itself.
        let words = |bytes: &[u8; 32]| -> [u64; 4] {
            let mut words = [0; 4];
            words.iter_mut().zip(bytes.as_chunks().0).for_each(|(word, bytes)| *word = u64::from_le_bytes(*bytes));
            words
        };
        let difference = words(&self.0).iter().zip(words(&other.0)).fold(0, |all, (a, b)| all | (a ^ b));
        difference.ct_eq(&0).into()
    }
}

impl std::hash::Hash for SecretHash {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl fmt::Debug for SecretHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretHash(..)")
    }
}

/// A MAC over a token: 128 bits of HMAC-SHA256.
#[cfg(feature = "secure-cookies")]
pub(crate) type Mac = [u8; RANDOM];

/// The token that the client holds.
#[derive(Clone, Debug)]
pub(crate) struct Token {
    pub(crate) id: SessionId,
    pub(crate) secret: Secret,
    /// The secret's hash, if it was computed: that takes longer than the rest of a load.
    hash: Option<SecretHash>,
    /// The key of the session in another crate's store, of which the id and the secret are derived.
    #[cfg(feature = "formats")]
    foreign: Option<ForeignKey>,
}

/// The key of a session in another crate's store. There it is the whole token, so it is as secret as one.
#[cfg(feature = "formats")]
#[derive(Clone)]
struct ForeignKey(std::sync::Arc<zeroize::Zeroizing<String>>);

#[cfg(feature = "formats")]
impl fmt::Debug for ForeignKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ForeignKey(..)")
    }
}

impl PartialEq for Token {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id && self.secret == other.secret
    }
}

impl Eq for Token {}

impl Token {
    pub(crate) fn new(id: SessionId, secret: Secret) -> Self {
        Self {
            id,
            secret,
            hash: None,
            #[cfg(feature = "formats")]
            foreign: None,
        }
    }

    /// Makes the token of a session of another crate. The id tells nothing of the key.
    #[cfg(feature = "formats")]
    pub(crate) fn of_foreign(key: String) -> Self {
        let digest = Sha256::new_with_prefix("cloakroom: the token of a foreign key\0").chain_update(&key).finalize();
        let (id, secret) = digest.split_at(RANDOM);
        let half = |bytes: &[u8]| bytes.try_into().unwrap_or_default();
        let mut token = Self::new(SessionId(half(id)), Secret(half(secret)));
        token.foreign = Some(ForeignKey(std::sync::Arc::new(key.into())));
        token
    }

    /// Returns the key in another crate's store.
    #[cfg(feature = "formats")]
    pub(crate) fn foreign_key(&self) -> Option<&str> {
        self.foreign.as_ref().map(|key| key.0.as_str())
    }

    /// Draws both halves at once, because each draw has a price of its own.
    pub(crate) fn random() -> Self {
        let [id, secret] = random_parts();
        Self::new(SessionId(id), Secret(secret))
    }

    /// Makes a token of its bytes.
    pub(crate) fn from_bytes(id: SessionId, secret: [u8; RANDOM]) -> Self {
        Self::new(id, Secret(secret))
    }

    pub(crate) fn secret_bytes(&self) -> &[u8] {
        &self.secret.0
    }

    /// Returns the same token with the hash of its secret computed.
    pub(crate) fn hashed(mut self) -> Self {
        self.hash = Some(self.secret.hash());
        self
    }

    /// Returns the hash of the secret.
    pub(crate) fn hash(&self) -> SecretHash {
        self.hash.unwrap_or_else(|| self.secret.hash())
    }

    /// The characters of a token: 22 of its id, then 22 of its secret.
    pub(crate) const LEN: usize = 2 * HALF;

    /// Reads a cookie's value. Returns `None` for anything that [`Token::encode`] did not write.
    pub(crate) fn parse(value: &[u8]) -> Option<Self> {
        let (id, secret) = decode_both(value.try_into().ok()?)?;
        Some(Self::new(SessionId(id), Secret(secret)))
    }

    /// Returns the token's text, which is ASCII.
    pub(crate) fn encoded(&self) -> [u8; Self::LEN] {
        let mut text = [0; Self::LEN];
        self.encode_to(&mut text);
        text
    }

    #[cfg(test)]
    pub(crate) fn encode(&self) -> String {
        owned(&mut self.encoded())
    }

    /// Returns the token's text, followed by its MAC.
    #[cfg(feature = "secure-cookies")]
    pub(crate) fn encode_signed(&self, mac: &Mac) -> String {
        let mut text = [0; Self::LEN + HALF];
        let (token, end) = text.split_at_mut(Self::LEN);
        self.encode_to(token);
        encode(mac, end);
        owned(&mut text)
    }

    fn encode_to(&self, text: &mut [u8]) {
        let mut bytes = both(&self.id.0, &self.secret.0);
        let written = URL_SAFE_NO_PAD.encode_slice(bytes.as_slice(), text);
        debug_assert_eq!(written, Ok(Self::LEN));
        bytes.zeroize();
    }
}

/// Draws the number of a write. 0 stands for none.
pub(crate) fn random_nonce() -> u64 {
    // The model runs requests again, and must then draw the same numbers.
    #[cfg(test)]
    if let Some(bytes) = crate::store::dice::roll() {
        return u64::from_le_bytes(bytes).max(1);
    }
    rand::rng().next_u64().max(1)
}

pub(crate) fn random<const N: usize>() -> [u8; N] {
    let [bytes] = random_parts();
    bytes
}

fn random_parts<const N: usize, const PARTS: usize>() -> [[u8; N]; PARTS] {
    // The model runs requests again, and must then draw the same numbers.
    #[cfg(test)]
    if let Some(bytes) = crate::store::dice::roll() {
        return [bytes; PARTS];
    }
    let mut parts = [[0; N]; PARTS];
    rand::rng().fill_bytes(parts.as_flattened_mut());
    parts
}

/// The bytes of both halves, decoded together because that takes less time. The second half begins in the middle of a
/// byte.
const BOTH: usize = 33;

/// Copies a text that was encoded on the stack, and clears the stack.
#[cfg(any(test, feature = "secure-cookies"))]
fn owned(text: &mut [u8]) -> String {
    let value = std::str::from_utf8(text).unwrap_or_default().to_owned();
    text.zeroize();
    value
}

/// Returns both halves of a token, to be encoded.
fn both(id: &[u8; RANDOM], secret: &[u8; RANDOM]) -> [u8; BOTH] {
    let mut bytes = [0; BOTH];
    let secret = u128::from_be_bytes(*secret);
    let (first, second) = bytes.split_at_mut(RANDOM);
    first.copy_from_slice(id);
    if let Some((second, [last])) = second.split_first_chunk_mut() {
        *second = (secret >> 4).to_be_bytes();
        [.., *last] = (secret << 4).to_be_bytes();
    }
    bytes
}

/// Decodes both halves, as strictly as [`decode`].
fn decode_both(text: &[u8; Token::LEN]) -> Option<([u8; RANDOM], [u8; RANDOM])> {
    let mut bytes = [0; BOTH];
    URL_SAFE_NO_PAD.decode_slice(text, &mut bytes).ok()?;
    let (id, secret) = bytes.split_first_chunk()?;
    let (secret, [last]) = secret.split_first_chunk()? else { return None };
    let is_canonical = secret[0] >> 4 == 0 && last << 4 == 0;
    let secret = u128::from_be_bytes(*secret) << 4 | u128::from(last >> 4);
    is_canonical.then(|| (*id, secret.to_be_bytes()))
}

fn encode(bytes: &[u8; RANDOM], text: &mut [u8]) {
    // All callers bring 22 characters, the length of 16 bytes.
    let written = URL_SAFE_NO_PAD.encode_slice(bytes, text);
    debug_assert_eq!(written, Ok(HALF));
}

/// Decodes exactly 22 characters of the url-safe alphabet. Refuses padding and stray bits in the last character, so
/// that a token has only one text.
pub(crate) fn decode(text: &[u8]) -> Option<[u8; RANDOM]> {
    let mut bytes = [0; RANDOM];
    let read = URL_SAFE_NO_PAD.decode_slice(text, &mut bytes).ok()?;
    (text.len() == HALF && read == RANDOM).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_has_one_spelling() {
        let token = Token::new(SessionId::random(), Secret::random());
        let text = token.encode();
        assert_eq!(text.len(), Token::LEN);
        assert_eq!(Token::parse(text.as_bytes()), Some(token.clone()));
        assert!(text.starts_with(&token.id.to_string()));

        let changed = |at: usize, byte: u8| {
            let mut bytes = text.clone().into_bytes();
            bytes[at] = byte;
            Token::parse(&bytes)
        };
        for byte in *b"=+/ %\"\0\xff" {
            for at in [3, HALF - 1, HALF, Token::LEN - 1] {
                assert_eq!(changed(at, byte), None, "{byte} at {at}");
            }
        }
        // The last character of a half carries 2 bits, so 4 of the 64 characters are canonical.
        for last in [HALF - 1, Token::LEN - 1] {
            assert_eq!((0..=255).filter(|byte| changed(last, *byte).is_some()).count(), 4, "{last}");
        }
        for other in [&text[1..], &format!("{text}A"), "", &text[..22]] {
            assert_eq!(Token::parse(other.as_bytes()), None, "{other}");
        }
    }

    #[test]
    fn an_id_reads_back_and_a_secret_is_never_shown() {
        let token = Token::new(SessionId::random(), Secret::random());
        assert_eq!(token.id.to_string().parse(), Ok(token.id));
        assert!("short".parse::<SessionId>().is_err());
        let shown = format!("{token:?} {:?}", token.secret.hash());
        assert!(!shown.contains(&token.encode()[HALF..]), "{shown}");
        assert!(shown.contains("Secret(..)") && shown.contains("SecretHash(..)"), "{shown}");
    }

    #[cfg(feature = "formats")]
    #[test]
    fn a_foreign_key_is_never_shown() {
        let token = Token::of_foreign("a-foreign-key".to_owned());
        assert_eq!(token.foreign_key(), Some("a-foreign-key"));
        assert!(!format!("{token:?}").contains("a-foreign-key"));
    }

    #[test]
    fn the_hash_of_no_secret_is_its_hash() {
        assert_eq!(SecretHash::OF_NONE, SecretHash(Sha256::digest([0; RANDOM]).into()));
        assert_eq!(Secret::none().hash(), SecretHash::OF_NONE);
    }
}
