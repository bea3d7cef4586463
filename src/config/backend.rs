//! The place of the records, and the form of the values that clients hold.

use std::{
    any::{Any, type_name},
    borrow::Cow,
    ops::Deref,
    sync::Arc,
};

#[cfg(feature = "formats")]
use crate::formats::{Foreign, ForeignRecords};
use crate::{
    client::{ClientValue, Format, Opened, Refused, Terms},
    error::Error,
    memory::MemoryStore,
    store::{
        Created, Deleted, DynOwnerIndex, DynStore, Record, Secret, SessionId, SessionStore, StoreError, Token,
        queue::Queue,
    },
};

/// Reaches the sessions of one store, or those that clients hold.
#[derive(Clone)]
pub(crate) struct Backend {
    pub(crate) place: Place,
    format: Arc<dyn Format>,
    /// The queue of this process's writers that wait for each other. Clones of a layer share it.
    pub(crate) queue: Arc<Queue>,
    /// The name of the store, for logs.
    pub(crate) store: &'static str,
}

/// The place of the records.
#[derive(Clone)]
pub(crate) enum Place {
    /// The memory of this process. Its calls never wait, and never lose a reply.
    Memory(MemoryStore),
    Store(Arc<dyn DynStore>),
    /// A store of another crate. The token has the key of its record.
    #[cfg(feature = "formats")]
    Foreign(Arc<ForeignRecords>),
    /// Each client holds its own record.
    #[cfg_attr(not(feature = "secure-cookies"), allow(dead_code))] // Only a `CookieStore` makes it.
    Client,
}

impl Backend {
    pub(crate) fn records<S: SessionStore>(store: S, format: Arc<dyn Format>) -> Self {
        let place = match (&store as &dyn Any).downcast_ref::<MemoryStore>() {
            Some(memory) => Place::Memory(memory.clone()),
            None => Place::Store(Arc::new(store)),
        };
        Self { place, format, queue: Arc::default(), store: short_name(type_name::<S>()) }
    }

    #[cfg(feature = "secure-cookies")]
    pub(crate) fn client_side(format: Arc<dyn Format>) -> Self {
        Self { place: Place::Client, format, queue: Arc::default(), store: "CookieStore" }
    }

    #[cfg(feature = "formats")]
    pub(crate) fn foreign(foreign: Foreign, store: &'static str) -> Self {
        let (place, format) = match foreign {
            Foreign::Records(records, format) => (Place::Foreign(Arc::new(records)), format),
            Foreign::Cookies(format) => (Place::Client, format),
        };
        Self { place, format, queue: Arc::default(), store }
    }

    /// Sets the form of this store's tokens. Clients that hold their own records, and other crates, have a form already, which
    /// stays.
    pub(crate) fn set_tokens(&mut self, tokens: &Arc<dyn Format>) {
        if matches!(self.place, Place::Memory(_) | Place::Store(_)) {
            self.format = Arc::clone(tokens);
        }
    }

    /// Binds all values that are written from now on to the options of a layer.
    pub(crate) fn bind(&mut self, terms: &Terms) {
        if let Some(format) = self.format.bound(terms) {
            self.format = format;
        }
        #[cfg(feature = "formats")]
        if let Place::Foreign(records) = &self.place {
            self.place = Place::Foreign(Arc::new(records.bound(terms)));
        }
    }

    /// Returns true if clients hold their whole sessions, so that each change has to be sent to them.
    pub(crate) fn is_client_side(&self) -> bool {
        matches!(self.place, Place::Client)
    }

    /// Returns true if no call ever waits.
    pub(crate) fn is_immediate(&self) -> bool {
        matches!(self.place, Place::Memory(_) | Place::Client)
    }

    /// Returns true if its records are those of another crate, which have no place for a second token.
    #[cfg_attr(not(feature = "formats"), allow(clippy::unused_self))]
    pub(crate) fn is_foreign(&self) -> bool {
        #[cfg(feature = "formats")]
        return matches!(self.place, Place::Foreign(_));
        #[cfg(not(feature = "formats"))]
        false
    }

    /// Returns true if its records are in a store, and not in cookies.
    pub(crate) fn has_store(&self) -> bool {
        !self.is_client_side()
    }

    /// Returns the store of this token's record, or `None` if clients hold the records.
    #[cfg_attr(not(feature = "formats"), allow(unused_variables))]
    pub(crate) fn store_of(&self, token: &Token) -> Option<StoreRef<'_>> {
        match &self.place {
            Place::Memory(memory) => Some(StoreRef::Ours(memory)),
            Place::Store(store) => Some(StoreRef::Ours(&**store)),
            #[cfg(feature = "formats")]
            Place::Foreign(records) => records.at(token).map(StoreRef::Foreign),
            Place::Client => None,
        }
    }

    pub(crate) fn fits(&self, len: usize) -> bool {
        self.format.fits(len)
    }

    /// Returns the token that stands for one of ours here: itself, or a key of another crate that is derived from it.
    #[cfg_attr(not(feature = "formats"), allow(clippy::unused_self))]
    pub(crate) fn named(&self, token: &Token) -> Token {
        #[cfg(feature = "formats")]
        if let Place::Foreign(records) = &self.place {
            return records.derived(token);
        }
        token.clone()
    }

    /// Draws the token of a new session. If clients hold the session, its seal stands for the secret.
    pub(crate) fn new_token(&self) -> Token {
        #[cfg(feature = "formats")]
        if let Place::Foreign(records) = &self.place {
            return records.new_token();
        }
        let token =
            if self.is_client_side() { Token::new(SessionId::random(), Secret::none()) } else { Token::random() };
        token.hashed()
    }

    /// Returns the token that a renewal makes of this one. `marker` is the nonce of the record that takes the place of another
    /// crate's.
    #[cfg_attr(not(feature = "formats"), allow(clippy::unused_self, unused_variables))]
    pub(crate) fn renewed(&self, token: &Token, marker: u64) -> Token {
        #[cfg(feature = "formats")]
        if let Place::Foreign(records) = &self.place {
            return records.renewed(token, marker);
        }
        Token::new(token.id, Secret::random()).hashed()
    }

    /// Opens a value of a client. A store holds the record, unless the value is a sealed session.
    pub(crate) fn open(&self, value: &[u8]) -> Result<Opened, Refused> {
        self.format.open(value)
    }

    /// Loads a record. `held` is the record that the client sent, if clients hold their own.
    pub(crate) async fn load(&self, token: &Token, held: Option<Record>) -> Result<Option<Record>, StoreError> {
        match &self.place {
            Place::Memory(memory) => Ok(memory.find(&token.id)),
            Place::Store(store) => store.load(&token.id).await,
            #[cfg(feature = "formats")]
            Place::Foreign(records) => match records.at(token) {
                Some(store) => store.load(&token.id).await,
                None => Ok(None),
            },
            Place::Client => Ok(held),
        }
    }

    pub(crate) async fn create(&self, token: &Token, record: &Record) -> Result<Created, StoreError> {
        match &self.place {
            Place::Memory(memory) => memory.add(&token.id, record),
            Place::Store(store) => store.create(&token.id, record).await,
            #[cfg(feature = "formats")]
            Place::Foreign(records) => match records.at(token) {
                Some(store) => store.create(&token.id, record).await,
                None => Ok(Created::Taken),
            },
            Place::Client => Ok(Created::Done),
        }
    }

    pub(crate) async fn delete(&self, token: &Token, base: Option<&Record>) -> Result<Deleted, StoreError> {
        match &self.place {
            Place::Memory(memory) => Ok(memory.end(&token.id, base)),
            Place::Store(store) => store.delete(&token.id, base).await,
            #[cfg(feature = "formats")]
            Place::Foreign(records) => match (records.at(token), base) {
                (Some(store), Some(base)) => store.delete(&token.id, Some(base)).await,
                (Some(_), None) => records.end(token).await,
                (None, _) => Ok(Deleted::Gone),
            },
            Place::Client => Ok(Deleted::Done),
        }
    }

    pub(crate) fn write(&self, token: &Token, record: &Record) -> Result<ClientValue, Error> {
        self.format.write(token, record)
    }

    pub(crate) fn owner_index(&self) -> Option<&dyn DynOwnerIndex> {
        match &self.place {
            Place::Memory(memory) => SessionStore::owner_index(memory),
            Place::Store(store) => store.owner_index(),
            #[cfg(feature = "formats")]
            Place::Foreign(_) => None,
            Place::Client => None,
        }
    }

    /// Returns true if its records have the times of a session, so that a deadline can move on.
    pub(crate) fn has_times(&self) -> bool {
        self.format.has_times()
    }

    /// Returns the bytes that tell a client's value from all others, or `None` if two clients may hold equal values.
    pub(crate) fn identity<'v>(&self, value: &'v [u8]) -> Option<Cow<'v, [u8]>> {
        self.format.identity(value)
    }

    /// Fails if a session has something that the format of another crate cannot carry.
    pub(crate) fn carries(&self, record: &Record) -> Result<(), Error> {
        #[cfg(feature = "formats")]
        if let Place::Foreign(records) = &self.place {
            return records.carries(record);
        }
        self.format.carries(record)
    }
}

/// The store of one record.
pub(crate) enum StoreRef<'a> {
    Ours(&'a dyn DynStore),
    #[cfg(feature = "formats")]
    Foreign(Arc<dyn DynStore>),
}

impl<'a> Deref for StoreRef<'a> {
    type Target = dyn DynStore + 'a;

    fn deref(&self) -> &Self::Target {
        match self {
            Self::Ours(store) => *store,
            #[cfg(feature = "formats")]
            Self::Foreign(store) => &**store,
        }
    }
}

/// Returns a type's name without its path and its parameters.
fn short_name(name: &'static str) -> &'static str {
    let name = name.split('<').next().unwrap_or(name);
    name.rsplit("::").next().unwrap_or(name)
}
