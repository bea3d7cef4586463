//! The sessions of tower-sessions itself, beside its own nodes.

use std::sync::Arc;

use async_trait::async_trait;

use super::{Error, Result, SessionStore};
use crate::{
    SessionLayer,
    formats::TowerSessions,
    tower_sessions::session::{Id, Record},
};

/// Only a layer reads and writes these sessions: their ids are not those that [`Session::id`](crate::tower_sessions::Session::id)
/// returns.
#[async_trait]
impl SessionStore for TowerSessions {
    async fn save(&self, _record: &Record) -> Result<()> {
        Err(not_from_outside())
    }

    async fn load(&self, _id: &Id) -> Result<Option<Record>> {
        Err(not_from_outside())
    }

    async fn delete(&self, _id: &Id) -> Result<()> {
        Err(not_from_outside())
    }

    fn into_session_layer(self: Arc<Self>) -> SessionLayer {
        SessionLayer::foreign(Arc::unwrap_or_clone(self))
    }
}

fn not_from_outside() -> Error {
    Error::Backend(
        "only a session layer reads and writes these sessions: use the store of tower-sessions beside it".to_owned(),
    )
}
