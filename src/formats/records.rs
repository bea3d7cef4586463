//! Records of another crate, in their store.

use std::{sync::Arc, time::Duration};

use sha2::{Digest as _, Sha256};

use super::{
    byte_store::{DynByteStore, Stored},
    codec::{Codec, Content},
    jar::Jar,
    marker::{self, Marker},
};
use crate::{
    client::Terms,
    error::Error,
    store::{
        Body, Created, Credentials, Deleted, DynOwnerIndex, DynStore, Parts, Record, Replaced, Reply, Rest, SessionId,
        StoreError, Timestamp, Token, random,
    },
};

/// The shortest time for which a store keeps a record.
const LEAST: Duration = Duration::from_millis(1);

/// The number of renewals that a purge follows, and of writers that may be faster than it.
const FOLLOWED: u32 = 64;

/// The records of another crate.
pub(crate) struct ForeignRecords {
    store: Arc<dyn DynByteStore>,
    codec: Arc<dyn Codec>,
    /// Keeps a client that has an old key and sees its marker from deriving the new key.
    secret: [u8; 32],
    /// `None` until a layer has them.
    terms: Option<Terms>,
}

impl ForeignRecords {
    pub(super) fn new(store: Arc<dyn DynByteStore>, codec: Arc<dyn Codec>, jar: &Jar) -> Self {
        let secret = Sha256::new_with_prefix("cloakroom: renewals\0").chain_update(jar.key()).finalize().into();
        Self { store, codec, secret, terms: None }
    }

    /// Returns the same records for a layer with these terms.
    pub(crate) fn bound(&self, terms: &Terms) -> Self {
        let (store, codec, secret) = (Arc::clone(&self.store), Arc::clone(&self.codec), self.secret);
        Self { store, codec, secret, terms: Some(terms.clone()) }
    }

    /// Draws the token of a new session.
    pub(crate) fn new_token(&self) -> Token {
        self.token_of(&random())
    }

    /// Derives a token from one of ours. It is as secret as that one.
    pub(crate) fn derived(&self, token: &Token) -> Token {
        let label = Sha256::new_with_prefix("cloakroom: a foreign key\0");
        self.token_of(&label.chain_update(token.id.as_bytes()).chain_update(token.secret_bytes()).finalize().into())
    }

    /// Derives the token of a renewed session from its old one and the nonce of the marker that the old record becomes. So a purge
    /// with the old token ends the renewed session, too.
    pub(crate) fn renewed(&self, old: &Token, nonce: u64) -> Token {
        let old = Sha256::new_with_prefix("cloakroom: a renewed key\0")
            .chain_update(self.secret)
            .chain_update(old.id.as_bytes())
            .chain_update(old.secret_bytes());
        self.token_of(&old.chain_update(nonce.to_le_bytes()).finalize().into())
    }

    /// Deletes the record of a token, and that of the session which it has become by renewals.
    pub(crate) async fn end(self: &Arc<Self>, token: &Token) -> Result<Deleted, StoreError> {
        let (mut token, mut markers, mut found) = (token.clone(), Vec::new(), None);
        for _ in 0..FOLLOWED {
            let Some(store) = self.at(&token) else { break };
            let record = match found.take() {
                Some(record) => record,
                None => match or_unreadable(store.load(&token.id).await)? {
                    Some(record) => record,
                    // It may be unreadable.
                    None => {
                        markers.push(store);
                        break;
                    }
                },
            };
            let next = self.renewed(&token, record.nonce());
            if next.hash() == record.body().current {
                markers.push(store);
                token = next;
                continue;
            }
            match store.delete(&token.id, Some(&record)).await? {
                Deleted::Changed(newer) => found = Some(newer),
                Deleted::Done | Deleted::Gone => break,
            }
        }
        for marker in markers {
            marker.delete(&token.id, None).await?;
        }
        Ok(Deleted::Done)
    }

    fn token_of(&self, bytes: &[u8; 32]) -> Token {
        Token::of_foreign(self.codec.key(bytes)).hashed()
    }

    /// Returns the place of the record of this token, or `None` if it is no token of these records.
    pub(crate) fn at(self: &Arc<Self>, token: &Token) -> Option<Arc<dyn DynStore>> {
        let address = self.codec.address(token.foreign_key()?);
        Some(Arc::new(Slot { records: Arc::clone(self), address, token: token.clone().hashed() }))
    }

    /// Fails if a session has something that these records cannot carry.
    pub(crate) fn carries(&self, record: &Record) -> Result<(), Error> {
        if record.state().contains_key(marker::KEY) {
            return Err(Error::not_carried(self.codec.name(), "the key `cloakroom`, which is that of its markers"));
        }
        carries(&*self.codec, self.terms.as_ref(), record)
    }
}

fn or_unreadable(found: Result<Option<Record>, StoreError>) -> Result<Option<Record>, StoreError> {
    match found {
        Err(error) if error.is_undecodable() => Ok(None),
        found => found,
    }
}

/// Fails if a session has something that the format cannot carry.
pub(super) fn carries(codec: &dyn Codec, terms: Option<&Terms>, record: &Record) -> Result<(), Error> {
    let rest = &record.body().rest;
    let owner = terms.and_then(|terms| (terms.owner)(record.state()));
    let part = if rest.owner != owner {
        "an owner, except under the layer's `owner_key`"
    } else if rest.label.is_some() {
        "a label"
    } else if rest.lifetime.is_some() {
        "a lifetime of its own"
    } else if rest.admitted.is_some() {
        "the value of `owner_valid_from`"
    } else if let Some(key) = codec.changed(record.state()) {
        return Err(Error::not_carried(codec.name(), &format!("the value under `{key}`")));
    } else {
        return Ok(());
    };
    Err(Error::not_carried(codec.name(), part))
}

/// The place of one session's record. It is a store with one id.
struct Slot {
    records: Arc<ForeignRecords>,
    address: String,
    token: Token,
}

impl Slot {
    fn now(&self) -> Timestamp {
        self.records.terms.as_ref().map(|terms| (terms.now)()).unwrap_or_default()
    }

    /// Reads a record. One that has another form is none, as for its own crate.
    fn read(&self, stored: Stored) -> Option<Record> {
        let Some(Content { state, expires_at }) = self.records.codec.read(&stored.bytes) else {
            tracing::warn!(id = %self.token.id, format = self.records.codec.name(), "session record unreadable");
            return None;
        };
        let (now, terms) = (self.now(), self.records.terms.as_ref());
        let expires_at = expires_at.or_else(|| Some(now.plus(stored.ttl?))).unwrap_or(Timestamp::MAX);
        // The last use stands for the creation, too, of which the record says nothing.
        let used = terms.map_or(now, |terms| now.min(expires_at.minus(terms.idle)));
        let (state, marker) = marker::take(state);
        let digest = Sha256::digest(&stored.bytes);
        let nonce = digest.first_chunk().map(|bytes| u64::from_le_bytes(*bytes)).unwrap_or_default();
        let unmarked = || Marker { nonce, credentials: Credentials::new(self.token.hash()) };
        let Marker { nonce, credentials } = marker.unwrap_or_else(unmarked);
        let (current, superseded) = credentials.into_parts();
        let owner = terms.and_then(|terms| (terms.owner)(&state));
        let rest = Rest::of(Parts { superseded, owner, foreign: Some(stored.bytes.into()), ..Parts::default() });
        Some(Record::of(Body { state, current, created_at: used, last_used: used, expires_at, nonce, rest }))
    }

    fn write(&self, record: &Record) -> Stored {
        let is_own = record.body().current == self.token.hash();
        let state = if is_own { record.state().clone() } else { marker::marked(record) };
        let expires_at = Some(record.expires_at()).filter(|end| *end != Timestamp::MAX);
        let key = self.token.foreign_key().unwrap_or_default();
        Stored {
            bytes: self.records.codec.write(key, &Content { state, expires_at }),
            ttl: expires_at.map(|end| end.since(self.now()).max(LEAST)),
        }
    }

    /// Returns the bytes that the store has if it has this record.
    fn bytes(&self, base: &Record) -> Arc<[u8]> {
        base.body().rest.foreign.clone().unwrap_or_else(|| self.write(base).bytes.into())
    }
}

impl DynStore for Slot {
    fn load<'a>(&'a self, _id: &'a SessionId) -> Reply<'a, Option<Record>> {
        Box::pin(async { Ok(self.records.store.load(&self.address).await?.and_then(|stored| self.read(stored))) })
    }

    fn create<'a>(&'a self, _id: &'a SessionId, record: &'a Record) -> Reply<'a, Created> {
        Box::pin(async { self.records.store.create(&self.address, &self.write(record)).await })
    }

    fn replace<'a>(&'a self, _id: &'a SessionId, base: &'a Record, record: &'a Record) -> Reply<'a, Replaced> {
        Box::pin(async {
            let (base, record) = (self.bytes(base), self.write(record));
            Ok(match self.records.store.replace(&self.address, &base, &record).await? {
                Replaced::Done => Replaced::Done,
                Replaced::Changed(found) => self.read(found).map_or(Replaced::Gone, Replaced::Changed),
                Replaced::Gone => Replaced::Gone,
            })
        })
    }

    fn delete<'a>(&'a self, _id: &'a SessionId, base: Option<&'a Record>) -> Reply<'a, Deleted> {
        Box::pin(async move {
            let base = base.map(|base| self.bytes(base));
            Ok(match self.records.store.delete(&self.address, base.as_deref()).await? {
                Deleted::Done => Deleted::Done,
                Deleted::Changed(found) => self.read(found).map_or(Deleted::Gone, Deleted::Changed),
                Deleted::Gone => Deleted::Gone,
            })
        })
    }

    fn owner_index(&self) -> Option<&dyn DynOwnerIndex> {
        None
    }
}
