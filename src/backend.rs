//! Between what a client holds and a session: opening the one, committing the other, and writing what the client holds
//! next. Below it are records in a store, or nothing where clients hold their whole sessions.

use std::{fmt, sync::Arc};

use crate::{
    changes::Changes,
    error::Error,
    owners::DynOwnerIndex,
    record::Record,
    store::{Created, DynStore, StoreError, Updated},
    time::Timestamp,
    token::{Secret, SessionId, Token},
};

/// How sessions are reached.
#[derive(Clone)]
pub(crate) struct Backend {
    /// Where the records are; `None` where each client holds its own.
    store: Option<Arc<dyn DynStore>>,
    format: Arc<dyn Format>,
}

/// How what a client holds is written and read: the whole of the difference between plain tokens, signed ones and sealed
/// sessions. It does no I/O.
pub(crate) trait Format: Send + Sync {
    /// Whether values of this length are ever written: all that is asked before somebody asks for the session.
    fn fits(&self, len: usize) -> bool;

    /// Opens a value.
    fn open(&self, value: &[u8]) -> Result<Opened, Refused>;

    /// Writes what the client gets for this session.
    fn write(&self, token: &Token, record: &Record) -> Result<Text, Error>;

    /// The same format for a cookie or header of this name; `None` where the name does not matter.
    fn named(&self, name: &str) -> Option<Arc<dyn Format>>;
}

/// Why a value opens nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// It is nothing that this format writes.
    Malformed,
    /// It was not made with an accepted key.
    #[cfg(feature = "secure-cookies")]
    Forged,
}

/// What an authentic value opens.
pub(crate) struct Opened {
    pub(crate) token: Token,
    /// The session, where the client holds it.
    pub(crate) record: Option<Record>,
    pub(crate) key: KeyAge,
}

/// Which key of the keyring a value was made with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeyAge {
    Current,
    /// The client is to get the same again under the current one.
    #[cfg(feature = "secure-cookies")]
    Previous,
}

/// What a client is given to hold. It opens the session, so it is not shown.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Text(pub(crate) String);

impl Backend {
    pub(crate) fn records(store: Arc<dyn DynStore>, format: Arc<dyn Format>) -> Self {
        Self { store: Some(store), format }
    }

    #[cfg(feature = "secure-cookies")]
    pub(crate) fn client_side(format: Arc<dyn Format>) -> Self {
        Self { store: None, format }
    }

    /// The same records behind another format. What is no record stays as it is: it has its own.
    #[cfg(feature = "secure-cookies")]
    pub(crate) fn format(&mut self, format: Arc<dyn Format>) {
        if self.store.is_some() {
            self.format = format;
        }
    }

    /// Binds all that is written from now on to a cookie or header of this name.
    pub(crate) fn bind(&mut self, name: &str) {
        if let Some(format) = self.format.named(name) {
            self.format = format;
        }
    }

    /// Whether clients hold their whole sessions, so that each change has to be sent.
    pub(crate) fn is_client_side(&self) -> bool {
        self.store.is_none()
    }

    /// Whether nothing is ever waited for.
    pub(crate) fn is_immediate(&self) -> bool {
        self.store.as_ref().is_none_or(|store| store.is_immediate())
    }

    pub(crate) fn fits(&self, len: usize) -> bool {
        self.format.fits(len)
    }

    /// Draws the token of a new session. Where clients hold the whole of it, its seal is its secret.
    pub(crate) fn new_token(&self) -> Token {
        let secret = if self.is_client_side() { Secret::none() } else { Secret::random() };
        Token { id: SessionId::random(), secret }
    }

    /// What a value opens. The record of an authentic one is in the store, where there is one.
    pub(crate) fn open(&self, value: &[u8]) -> Result<Opened, Refused> {
        self.format.open(value)
    }

    pub(crate) fn store(&self) -> Option<&dyn DynStore> {
        self.store.as_deref()
    }

    /// The record as others have left it; `last` where nobody else can write it.
    pub(crate) async fn reload(&self, id: &SessionId, last: Record) -> Result<Option<Record>, StoreError> {
        match &self.store {
            Some(store) => store.load(id).await,
            None => Ok(Some(last)),
        }
    }

    pub(crate) async fn create(&self, id: &SessionId, record: &Record) -> Result<Created, StoreError> {
        match &self.store {
            Some(store) => store.create(id, record).await,
            None => Ok(Created::Done),
        }
    }

    /// Applies `changes`, which were made of a record that lives until then.
    pub(crate) async fn update(
        &self,
        id: &SessionId,
        changes: &Changes,
        until: Timestamp,
    ) -> Result<Updated, StoreError> {
        match &self.store {
            Some(store) => store.update(id, changes).await,
            None if changes.now() < until => Ok(Updated::Done),
            None => Ok(Updated::Gone),
        }
    }

    pub(crate) async fn delete(&self, id: &SessionId) -> Result<(), StoreError> {
        match &self.store {
            Some(store) => store.delete(id).await,
            None => Ok(()),
        }
    }

    pub(crate) fn write(&self, token: &Token, record: &Record) -> Result<Text, Error> {
        self.format.write(token, record)
    }

    pub(crate) fn owner_index(&self) -> Option<&dyn DynOwnerIndex> {
        self.store.as_ref()?.owner_index()
    }
}

/// Tokens as they are.
pub(crate) struct PlainTokens;

impl Format for PlainTokens {
    fn fits(&self, len: usize) -> bool {
        len == Token::LEN
    }

    fn open(&self, value: &[u8]) -> Result<Opened, Refused> {
        let token = Token::parse(value).ok_or(Refused::Malformed)?;
        Ok(Opened { token, record: None, key: KeyAge::Current })
    }

    fn write(&self, token: &Token, _record: &Record) -> Result<Text, Error> {
        Ok(Text(token.encode()))
    }

    fn named(&self, _name: &str) -> Option<Arc<dyn Format>> {
        None
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Text(..)")
    }
}
