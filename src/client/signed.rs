//! Tokens with a MAC: a forged token is found without a call of the store.

use std::sync::Arc;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use super::{ClientValue, Format, KeyAge, Opened, Refused, Terms};
use crate::{
    error::Error,
    keys::{Keyring, Purpose, Ring, truncated},
    store::{Mac, Record, Token, token},
};

/// A token, followed by its MAC in 22 characters.
pub(crate) struct SignedTokens {
    keyring: Keyring,
    name: Box<str>,
    macs: Ring<Hmac<Sha256>>,
}

impl SignedTokens {
    /// Makes the format for a cookie or header of this name.
    pub(crate) fn new(keyring: Keyring, name: &str) -> Self {
        let macs = keyring.map(|key| Hmac::new((&*key.derive::<64>(Purpose::Token, name)).into()));
        Self { keyring, name: name.into(), macs }
    }
}

impl Format for SignedTokens {
    fn fits(&self, len: usize) -> bool {
        len == Token::LEN + token::HALF
    }

    fn open(&self, value: &[u8]) -> Result<Opened, Refused> {
        let (token, mac) = read(value).ok_or(Refused::Malformed)?;
        // Each comparison takes constant time.
        let opens = |key: &_| feed(key, &token).verify_truncated_left(&mac).ok();
        let ((), place) = self.macs.find(opens).ok_or(Refused::Forged)?;
        Ok(Opened { token, record: None, key: KeyAge::at(place) })
    }

    fn write(&self, token: &Token, _record: &Record) -> Result<ClientValue, Error> {
        Ok(ClientValue::Text(token.encode_signed(&truncated(feed(&self.macs.current, token)))))
    }

    fn bound(&self, terms: &Terms) -> Option<Arc<dyn Format>> {
        (self.name != terms.name).then(|| Arc::new(Self::new(self.keyring.clone(), &terms.name)) as _)
    }
}

fn read(value: &[u8]) -> Option<(Token, Mac)> {
    let (token, mac) = value.split_at_checked(Token::LEN)?;
    Some((Token::parse(token)?, token::decode(mac)?))
}

fn feed(mac: &Hmac<Sha256>, token: &Token) -> Hmac<Sha256> {
    mac.clone().chain_update(token.id.as_bytes()).chain_update(token.secret.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        keys::SecretKey,
        store::{Credentials, State, Timestamp},
    };

    /// Later versions of the crate must read the format that this version writes.
    #[test]
    fn the_format_is_kept() {
        const TEXT: &str = "AAECAwQFBgcICQoLDA0ODwAQIDBAUGBwgJCgsMDQ4PEAS9roPVj-sXW2k-_e7xRD1g";
        let bytes: Vec<u8> = (1..=64).collect();
        let tokens = SignedTokens::new(SecretKey::from_bytes(&bytes).unwrap().into(), "__Host-id");
        let token = Token::parse(b"AAECAwQFBgcICQoLDA0ODwAQIDBAUGBwgJCgsMDQ4PEA").unwrap();
        let record =
            Record::new(Credentials::new(token.hash()), State::default(), Timestamp::default(), Timestamp::default());
        assert_eq!(tokens.write(&token, &record).unwrap(), ClientValue::Text(TEXT.to_owned()));
        let opened = tokens.open(TEXT.as_bytes()).unwrap();
        assert_eq!((opened.token, opened.key), (token, KeyAge::Current));
    }
}
