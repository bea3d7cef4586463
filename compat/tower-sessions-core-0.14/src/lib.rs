//! [`cloakroom`] under the name of `tower-sessions-core` 0.14, for stores and other crates that link it.
//!
//! Not published: see `compat/tower-sessions-0.14`.

pub use cloakroom::tower_sessions::{
    CachingSessionStore, ExpiredDeletion, Expiry, Session, SessionStore, session, session_store,
};
