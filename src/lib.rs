// The front page shows the frameworks' code, which compiles with their features only.
#![cfg_attr(all(feature = "actix-web", feature = "axum", feature = "redis-cluster", feature = "secure-cookies"), doc = include_str!("../README.md"))]
#![cfg_attr(
    not(all(feature = "actix-web", feature = "axum", feature = "redis-cluster", feature = "secure-cookies")),
    doc = "HTTP sessions as one tower layer."
)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod backend;
mod commit;
mod cookie;
#[cfg(feature = "secure-cookies")]
mod cookie_store;
mod core;
mod credentials;
mod error;
mod event;
mod exchange;
mod headers;
mod key;
#[cfg(feature = "secure-cookies")]
pub mod keys;
mod layer;
mod lazy;
mod lifetime;
mod memory;
#[cfg(test)]
mod model;
mod open;
mod ops;
mod outlives;
mod owners;
mod plan;
mod policy;
mod quota;
mod raw;
mod record;
mod scope;
mod service;
mod session;
mod shared;
mod state;
mod store;
#[cfg(feature = "testing")]
pub mod testing;
mod time;
mod token;
mod transport;
mod typed;
mod valid_from;

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
pub use crate::cookie_store::CookieStore;
pub use crate::{
    cookie::{CookieError, CookieOptions, CookieOptionsBuilder, SameSite},
    core::{Clock, OnStoreError},
    credentials::{Credentials, Standing},
    error::{Error, SessionGetError, SessionInsertError, SessionUpdateError},
    event::{Event, Rejection},
    exchange::{CommitFuture, Exchange},
    headers::{Head, Headers},
    key::{AsKey, Key},
    layer::SessionLayer,
    lazy::LazySession,
    lifetime::{Lifetime, LifetimeBuilder, LifetimeError},
    memory::MemoryStore,
    owners::{OwnedSession, Owners},
    policy::{Answer, EmptyResponse, Failure, OnFailure},
    quota::OverLimit,
    record::{DecodeError, Record},
    scope::{RequestExtensions, Scoped, ScopedSessions},
    service::{ResponseFuture, SessionService},
    session::{Entries, Session, SessionStatus},
    state::State,
    store::{Created, Deleted, DynOwnerIndex, OwnerIndex, Replaced, SessionStore, StoreError},
    time::Timestamp,
    token::{ParseIdError, SecretHash, SessionId},
    typed::{SessionValue, Typed},
    valid_from::ValidFrom,
};
