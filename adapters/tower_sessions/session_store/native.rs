//! Stores of cloakroom where a store of tower-sessions is expected.

use std::{fmt::Debug, sync::Arc};

use async_trait::async_trait;
use time::OffsetDateTime;

use super::{Error, Result, SessionStore};
use crate::{
    SessionId, SessionLayer, StoreError,
    store::{Created, Deleted, DynOwnerIndex, Replaced},
    tower_sessions::session::{Id, Record},
};

#[async_trait]
impl<S: crate::store::SessionStore + Debug> SessionStore for S {
    async fn create(&self, _record: &mut Record) -> Result<()> {
        Err(not_from_outside())
    }

    async fn save(&self, _record: &Record) -> Result<()> {
        Err(not_from_outside())
    }

    async fn load(&self, id: &Id) -> Result<Option<Record>> {
        load(self, id).await
    }

    async fn delete(&self, id: &Id) -> Result<()> {
        delete(self, id).await
    }

    fn into_session_layer(self: Arc<Self>) -> SessionLayer {
        match Arc::try_unwrap(self) {
            // By itself: the layer knows a `MemoryStore` by its type, and never waits for it.
            Ok(store) => SessionLayer::new(store),
            Err(shared) => SessionLayer::new(Shared(shared)),
        }
    }
}

/// Loads a session that has not expired, as a record of tower-sessions.
pub(in crate::tower_sessions) async fn load(
    store: &impl crate::store::SessionStore,
    id: &Id,
) -> Result<Option<Record>> {
    let Some(found) = store.load(&(*id).into()).await? else { return Ok(None) };
    let expiry_date = OffsetDateTime::UNIX_EPOCH
        .saturating_add(time::Duration::milliseconds(found.expires_at().as_millis().try_into().unwrap_or(i64::MAX)));
    let record = Record { id: *id, data: found.state().to_map().into_iter().collect(), expiry_date };
    Ok(Some(record).filter(|record| record.expiry_date > OffsetDateTime::now_utc()))
}

/// Ends a session.
pub(in crate::tower_sessions) async fn delete(store: &impl crate::store::SessionStore, id: &Id) -> Result<()> {
    store.delete(&(*id).into(), None).await?;
    Ok(())
}

fn not_from_outside() -> Error {
    Error::Backend("only a session layer writes sessions to this store: a record from outside has no secret".to_owned())
}

/// A store of which the application keeps a clone.
struct Shared<S>(Arc<S>);

impl<S: crate::store::SessionStore> crate::store::SessionStore for Shared<S> {
    fn load(
        &self,
        id: &SessionId,
    ) -> impl Future<Output = std::result::Result<Option<crate::store::Record>, StoreError>> + Send {
        self.0.load(id)
    }

    fn create(
        &self,
        id: &SessionId,
        record: &crate::store::Record,
    ) -> impl Future<Output = std::result::Result<Created, StoreError>> + Send {
        self.0.create(id, record)
    }

    fn replace(
        &self,
        id: &SessionId,
        base: &crate::store::Record,
        record: &crate::store::Record,
    ) -> impl Future<Output = std::result::Result<Replaced, StoreError>> + Send {
        self.0.replace(id, base, record)
    }

    fn delete(
        &self,
        id: &SessionId,
        base: Option<&crate::store::Record>,
    ) -> impl Future<Output = std::result::Result<Deleted, StoreError>> + Send {
        self.0.delete(id, base)
    }

    fn owner_index(&self) -> Option<&dyn DynOwnerIndex> {
        self.0.owner_index()
    }
}
