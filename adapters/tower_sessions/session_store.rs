//! Stores that were written for tower-sessions.

use std::{fmt::Debug, sync::Arc};

use async_trait::async_trait;

use super::session::{Id, Record};
use crate::SessionLayer;

mod caching;
mod deletion;
mod error;
#[cfg(feature = "formats")]
mod foreign;
pub(super) mod native;
mod one_process;

pub use self::{caching::CachingSessionStore, deletion::ExpiredDeletion, error::Error, one_process::OneProcessStore};

/// The result of a store's verb.
pub type Result<T> = std::result::Result<T, Error>;

/// A store as tower-sessions has them: it overwrites whole records.
///
/// Stores that implement it run through [`OneProcessStore`], and have its guarantees. Every
/// [`cloakroom::store::SessionStore`](crate::store::SessionStore) that is `Debug` implements it, and keeps all guarantees. Of those, `load` and
/// `delete` work on sessions by their public id. `create` and `save` are errors: only a layer makes a session.
/// So it is with `cloakroom::formats::TowerSessions`, which shares the sessions of tower-sessions' own nodes.
#[async_trait]
pub trait SessionStore: Debug + Send + Sync + 'static {
    /// Stores a new record. If its id is taken, the store draws another one. Default: [`save`](Self::save), which overwrites.
    async fn create(&self, session_record: &mut Record) -> Result<()> {
        self.save(session_record).await
    }

    /// Stores a record, whatever is there.
    async fn save(&self, session_record: &Record) -> Result<()>;

    /// Loads a record that has not expired.
    async fn load(&self, session_id: &Id) -> Result<Option<Record>>;

    /// Deletes a record, if there is one.
    async fn delete(&self, session_id: &Id) -> Result<()>;

    /// Makes the layer over this store. A store from elsewhere leaves this as it is.
    #[doc(hidden)]
    fn into_session_layer(self: Arc<Self>) -> SessionLayer {
        SessionLayer::new(OneProcessStore::from(self))
    }
}
