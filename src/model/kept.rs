//! What the store and the clients keep.

use std::{
    fmt,
    hash::{DefaultHasher, Hash, Hasher},
    sync::Arc,
};

use crate::{
    Credentials, Record, SessionId,
    token::{SecretHash, Token},
};

/// A record, and a fingerprint that stands for it wherever it is hashed.
#[derive(Clone, Debug)]
pub(super) struct Kept {
    pub(super) record: Arc<Record>,
    fingerprint: u64,
}

impl Kept {
    pub(super) fn of(record: Record) -> Self {
        let mut hasher = DefaultHasher::new();
        record.hash(&mut hasher);
        Self { record: Arc::new(record), fingerprint: hasher.finish() }
    }
}

impl PartialEq for Kept {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.record, &other.record) || self.record == other.record
    }
}

impl Eq for Kept {}

impl Hash for Kept {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.fingerprint.hash(state);
    }
}

/// A token as the client has it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Cookie {
    text: [u8; Token::LEN],
    pub(super) id: SessionId,
    pub(super) hash: SecretHash,
}

impl Cookie {
    pub(super) fn new(text: &str) -> Self {
        let token = Token::parse(text.as_bytes()).expect("the layer sends tokens that it can read");
        Self { text: text.as_bytes().try_into().unwrap(), id: token.id, hash: token.secret.hash() }
    }

    pub(super) fn of(token: &Token) -> Self {
        Self::new(&token.encode())
    }

    pub(super) fn as_str(&self) -> &str {
        std::str::from_utf8(&self.text).unwrap()
    }
}

impl Hash for Cookie {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.text.hash(state);
    }
}

/// For counterexamples: who drew id and secret, and as which of its draws.
impl fmt::Debug for Cookie {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The hash of the one secret that opens `record`.
pub(super) fn current(credentials: &Credentials) -> [u8; 32] {
    let mut bytes = Vec::new();
    credentials.write_to(&mut bytes);
    *bytes.first_chunk().unwrap()
}
