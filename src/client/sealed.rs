//! Sessions that live in their cookies, sealed.

use std::{fmt, sync::Arc};

use smallvec::SmallVec;

use super::{ClientValue, Format, KeyAge, Opened, Refused};
use crate::{
    error::Error,
    keys::{Envelope, Keyring, Mode},
    store::{Credentials, Record, Secret, SessionId, Token},
};

mod base64url;

/// Name and value together, as browsers count them (RFC 6265bis section 5.7).
const MAX_PAIR: usize = 4096;

/// Keeps each session in its client's cookie, sealed, and nowhere else: for services without a server side of their own.
///
/// ```no_run
/// use cloakroom::{CookieStore, SessionLayer, keys::Keyring};
///
/// let layer = SessionLayer::cookie_store(CookieStore::new(Keyring::from_env("SESSION_KEYS")?));
/// # Ok::<_, cloakroom::keys::KeyError>(())
/// ```
///
/// Handlers see no difference. The cookie is sealed with AES-256-GCM-SIV (RFC 8452), whose random nonces stay safe at any volume.
/// The cookie's name is authenticated with it, and so are both deadlines, the owner and the label, which are inside: a copied
/// cookie dies on time. Its length can be seen, roughly that of the session. Nothing is compressed, and nothing is read that is
/// not authentic.
///
/// # Who seals
///
/// `aes-gcm-siv`, which is Rust alone; or, with the feature `aws-lc-rs`, that crate, which is C and assembly: it takes a quarter to a
/// half of the time, and a C compiler to build. Cookies of the one open with the other, so a fleet may have both. Either zeroes a
/// key when it is dropped; the keys that this mode derives for each cookie are zeroed by `aes-gcm-siv` only.
///
/// # What it cannot do
///
/// Nobody remembers a session but its client. This is so for every session in a cookie, whoever makes them:
///
/// | | with a store | here |
/// |---|---|---|
/// | `purge` | the session ends | the cookie is taken away; a copy of it opens the session until its deadline |
/// | `renew` | tokens from before are dead | a new cookie; copies of the one before open what they did. A planted cookie never becomes the victim's logged-in one, so fixation is no danger |
/// | two requests at once | both writes are kept, `update` counts right | the response that arrives last wins whole: the other's writes are undone, a login or a logout, too |
/// | [`SessionLayer::owners`](crate::SessionLayer::owners) | lists, "log out everywhere" | `None` |
/// | [`max_per_owner`](crate::SessionLayer::max_per_owner) | a limit | [`Error::is_unsupported`] |
/// | the size | 64 KiB by default | about 2,900 bytes of keys and values; more is [`Error::is_too_large`], and [`Error::key_sizes`] says what takes them |
/// | changes after the response's head | `save` stores them | [`Error::is_too_late`], `purge` as well |
/// | a use that pushes the idle deadline out | a write to the store | the cookie is sent again, over what another request may have written meanwhile |
///
/// [`owner_valid_from`](crate::SessionLayer::owner_valid_from) is the remedy against copies: it is asked at every load of a session with
/// an owner, so "log out everywhere" and a change of the password can be one time stored for each user. With
/// [`extend_on_change`](crate::LifetimeBuilder::extend_on_change) a mere use sends nothing.
///
/// Do not keep in it what its user may take back: a one-time code, a balance, a count of attempts. An old cookie is a valid one.
#[must_use]
pub struct CookieStore {
    keyring: Keyring,
    mode: Mode,
}

impl CookieStore {
    /// Seals sessions: only holders of the key can read or make them. Cookies under a key of the ring that is not the current one
    /// are accepted, and sealed again under the current one.
    pub fn new(keyring: impl Into<Keyring>) -> Self {
        Self { keyring: keyring.into(), mode: Mode::Sealed }
    }

    /// Signs sessions only (HMAC-SHA256, 128 bits): nobody else can make them, but whoever gets hold of a cookie reads all that is in
    /// the session, its user as well. Sealed cookies do not open here, nor these there.
    pub fn insecure_readable(keyring: impl Into<Keyring>) -> Self {
        Self { keyring: keyring.into(), mode: Mode::Readable }
    }

    /// For a cookie without a name: the layer names it.
    pub(crate) fn into_format(self) -> WholeSessions {
        WholeSessions::new(self.keyring, self.mode, "")
    }
}

/// Shows no key.
impl fmt::Debug for CookieStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CookieStore").field("keyring", &self.keyring).field("mode", &self.mode).finish()
    }
}

/// The whole session as what the client holds.
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
        Ok(ClientValue(value))
    }

    fn named(&self, name: &str) -> Option<Arc<dyn Format>> {
        (self.envelope.name() != name).then(|| Arc::new(Self::new(self.keyring.clone(), self.mode, name)) as _)
    }
}

impl WholeSessions {
    fn unseal(&self, value: &[u8]) -> Option<Opened> {
        // A small session never leaves the stack until its record is read.
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

/// Characters of a session without a key: an id of 16 bytes, four times of 8, three lengths and a count of 4.
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

    /// Later versions of the crate must read the formats that this one writes.
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
            let format = form(key).into_format().named("__Host-id").unwrap();
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
            let text = format.write(&token, &record).unwrap().0;
            assert!(format.fits(text.len()), "{}", text.len());
            assert!(!format.fits(SHORTEST - 1));
        }
    }
}
