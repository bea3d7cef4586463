//! Sessions that actix-session keeps in the cookie itself.

use std::{borrow::Cow, sync::Arc};

use sha2::{Digest as _, Sha256};

use super::{
    codec::{Codec, Content},
    jar::{self, Jar},
    records,
};
use crate::{
    client::{ClientValue, Format, KeyAge, Opened, Refused, Terms},
    error::Error,
    store::{Body, Parts, Record, Rest, Secret, SessionId, Timestamp, Token},
};

/// The limit for the bytes of a cookie's name and value together (RFC 6265bis section 5.7).
const MAX_PAIR: usize = 4096;

/// The form of the cookies.
#[derive(Clone)]
pub(super) struct ForeignCookies {
    jar: Jar,
    codec: Arc<dyn Codec>,
    until: Timestamp,
    /// `None` until a layer has them.
    terms: Option<Terms>,
}

impl ForeignCookies {
    pub(super) fn new(jar: Jar, codec: Arc<dyn Codec>, until: Timestamp) -> Self {
        Self { jar, codec, until, terms: None }
    }

    fn name(&self) -> &str {
        self.terms.as_ref().map_or("", |terms| &terms.name)
    }
}

impl Format for ForeignCookies {
    fn fits(&self, len: usize) -> bool {
        (1..=MAX_PAIR).contains(&len)
    }

    fn open(&self, value: &[u8]) -> Result<Opened, Refused> {
        let terms = self.terms.as_ref().ok_or(Refused::Malformed)?;
        let text = self.jar.open(&terms.name, value).ok_or(Refused::Forged)?;
        let Content { state, .. } = self.codec.read(text.as_bytes()).ok_or(Refused::Malformed)?;
        // The cookie names no id. Its content stands for one.
        let digest = Sha256::digest(text.as_bytes());
        let token =
            Token::new(SessionId::from_bytes(digest.first_chunk().copied().unwrap_or_default()), Secret::none());
        // It has no times either, so it counts as new. Only `until` ends it.
        let now = (terms.now)();
        let rest = Rest::of(Parts { owner: (terms.owner)(&state), ..Parts::default() });
        let record = Record::of(Body {
            state,
            current: token.hash(),
            created_at: now,
            last_used: now,
            expires_at: self.until,
            nonce: 0,
            rest,
        });
        Ok(Opened { token, record: Some(record), key: KeyAge::Current })
    }

    fn write(&self, _token: &Token, record: &Record) -> Result<ClientValue, Error> {
        let bytes = self.codec.write("", &Content { state: record.state().clone(), expires_at: None });
        let value = self.jar.seal(self.name(), std::str::from_utf8(&bytes).unwrap_or_default());
        let bytes = self.name().len() + value.len();
        if bytes > MAX_PAIR {
            Err(Error::cookie_too_large(bytes, record.state()))
        } else {
            Ok(ClientValue::Text(value))
        }
    }

    fn has_times(&self) -> bool {
        false
    }

    fn identity<'v>(&self, value: &'v [u8]) -> Option<Cow<'v, [u8]>> {
        match self.jar {
            Jar::Private(_) => jar::decoded(value).map(|text| Cow::Owned(text.into_bytes())),
            // The signatures of equal sessions are equal.
            Jar::Signed(_) | Jar::Plain => None,
        }
    }

    fn carries(&self, record: &Record) -> Result<(), Error> {
        records::carries(&*self.codec, self.terms.as_ref(), record)
    }

    fn bound(&self, terms: &Terms) -> Option<Arc<dyn Format>> {
        Some(Arc::new(Self { terms: Some(terms.clone()), ..self.clone() }))
    }
}
