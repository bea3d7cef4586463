//! Sessions in sealed cookies.

use std::{fmt, sync::Arc};

use smallvec::SmallVec;

use super::{ClientValue, Format, KeyAge, Opened, Refused, Terms};
use crate::{
    error::Error,
    keys::{Envelope, Keyring, Mode},
    store::{Credentials, Record, Secret, SessionId, Token},
};

mod base64url;

/// The limit for the bytes of a cookie's name and value together (RFC 6265bis section 5.7).
const MAX_PAIR: usize = 4096;

/// Keeps each session in its client's cookie, sealed, for services that have no store.
///
/// ```no_run
/// use cloakroom::{CookieStore, SessionLayer, keys::Keyring};
///
/// let layer = SessionLayer::cookie_store(CookieStore::new(Keyring::from_env("SESSION_KEYS")?));
/// # Ok::<_, cloakroom::keys::KeyError>(())
/// ```
///
/// Handlers work as with a store. The cookie is sealed with AES-256-GCM-SIV (RFC 8452), whose random nonces stay safe
/// at any volume. The cookie contains both deadlines, the owner and the label, and is bound to its name, so a copied
/// cookie stops working on time. The length of the cookie shows roughly the size of the session. Nothing is compressed,
/// and nothing is read before it is authenticated.
///
/// # Implementations
///
/// The crate `aes-gcm-siv`, written in Rust, seals cookies. With the feature `aws-lc-rs`, the crate of this name does,
/// written in C and assembly: it takes a quarter to a half of the time, and needs a C compiler. Each opens the cookies
/// of the other, so a fleet may use both. Both zero a key when it is dropped. Only `aes-gcm-siv` zeroes the keys that
/// this mode derives for each cookie.
///
/// # Limits
///
/// Only the client has the session. These limits hold for all libraries that keep sessions in cookies:
///
/// | | with a store | here |
/// |---|---|---|
/// | `purge` | the session ends | the cookie is removed; a copy of it opens the session until its deadline |
/// | `renew` | older tokens open nothing | a new cookie; copies of the old one still open the old session. A planted cookie never becomes a logged-in one, so fixation is no danger |
/// | two requests at once | both writes are kept, `update` counts right | the response that arrives last wins: it undoes all writes of the other one, even a login or a logout |
/// | [`SessionLayer::owners`](crate::SessionLayer::owners) | lists, "log out everywhere" | `None` |
/// | [`max_per_owner`](crate::SessionLayer::max_per_owner) | a limit | [`Error::is_unsupported`] |
/// | the size | 64 KiB by default | about 2,900 bytes of keys and values; more is [`Error::is_too_large`], and [`Error::key_sizes`] lists the largest keys |
/// | changes after the response's head | `save` stores them | [`Error::is_too_late`], `purge` as well |
/// | a use that pushes the idle deadline out | a write to the store | the cookie is sent again, and may undo what another request wrote meanwhile |
///
/// [`owner_valid_from`](crate::SessionLayer::owner_valid_from) ends copied cookies. It is called at every load of a
/// session with an owner, so one time stored for each user is enough for "log out everywhere" and for a change of the
/// password. With [`extend_on_change`](crate::LifetimeBuilder::extend_on_change), a use that changes nothing sends no
/// cookie.
///
/// A user can send an old cookie again. So do not keep one-time codes, balances or counts of attempts in such a
/// session.
#[must_use]
pub struct CookieStore {
    keyring: Keyring,
    mode: Mode,
}

impl CookieStore {
    /// Makes a store that seals sessions: only holders of the key can read or make them. Cookies under an older key of
    /// the ring are accepted, and sealed again under the current key.
    pub fn new(keyring: impl Into<Keyring>) -> Self {
        Self { keyring: keyring.into(), mode: Mode::Sealed }
    }

    /// Makes a store that signs sessions without sealing them (HMAC-SHA256, 128 bits). Only holders of the key can make
    /// them, but everybody who has a cookie, including its user, can read the session in it.
    ///
    /// Sealed cookies do not open in this store, and its cookies do not open in a sealing one.
    pub fn insecure_readable(keyring: impl Into<Keyring>) -> Self {
        Self { keyring: keyring.into(), mode: Mode::Readable }
    }

    /// Returns the format, without a cookie's name. The layer sets the name.
    pub(crate) fn into_format(self) -> WholeSessions {
        WholeSessions::new(self.keyring, self.mode, "")
    }
}

/// Hides the keys.
impl fmt::Debug for CookieStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CookieStore").field("keyring", &self.keyring).field("mode", &self.mode).finish()
    }
}

/// Values that hold the whole session.
pub(crate) struct WholeSessions {
    keyring: Keyring,
    mode: Mode,
    envelope: Envelope,
}

impl WholeSessions {
    fn new(keyring: Keyring, mode: Mode, name: &str) -> Self {
        let envelope = Envelope::new(&keyring, mode, name);
        Self { keyring, mode, envelope }
    }
}

impl Format for WholeSessions {
    fn fits(&self, len: usize) -> bool {
        (SHORTEST..=MAX_PAIR).contains(&len)
    }

    fn open(&self, value: &[u8]) -> Result<Opened, Refused> {
        self.unseal(value).ok_or(Refused::Forged)
    }

    fn write(&self, token: &Token, record: &Record) -> Result<ClientValue, Error> {
        let value = self.seal(&token.id, record).unwrap_or_default();
        let bytes = self.envelope.name().len() + value.len();
        if bytes > MAX_PAIR || value.is_empty() {
            return Err(Error::cookie_too_large(bytes, record.state()));
        }
        Ok(ClientValue::Text(value))
    }

    fn bound(&self, terms: &Terms) -> Option<Arc<dyn Format>> {
        let name = &*terms.name;
        (self.envelope.name() != name).then(|| Arc::new(Self::new(self.keyring.clone(), self.mode, name)) as _)
    }
}

impl WholeSessions {
    fn unseal(&self, value: &[u8]) -> Option<Opened> {
        // A small session stays on the stack until its record is read.
        let mut bytes = SmallVec::<[u8; 256]>::from_elem(0, base64url::decoded_len(value.len()));
        base64url::decode(value, &mut bytes)?;
        let (payload, place) = self.envelope.unwrap(&mut bytes)?;
        let (id, body) = payload.split_first_chunk()?;
        let token = Token::new(SessionId::from_bytes(*id), Secret::none());
        let record = Record::from_body(body, no_credentials())?;
        Some(Opened { token, record: Some(record), key: KeyAge::at(place) })
    }

    fn seal(&self, id: &SessionId, record: &Record) -> Option<String> {
        let size = id.as_bytes().len() + record.body_len();
        let sealed = self.envelope.wrap(size, |payload| {
            payload.extend_from_slice(id.as_bytes());
            record.write_body(payload);
        })?;
        Some(base64url::encode(&sealed))
    }
}

/// The characters of a session without keys: an id of 16 bytes, four times of 8, three lengths and a count of 4.
const SHORTEST: usize = (Envelope::LEAST + 16 + 32 + 16) * 4 / 3;

/// Returns the credentials of a sealed session, which has no secret.
fn no_credentials() -> Credentials {
    Credentials::new(Secret::none().hash())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        keys::SecretKey,
        store::{State, Timestamp},
    };

    /// Later versions of the crate must read the formats that this version writes.
    #[test]
    fn the_formats_are_kept() {
        let table = [
            (
                CookieStore::new as fn(SecretKey) -> _,
                "AdEQ4-mhKTFuAkMgfcXie0dpMBhSFMxl2Araj5E2q9m6MazgexaNbozEcGFFDuprM2I4vgW7znfiBUzK6iFt5-aZ114HPP7xuARyND4daZGsp1kv4yFRsU_PP4EgYObMY2khhymO7JrB8lUxI6LinS4kKn6cIRU0tWlUTETBBjH7x_WN_SY",
            ),
            (
                CookieStore::insecure_readable,
                "AtEQ4-kFBQUFBQUFBQUFBQUFBQUFAFBcGKMBAAAAUFwYowEAAACsgh2jAQAA__________8DAAAAYWRh__________8CAAAABAAAAAkAAAANAAAAEgAAAGNhcnRbMSwyXXVzZXIiYWRhIk--MN9a08uLL1Gg_Q5XiYY",
            ),
        ];
        let (now, end) = (Timestamp::from_millis(1_800_000_000_000), Timestamp::from_millis(1_800_086_400_000));
        let state: State = [("cart", "[1,2]"), ("user", "\"ada\"")].into_iter().collect();
        let mut record = Record::new(no_credentials(), state, now, end);
        record.body_mut().rest.owner = Some("ada".into());
        let token = Token::new(SessionId::from_bytes([5; 16]), Secret::none());
        for (form, cookie) in table {
            let bytes: Vec<u8> = (1..=64).collect();
            let key = SecretKey::from_bytes(&bytes).unwrap();
            let format = form(key).into_format().bound(&Terms::named("__Host-id")).unwrap();
            let opened = format.open(cookie.as_bytes()).unwrap();
            assert_eq!(
                (opened.token, opened.record, opened.key),
                (token.clone(), Some(record.clone()), KeyAge::Current)
            );
        }
    }

    #[test]
    fn the_smallest_session_is_not_too_short() {
        let record = Record::new(no_credentials(), State::default(), Timestamp::default(), Timestamp::MAX);
        let token = Token::new(SessionId::random(), Secret::none());
        for form in [CookieStore::new, CookieStore::insecure_readable] {
            let format = form(SecretKey::generate()).into_format();
            let len = format.write(&token, &record).unwrap().as_bytes().len();
            assert!(format.fits(len), "{len}");
            assert!(!format.fits(SHORTEST - 1));
        }
    }
}
