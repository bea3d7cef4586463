//! The place of the records, and the form of the values that clients hold.

use std::{
    any::{Any, type_name},
    sync::Arc,
};

use crate::{
    client::{ClientValue, Format, Opened, Refused},
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

    /// Sets the form of this store's tokens. Clients that hold their own records have a form already, which stays.
    pub(crate) fn set_tokens(&mut self, tokens: &Arc<dyn Format>) {
        if !self.is_client_side() {
            self.format = Arc::clone(tokens);
        }
    }

    /// Binds all values that are written from now on to a cookie or header of this name.
    pub(crate) fn bind(&mut self, name: &str) {
        if let Some(format) = self.format.named(name) {
            self.format = format;
        }
    }

    /// Returns true if clients hold their whole sessions, so that each change has to be sent to them.
    pub(crate) fn is_client_side(&self) -> bool {
        matches!(self.place, Place::Client)
    }

    /// Returns true if no call ever waits.
    pub(crate) fn is_immediate(&self) -> bool {
        !matches!(self.place, Place::Store(_))
    }

    /// Returns the store, or `None` if clients hold the records.
    pub(crate) fn as_store(&self) -> Option<&dyn DynStore> {
        match &self.place {
            Place::Memory(memory) => Some(memory),
            Place::Store(store) => Some(&**store),
            Place::Client => None,
        }
    }

    pub(crate) fn fits(&self, len: usize) -> bool {
        self.format.fits(len)
    }

    /// Draws the token of a new session. If clients hold the session, its seal stands for the secret.
    pub(crate) fn new_token(&self) -> Token {
        let secret = if self.is_client_side() { Secret::none() } else { Secret::random() };
        Token::new(SessionId::random(), secret).hashed()
    }

    /// Opens a value of a client. A store holds the record, unless the value is a sealed session.
    pub(crate) fn open(&self, value: &[u8]) -> Result<Opened, Refused> {
        self.format.open(value)
    }

    /// Loads a record. `held` is the record that the client sent, if clients hold their own.
    pub(crate) async fn load(&self, id: &SessionId, held: Option<Record>) -> Result<Option<Record>, StoreError> {
        match &self.place {
            Place::Memory(memory) => Ok(memory.find(id)),
            Place::Store(store) => store.load(id).await,
            Place::Client => Ok(held),
        }
    }

    pub(crate) async fn create(&self, id: &SessionId, record: &Record) -> Result<Created, StoreError> {
        match &self.place {
            Place::Memory(memory) => memory.add(id, record),
            Place::Store(store) => store.create(id, record).await,
            Place::Client => Ok(Created::Done),
        }
    }

    pub(crate) async fn delete(&self, id: &SessionId, base: Option<&Record>) -> Result<Deleted, StoreError> {
        match &self.place {
            Place::Memory(memory) => Ok(memory.end(id, base)),
            Place::Store(store) => store.delete(id, base).await,
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
            Place::Client => None,
        }
    }
}

/// Returns a type's name without its path and its parameters.
fn short_name(name: &'static str) -> &'static str {
    let name = name.split('<').next().unwrap_or(name);
    name.rsplit("::").next().unwrap_or(name)
}
