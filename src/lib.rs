// The front page shows the frameworks' code, which compiles with their features only.
#![cfg_attr(all(feature = "actix-web", feature = "axum", feature = "redis-cluster", feature = "secure-cookies"), doc = include_str!("../README.md"))]
#![cfg_attr(
    not(all(feature = "actix-web", feature = "axum", feature = "redis-cluster", feature = "secure-cookies")),
    doc = "HTTP sessions as one tower layer."
)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod client;
mod config;
mod error;
#[cfg(feature = "secure-cookies")]
pub mod keys;
mod layer;
mod memory;
#[cfg(test)]
mod model;
mod request;
mod session;
mod store;
#[cfg(feature = "testing")]
pub mod testing;

#[cfg(feature = "actix-web")]
#[path = "../adapters/actix_web/mod.rs"]
pub mod actix_web;
#[cfg(feature = "axum")]
#[path = "../adapters/axum.rs"]
mod axum;
#[cfg(feature = "redis")]
#[path = "../adapters/redis/mod.rs"]
pub mod redis;

#[cfg(feature = "secure-cookies")]
pub use crate::client::CookieStore;
pub use crate::{
    config::{
        Clock, CookieOptions, CookieOptionsBuilder, Event, OnStoreError, OverLimit, Rejection, SameSite, ValidFrom,
    },
    error::{CookieError, Error, SessionGetError, SessionInsertError, SessionUpdateError},
    layer::{Answer, CommitFuture, EmptyResponse, Exchange, OnFailure, ResponseFuture, SessionLayer, SessionService},
    memory::MemoryStore,
    request::{Failure, Head, Headers, OwnedSession},
    session::{
        AsKey, Entries, Key, LazySession, Owners, RequestExtensions, Scoped, ScopedSessions, Session, SessionStatus,
        SessionValue, Typed,
    },
    store::{
        Created, Credentials, DecodeError, Deleted, DynOwnerIndex, Lifetime, LifetimeBuilder, LifetimeError,
        OwnerIndex, ParseIdError, Record, Replaced, SecretHash, SessionId, SessionStore, Standing, State, StoreError,
        Timestamp,
    },
};
