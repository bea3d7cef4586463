//! Sessions of tower-sessions 0.14 and 0.15.

use std::{fmt, sync::Arc};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use super::{
    ByteStore, Foreign, ForeignStore, FormatError,
    codec::{Codec, Content},
    jar::Jar,
    records::ForeignRecords,
    tokens::ForeignTokens,
    value,
};
use crate::store::{State, token};

mod record;

/// Reads and writes the sessions of tower-sessions, in its cookies and its stores.
///
/// ```no_run
/// use cloakroom::{CookieOptions, SessionLayer, formats::TowerSessions};
/// # fn old() -> impl cloakroom::formats::ByteStore { cloakroom::testing::MemoryBytes::new() }
///
/// # fn run() -> Result<(), Box<dyn std::error::Error>> {
/// let theirs = TowerSessions::new(old());
/// let layer = SessionLayer::foreign(theirs).cookie(CookieOptions::builder().name("id").build()?);
/// # Ok(()) }
/// ```
///
/// | option | default | of tower-sessions |
/// |---|---|---|
/// | | a plain cookie | `SessionManagerLayer::new(..)` |
/// | [`signed`](Self::signed) | | `.with_signed(key)` |
/// | [`private`](Self::private) | | `.with_private(key)` |
/// | [`accept_once`](Self::accept_once) | no | |
///
/// A value that its records cannot carry is an error at the commit: a whole number beyond 64 bits, or a value that is nested more
/// than 125 deep.
///
/// [The module](super) says what the format cannot carry.
#[derive(Clone)]
#[must_use]
pub struct TowerSessions {
    store: ForeignStore,
    jar: Jar,
    once: bool,
}

impl TowerSessions {
    /// Sessions in a store, whose ids are in plain cookies.
    pub fn new(store: impl ByteStore) -> Self {
        Self { store: Arc::new(store), jar: Jar::Plain, once: false }
    }

    /// Reads and writes signed cookies. `key` is the master key of the `Key` that `with_signed` has: 64 bytes.
    ///
    /// # Errors
    ///
    /// The key is too short, or repeats one byte.
    pub fn signed(self, key: &[u8]) -> Result<Self, FormatError> {
        Ok(Self { jar: Jar::signed(key)?, ..self })
    }

    /// Reads and writes private cookies. `key` is the master key of the `Key` that `with_private` has: 64 bytes.
    ///
    /// # Errors
    ///
    /// The key is too short, or repeats one byte.
    pub fn private(self, key: &[u8]) -> Result<Self, FormatError> {
        Ok(Self { jar: Jar::private(key)?, ..self })
    }

    /// Accepts each token once. Default: until the new session is renewed.
    ///
    /// A token of tower-sessions is the id of its record, so each reader of the store or of a log has it. With this option,
    /// the first request that uses a session moves it, and renews it in the same step: the old token opens nothing from then
    /// on. It needs a layer that is [`moving`](crate::SessionLayer::moving).
    pub fn accept_once(self) -> Self {
        Self { once: true, ..self }
    }
}

impl TowerSessions {
    pub(crate) fn into_foreign(self) -> Foreign {
        let Self { store, jar, once } = self;
        let codec = Arc::new(TowerCodec);
        let records = ForeignRecords::new(store, codec.clone(), &jar);
        Foreign::Records(records, Arc::new(ForeignTokens { jar, codec, once, name: "".into() }))
    }
}

/// Hides the keys.
impl fmt::Debug for TowerSessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TowerSessions").field("once", &self.once).finish_non_exhaustive()
    }
}

struct TowerCodec;

impl Codec for TowerCodec {
    fn name(&self) -> &'static str {
        "tower-sessions"
    }

    fn key(&self, random: &[u8; 32]) -> String {
        URL_SAFE_NO_PAD.encode(random.first_chunk::<16>().copied().unwrap_or_default())
    }

    fn is_key(&self, text: &str) -> bool {
        token::decode(text.as_bytes()).is_some()
    }

    fn address(&self, key: &str) -> String {
        key.to_owned()
    }

    fn read(&self, bytes: &[u8]) -> Option<Content> {
        record::read(bytes)
    }

    fn write(&self, key: &str, content: &Content) -> Vec<u8> {
        // The cookie has the number in little-endian bytes.
        let id = i128::from_le_bytes(token::decode(key.as_bytes()).unwrap_or_default());
        record::write(id, content)
    }

    fn changed<'a>(&self, state: &'a State) -> Option<&'a str> {
        state.iter().find(|(_, raw)| !value::is_kept(raw)).map(|(key, _)| key)
    }
}
