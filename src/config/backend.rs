//! The place of the records, and the form of what clients hold.

use std::{any::Any, sync::Arc};

use crate::{
    client::{ClientValue, Format, Opened, Refused},
    error::Error,
    memory::MemoryStore,
    store::{Created, Deleted, DynOwnerIndex, DynStore, Record, Secret, SessionId, SessionStore, StoreError, Token},
};

/// Reaches sessions.
#[derive(Clone)]
pub(crate) struct Backend {
    pub(crate) place: Place,
    format: Arc<dyn Format>,
}

/// The place of the records.
#[derive(Clone)]
pub(crate) enum Place {
    /// The memory of this process, which never waits and loses no reply.
    Memory(MemoryStore),
    Store(Arc<dyn DynStore>),
    /// Each client holds its own record.
    #[cfg_attr(not(feature = "secure-cookies"), allow(dead_code))] // Only a `CookieStore` makes it.
    Client,
}

impl Backend {
    pub(crate) fn records(store: impl SessionStore, format: Arc<dyn Format>) -> Self {
        let place = match (&store as &dyn Any).downcast_ref::<MemoryStore>() {
            Some(memory) => Place::Memory(memory.clone()),
            None => Place::Store(Arc::new(store)),
        };
        Self { place, format }
    }

    #[cfg(feature = "secure-cookies")]
    pub(crate) fn client_side(format: Arc<dyn Format>) -> Self {
        Self { place: Place::Client, format }
    }

    /// The same records behind another format. What is no record stays as it is: it has its own.
    #[cfg(feature = "secure-cookies")]
    pub(crate) fn format(&mut self, format: Arc<dyn Format>) {
        if !self.is_client_side() {
            self.format = format;
        }
    }

    /// Binds all that is written from now on to a cookie or header of this name.
    pub(crate) fn bind(&mut self, name: &str) {
        if let Some(format) = self.format.named(name) {
            self.format = format;
        }
    }

    /// Returns whether clients hold their whole sessions, so that each change has to be sent.
    pub(crate) fn is_client_side(&self) -> bool {
        matches!(self.place, Place::Client)
    }

    /// Returns whether nothing is ever waited for.
    pub(crate) fn is_immediate(&self) -> bool {
        !matches!(self.place, Place::Store(_))
    }

    pub(crate) fn fits(&self, len: usize) -> bool {
        self.format.fits(len)
    }

    /// Draws the token of a new session. Where clients hold the whole of it, its seal is its secret.
    pub(crate) fn new_token(&self) -> Token {
        let secret = if self.is_client_side() { Secret::none() } else { Secret::random() };
        Token::new(SessionId::random(), secret).hashed()
    }

    /// Opens a value. Its record is in the store, except that of a sealed session.
    pub(crate) fn open(&self, value: &[u8]) -> Result<Opened, Refused> {
        self.format.open(value)
    }

    /// Loads a record; `held` is the one that the client brought along, if clients hold theirs.
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
