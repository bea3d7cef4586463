//! Sessions of actix-session.

use std::{fmt, sync::Arc, time::SystemTime};

use super::{
    ByteStore, ForeignStore, FormatError,
    codec::{Codec, Content},
    cookies::ForeignCookies,
    jar::Jar,
    records::ForeignRecords,
    tokens::ForeignTokens,
    value,
};
use crate::store::State;

mod state;

/// The characters of a session key.
const KEY: usize = 64;

/// Reads and writes the sessions of actix-session, in its cookies and its stores.
///
/// ```no_run
/// use cloakroom::{CookieOptions, SessionLayer, formats::ActixSession};
/// # fn old() -> Result<impl cloakroom::formats::ByteStore, cloakroom::formats::FormatError> { Ok(cloakroom::testing::MemoryBytes::new()) }
///
/// # fn run(key: &[u8]) -> Result<(), Box<dyn std::error::Error>> {
/// // `key` is `Key::master` of the key that `SessionMiddleware` has.
/// let theirs = ActixSession::new(old()?, key)?;
/// let layer = SessionLayer::foreign(theirs).cookie(CookieOptions::builder().name("id").build()?);
/// # Ok(()) }
/// ```
///
/// | option | default | of actix-session |
/// |---|---|---|
/// | | a private cookie | `CookieContentSecurity::Private` |
/// | [`signed`](Self::signed) | | `CookieContentSecurity::Signed` |
/// | [`cache_keygen`](Self::cache_keygen) | the key itself | `RedisSessionStore::builder(..).cache_keygen(..)` |
/// | [`versioned`](Self::versioned) | the form of 0.6 to 0.11 | the form of later versions |
///
/// It reads every form, whichever it writes. 0.11 sees an empty session in the newer form, and overwrites it. So write the
/// newer form only when no such node is left.
///
/// [The module](super) says what the format cannot carry.
#[must_use]
pub struct ActixSession {
    store: Place,
    jar: Jar,
    codec: ActixCodec,
}

enum Place {
    Store(ForeignStore),
    Cookie(SystemTime),
}

impl ActixSession {
    /// Sessions in a store, whose keys are in private cookies. `key` is the master key of Actix Web's `Key`: 64 bytes.
    ///
    /// # Errors
    ///
    /// The key is too short, or repeats one byte.
    pub fn new(store: impl ByteStore, key: &[u8]) -> Result<Self, FormatError> {
        Ok(Self { store: Place::Store(Arc::new(store)), jar: Jar::private(key)?, codec: ActixCodec::default() })
    }

    /// Sessions of a `CookieSessionStore`, in private cookies.
    ///
    /// Such a cookie has no deadline: a copy of it opens the session for as long as a server accepts it. So this layer accepts
    /// none after `until`. Choose the day on which you end the move.
    ///
    /// # Errors
    ///
    /// The key is too short, or repeats one byte.
    pub fn in_cookie(key: &[u8], until: SystemTime) -> Result<Self, FormatError> {
        Ok(Self { store: Place::Cookie(until), jar: Jar::private(key)?, codec: ActixCodec::default() })
    }

    /// Reads and writes signed cookies instead of private ones.
    ///
    /// Sessions [in signed cookies](Self::in_cookie) that are equal have equal cookies, also if they are those of two users. So
    /// each request moves such a session on its own: the response that arrives last wins, and a purge does not end copies of the
    /// cookie.
    pub fn signed(mut self) -> Self {
        if let Jar::Private(key) = self.jar {
            self.jar = Jar::Signed(key);
        }
        self
    }

    /// Sets the function from a session's key to the key in the store. Default: the key itself.
    pub fn cache_keygen(mut self, make: impl Fn(&str) -> String + Send + Sync + 'static) -> Self {
        self.codec.address = Some(Arc::new(make));
        self
    }

    /// Writes records in the newer form, `{"v":1,"state":{..}}`. Default: the form of 0.6 to 0.11.
    ///
    /// A value that this form cannot carry is an error at the commit: a whole number beyond 64 bits, or a value that is nested
    /// more than 125 deep.
    pub fn versioned(mut self) -> Self {
        self.codec.is_versioned = true;
        self
    }
}

impl ActixSession {
    pub(crate) fn into_foreign(self) -> super::Foreign {
        let codec = Arc::new(self.codec);
        match self.store {
            Place::Store(store) => super::Foreign::Records(
                ForeignRecords::new(store, codec.clone(), &self.jar),
                Arc::new(ForeignTokens { jar: self.jar, codec, once: false, name: "".into() }),
            ),
            Place::Cookie(until) => {
                super::Foreign::Cookies(Arc::new(ForeignCookies::new(self.jar, codec, until.into())))
            }
        }
    }
}

/// Hides the keys.
impl fmt::Debug for ActixSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ActixSession").field("is_versioned", &self.codec.is_versioned).finish_non_exhaustive()
    }
}

type Address = dyn Fn(&str) -> String + Send + Sync;

#[derive(Clone, Default)]
struct ActixCodec {
    address: Option<Arc<Address>>,
    is_versioned: bool,
}

impl Codec for ActixCodec {
    fn name(&self) -> &'static str {
        "actix-session"
    }

    /// Returns 64 hexadecimal digits: actix-session's own keys are 64 letters and digits.
    fn key(&self, random: &[u8; 32]) -> String {
        random
            .iter()
            .flat_map(|byte| [byte >> 4, byte & 15])
            .filter_map(|digit| char::from_digit(digit.into(), 16))
            .collect()
    }

    fn is_key(&self, text: &str) -> bool {
        text.len() == KEY && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
    }

    fn address(&self, key: &str) -> String {
        self.address.as_ref().map_or_else(|| key.to_owned(), |make| make(key))
    }

    fn read(&self, bytes: &[u8]) -> Option<Content> {
        Some(Content { state: state::read(std::str::from_utf8(bytes).ok()?)?, expires_at: None })
    }

    fn write(&self, _key: &str, content: &Content) -> Vec<u8> {
        if self.is_versioned { state::versioned(&content.state) } else { state::legacy(&content.state) }.into_bytes()
    }

    /// The form of 0.6 to 0.11 has the text of each value.
    fn changed<'a>(&self, state: &'a State) -> Option<&'a str> {
        let mut entries = state.iter().filter(|_| self.is_versioned);
        entries.find(|(_, raw)| !value::is_kept(raw)).map(|(key, _)| key)
    }
}
