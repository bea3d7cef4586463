//! The values that the store and the clients keep.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    fmt,
    hash::{DefaultHasher, Hash, Hasher},
    ops::Deref,
    rc::Rc,
    sync::Arc,
};

use crate::{
    SessionId,
    store::{Record, Secret, SecretHash, Standing, Timestamp, Token, dice},
};

/// A record, with a fingerprint by which it is hashed.
#[derive(Clone, Debug)]
pub(super) struct Kept(Arc<Print>);

#[derive(Debug)]
struct Print {
    record: Record,
    marks: Vec<u8>,
    fingerprint: u64,
}

impl Kept {
    pub(super) fn of(record: Record) -> Self {
        let mut hasher = DefaultHasher::new();
        record.hash(&mut hasher);
        let marks = marks(&record);
        Self(Arc::new(Print { record, marks, fingerprint: hasher.finish() }))
    }

    pub(super) fn record(&self) -> &Record {
        &self.0.record
    }

    /// Returns the marks in its state, sorted. A mark that is there twice counts twice.
    pub(super) fn marks(&self) -> &[u8] {
        &self.0.marks
    }

    /// Returns the nonce, the state and the first bytes of the current secret's hash, for counterexamples.
    pub(super) fn brief(&self) -> String {
        let state: Vec<_> = self.state().iter().map(|(key, raw)| format!("{key}={raw}")).collect();
        let current = &self.body().current.as_bytes()[..2];
        format!("[{:x} {} owner {:?} secret {current:02x?}]", self.nonce(), state.join(" "), self.owner())
    }

    pub(super) fn has_mark(&self, mark: u8) -> bool {
        self.marks().binary_search(&mark).is_ok()
    }
}

impl Deref for Kept {
    type Target = Record;

    fn deref(&self) -> &Record {
        &self.0.record
    }
}

/// Returns the marks. Every insert and update has a mark of its own: `k7` is mark 7, and `n` lists the marks of
/// updates.
fn marks(record: &Record) -> Vec<u8> {
    let mut marks: Vec<u8> = record.state().iter().filter_map(|(key, _)| key.strip_prefix('k')?.parse().ok()).collect();
    let updates = record.state().get("n").map(|raw| serde_json::from_str::<Vec<u8>>(raw).unwrap());
    marks.extend(updates.into_iter().flatten());
    marks.sort_unstable();
    marks
}

impl PartialEq for Kept {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || (self.0.fingerprint == other.0.fingerprint && self.0.record == other.0.record)
    }
}

impl Eq for Kept {}

impl Hash for Kept {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.fingerprint.hash(state);
    }
}

/// A token of a client.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Cookie {
    text: [u8; Token::LEN],
    pub(super) id: SessionId,
    pub(super) hash: SecretHash,
}

impl Cookie {
    pub(super) fn new(text: &str) -> Self {
        let token = Token::parse(text.as_bytes()).expect("the layer sends tokens that it can read");
        Self { text: text.as_bytes().try_into().unwrap(), id: token.id, hash: token.hash() }
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

/// Shows, for counterexamples, which request drew the id and the secret, and in which of its draws.
impl fmt::Debug for Cookie {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Returns the hashes of all secrets that the request with this number may draw.
pub(super) fn own_secrets(number: u8) -> Rc<BTreeSet<[u8; 32]>> {
    thread_local! {
        static KNOWN: RefCell<BTreeMap<u8, Rc<BTreeSet<[u8; 32]>>>> = RefCell::default();
    }
    let draw = || dice::with(number, || (0..64).map(|_| *Secret::random().hash().as_bytes()).collect());
    KNOWN.with_borrow_mut(|known| known.entry(number).or_insert_with(|| Rc::new(draw())).clone())
}

/// Returns the best standing of a request's tokens: of the one that it presented, and of those that it drew.
pub(super) fn standing(record: &Record, number: u8, cookie: Option<&Cookie>, now: Timestamp) -> Standing {
    let own = own_secrets(number);
    let is_own = |hash: &SecretHash| own.contains(hash.as_bytes()) || cookie.is_some_and(|cookie| cookie.hash == *hash);
    let body = record.body();
    let is_superseded = body.rest.superseded.iter().any(|old| is_own(&old.hash) && now < old.until);
    match is_own(&body.current) {
        true => Standing::Current,
        false if is_superseded => Standing::Superseded,
        false => Standing::Unknown,
    }
}
