//! The cookie jars of the crate `cookie`, which Actix Web and tower-cookies have.

use cookie::{Cookie, CookieJar, Key};

use super::FormatError;

/// The bytes of a jar's key: 32 for signatures, and 32 for encryption.
const KEY: usize = 64;

/// The kind of a jar, with its key.
#[derive(Clone)]
pub(super) enum Jar {
    Plain,
    Signed(Key),
    Private(Key),
}

impl Jar {
    pub(super) fn signed(key: &[u8]) -> Result<Self, FormatError> {
        read(key).map(Self::Signed)
    }

    pub(super) fn private(key: &[u8]) -> Result<Self, FormatError> {
        read(key).map(Self::Private)
    }

    /// Returns the bytes of the key, or nothing if there is none.
    pub(super) fn key(&self) -> &[u8] {
        match self {
            Self::Plain => &[],
            Self::Signed(key) | Self::Private(key) => key.master(),
        }
    }

    /// Opens the value of a cookie, percent-encoded or not. Returns `None` if it was not made with this key.
    pub(super) fn open(&self, name: &str, value: &[u8]) -> Option<String> {
        let text = decoded(value)?;
        let (jar, cookie) = (CookieJar::new(), Cookie::new(name.to_owned(), text));
        let opened = match self {
            Self::Plain => Some(cookie),
            Self::Signed(key) => jar.signed(key).verify(cookie),
            Self::Private(key) => jar.private(key).decrypt(cookie),
        };
        Some(opened?.value().to_owned())
    }

    /// Returns the value of a cookie with this text, percent-encoded.
    pub(super) fn seal(&self, name: &str, text: &str) -> String {
        let (mut jar, cookie) = (CookieJar::new(), Cookie::new(name.to_owned(), text.to_owned()));
        match self {
            Self::Plain => jar.add(cookie),
            Self::Signed(key) => jar.signed_mut(key).add(cookie),
            Self::Private(key) => jar.private_mut(key).add(cookie),
        }
        let sealed = jar.get(name).map(Cookie::value).unwrap_or_default();
        let line = Cookie::new("value", sealed).encoded().to_string();
        line.split_once('=').map(|(_, value)| value.to_owned()).unwrap_or_default()
    }
}

/// Returns the value of a cookie without its percent-encoding. A value has many spellings, and one such text.
pub(super) fn decoded(value: &[u8]) -> Option<String> {
    let line = format!("value={}", std::str::from_utf8(value).ok()?);
    Some(Cookie::parse_encoded(line).ok()?.value().to_owned())
}

/// Reads the bytes of a jar's master key. Longer ones are cut, as the jar does.
fn read(key: &[u8]) -> Result<Key, FormatError> {
    if key.len() < KEY || key.iter().all(|byte| key.first() == Some(byte)) {
        return Err(FormatError::Key { bytes: key.len() });
    }
    Key::try_from(key).map_err(|_| FormatError::Key { bytes: key.len() })
}

#[cfg(test)]
mod tests {
    use super::*;

    const VALUE: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    const SIGNED: &str = "CyizWiY2ui4TImxPXaMF7+KVYacc8rCVwj%2FyhcD5lMo%3Daaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    const PRIVATE: &str = "g4Q0JD4r4cKC+aJjVGWq6cMycb73KltreMZI99Zyp7+baaugxZ3i7iodbBw0Gpd2pHvXF3adaufd1q5MQ+ThinxKYT8ZtsCgOZxQEPtifrwPCIV+A0+qVvf3ryA%3D";

    fn key() -> Vec<u8> {
        (0..64).collect()
    }

    /// The published crates made these values.
    #[test]
    fn values_of_the_published_crates_are_opened_encoded_or_not() {
        let (signed, private) = (Jar::signed(&key()).unwrap(), Jar::private(&key()).unwrap());
        for (jar, value) in [(&signed, SIGNED), (&private, PRIVATE)] {
            let raw = value.replace("%2F", "/").replace("%3D", "=");
            for value in [value, &raw] {
                assert_eq!(jar.open("id", value.as_bytes()).as_deref(), Some(VALUE), "{value}");
            }
            let mut forged = raw.into_bytes();
            forged[7] ^= 1;
            assert_eq!(jar.open("id", &forged), None);
            assert_eq!(jar.open("id", b""), None);
            assert_eq!(jar.open("id", b"\xff"), None);
        }
        assert_eq!(private.open("other", PRIVATE.as_bytes()), None, "a private value is bound to its name");
        assert_eq!(signed.open("id", PRIVATE.as_bytes()), None);
        assert_eq!(signed.seal("id", VALUE), SIGNED);
    }

    #[test]
    fn what_is_sealed_opens_and_is_a_cookie_value() {
        let text = r#"{"user":"\"b;o, b\"","n":"%41 ä"}"#;
        for jar in [Jar::Plain, Jar::signed(&key()).unwrap(), Jar::private(&key()).unwrap()] {
            let value = jar.seal("id", text);
            assert_eq!(jar.open("id", value.as_bytes()).as_deref(), Some(text));
            assert!(value.bytes().all(|byte| byte.is_ascii_graphic() && !b"\",;\\".contains(&byte)), "{value}");
        }
    }

    #[test]
    fn a_key_that_is_short_or_a_placeholder_is_refused() {
        assert_eq!(Jar::signed(&key()[1..]).err(), Some(FormatError::Key { bytes: 63 }));
        assert_eq!(Jar::private(&[7; 64]).err(), Some(FormatError::Key { bytes: 64 }));
    }
}
