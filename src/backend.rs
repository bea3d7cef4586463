//! Between what a client holds and a session: opening the one, committing the other, and writing what the client holds
//! next. Below it are records in a store, or nothing where clients hold their whole sessions.

use std::{fmt, sync::Arc};

use crate::{
    changes::Changes,
    error::Error,
    owners::DynOwnerIndex,
    record::Record,
    store::{Created, DynStore, StoreError, Updated},
    token::{Mac, SessionId, Token},
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
    /// Reads a value, as far as that is cheap: most requests with a cookie never ask for the session. `None` for what this
    /// format does not write.
    fn read(&self, value: &[u8]) -> Option<Claim>;

    /// Opens what was read; `None` for what no accepted key has made.
    fn open(&self, claim: &Claim) -> Option<Opened>;

    /// Writes what the client gets for this session.
    fn write(&self, token: &Token, record: &Record) -> Result<Text, Error>;

    /// The same format for a cookie or header of this name; `None` where the name does not matter.
    fn named(&self, name: &str) -> Option<Arc<dyn Format>>;
}

/// What a request presents, not checked yet.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Claim {
    /// A token, with its MAC where the layer signs.
    Token(Token, Option<Mac>),
    /// A whole session.
    #[cfg(feature = "secure-cookies")]
    Whole(Box<[u8]>),
}

/// What an authentic claim opens.
pub(crate) struct Opened {
    pub(crate) token: Token,
    /// The session, where the client holds it.
    pub(crate) record: Option<Record>,
    pub(crate) key: KeyAge,
}

/// Which key of the keyring a claim was made with.
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

    pub(crate) fn read(&self, value: &[u8]) -> Option<Claim> {
        self.format.read(value)
    }

    /// What a claim opens; `None` for a forged one. The record of an authentic one is in the store, where there is one.
    pub(crate) fn open(&self, claim: &Claim) -> Option<Opened> {
        self.format.open(claim)
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

    /// Applies `changes`, which were made of `record`.
    pub(crate) async fn update(
        &self,
        id: &SessionId,
        changes: &Changes,
        record: &Record,
    ) -> Result<Updated, StoreError> {
        match &self.store {
            Some(store) => store.update(id, changes).await,
            None if record.is_live(changes.now()) => Ok(Updated::Done),
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
    fn read(&self, value: &[u8]) -> Option<Claim> {
        Token::parse(value).map(|token| Claim::Token(token, None))
    }

    fn open(&self, claim: &Claim) -> Option<Opened> {
        let Claim::Token(token, None) = claim else { return None };
        Some(Opened { token: token.clone(), record: None, key: KeyAge::Current })
    }

    fn write(&self, token: &Token, _record: &Record) -> Result<Text, Error> {
        Ok(Text(token.encode()))
    }

    fn named(&self, _name: &str) -> Option<Arc<dyn Format>> {
        None
    }
}

impl fmt::Debug for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Token(token, _) => f.debug_tuple("Token").field(&token.id).finish(),
            #[cfg(feature = "secure-cookies")]
            Self::Whole(_) => f.write_str("Whole(..)"),
        }
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Text(..)")
    }
}
