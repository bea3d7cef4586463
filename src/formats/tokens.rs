//! Cookies with the keys of another crate's records.

use std::sync::Arc;

use super::{codec::Codec, jar::Jar};
use crate::{
    client::{ClientValue, Format, KeyAge, Opened, Refused, Terms},
    error::Error,
    store::{Record, Token},
};

/// The longest value: no key needs more, in any jar.
const LONGEST: usize = 1024;

/// The form of the cookies.
#[derive(Clone)]
pub(super) struct ForeignTokens {
    pub(super) jar: Jar,
    pub(super) codec: Arc<dyn Codec>,
    /// True if a token opens its session only until the session has moved.
    pub(super) once: bool,
    pub(super) name: Box<str>,
}

impl Format for ForeignTokens {
    fn fits(&self, len: usize) -> bool {
        match self.jar {
            Jar::Plain => len == self.codec.key(&[0; 32]).len(),
            Jar::Signed(_) | Jar::Private(_) => (1..=LONGEST).contains(&len),
        }
    }

    fn open(&self, value: &[u8]) -> Result<Opened, Refused> {
        let refused = if matches!(self.jar, Jar::Plain) { Refused::Malformed } else { Refused::Forged };
        let key = self.jar.open(&self.name, value).filter(|key| self.codec.is_key(key)).ok_or(refused)?;
        let age = if self.once { KeyAge::Once } else { KeyAge::Current };
        Ok(Opened { token: Token::of_foreign(key), record: None, key: age })
    }

    fn write(&self, token: &Token, _record: &Record) -> Result<ClientValue, Error> {
        Ok(ClientValue::Text(self.jar.seal(&self.name, token.foreign_key().unwrap_or_default())))
    }

    fn bound(&self, terms: &Terms) -> Option<Arc<dyn Format>> {
        (self.name != terms.name).then(|| Arc::new(Self { name: terms.name.clone(), ..self.clone() }) as _)
    }
}
