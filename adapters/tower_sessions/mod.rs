//! The API of tower-sessions 0.14 and 0.15, over [`Session`](crate::Session) and [`SessionLayer`](crate::SessionLayer).
//!
//! It is for software that was written against tower-sessions, first of all axum-login. `compat/tower-sessions` stands in for that
//! crate in Cargo's patch table. `docs/from-tower-sessions.md` is the way from there, and lists what behaves differently.
//!
//! ```
//! # #[cfg(feature = "axum")]
//! # fn app() {
//! use axum::{Router, routing::get};
//! use cloakroom::tower_sessions::{MemoryStore, Session, SessionManagerLayer, session::Error};
//!
//! async fn visits(session: Session) -> String {
//!     count(&session).await.map_or_else(|error| error.to_string(), |count| format!("{count} visits"))
//! }
//!
//! async fn count(session: &Session) -> Result<u32, Error> {
//!     let count = session.get::<u32>("count").await?.unwrap_or(0) + 1;
//!     session.insert("count", count).await?;
//!     Ok(count)
//! }
//!
//! let app: Router = Router::new().route("/", get(visits)).layer(SessionManagerLayer::new(MemoryStore::default()));
//! # }
//! ```
//!
//! # Stores
//!
//! | store | guarantees |
//! |---|---|
//! | [`MemoryStore`], [`cloakroom::MemoryStore`](crate::MemoryStore) | all |
//! | every [`cloakroom::store::SessionStore`](crate::store::SessionStore) that is `Debug`, such as `RedisStore` | all |
//! | a [`SessionStore`] that was written for tower-sessions | those of [`OneProcessStore`]: within one process |
//!
//! # Features
//!
//! `tower-sessions` is this module. `axum` adds the extractor, and `tower-sessions-signed` adds
//! `SessionManagerLayer::with_signed` and `with_private`.

#[cfg(feature = "axum")]
mod extract;
mod memory;
pub mod service;
pub mod session;
pub mod session_store;

pub use ::tower_cookies::cookie;

pub use self::{
    memory::MemoryStore,
    service::{SessionManager, SessionManagerLayer},
    session::{Expiry, Session},
    session_store::{CachingSessionStore, ExpiredDeletion, OneProcessStore, SessionStore},
};
