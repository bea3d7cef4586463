//! Tokens without a key.

use std::sync::Arc;

use super::{ClientValue, Format, KeyAge, Opened, Refused, Terms};
use crate::{
    error::Error,
    store::{Record, Token},
};

/// Tokens without a MAC.
pub(crate) struct PlainTokens;

impl Format for PlainTokens {
    fn fits(&self, len: usize) -> bool {
        len == Token::LEN
    }

    fn open(&self, value: &[u8]) -> Result<Opened, Refused> {
        let token = Token::parse(value).ok_or(Refused::Malformed)?;
        Ok(Opened { token, record: None, key: KeyAge::Current })
    }

    fn write(&self, token: &Token, _record: &Record) -> Result<ClientValue, Error> {
        Ok(ClientValue::Token(token.encoded()))
    }

    fn bound(&self, _terms: &Terms) -> Option<Arc<dyn Format>> {
        None
    }
}
