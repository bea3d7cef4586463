#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod changes;
mod commit;
mod cookie;
mod core;
mod credentials;
mod error;
mod event;
mod key;
mod layer;
mod lazy;
mod lifetime;
mod memory;
#[cfg(test)]
mod model;
mod open;
mod ops;
mod owners;
mod plan;
mod policy;
mod record;
mod service;
mod session;
mod state;
mod store;
mod time;
mod token;

pub use crate::{
    changes::{Changes, Conflict, Expected, KeyChange},
    cookie::{CookieError, CookieOptions, CookieOptionsBuilder, SameSite},
    core::{Clock, OnStoreError},
    credentials::{Credentials, Standing},
    error::{Error, SessionGetError, SessionInsertError, SessionUpdateError},
    event::{Event, Rejection},
    key::{AsKey, Key},
    layer::SessionLayer,
    lazy::LazySession,
    lifetime::{Lifetime, LifetimeBuilder, LifetimeError},
    memory::MemoryStore,
    owners::{DynOwnerIndex, OwnedSession, OwnerIndex, Owners},
    policy::{Answer, Attach, Failure, Http},
    record::{DecodeError, Record},
    service::{ResponseFuture, SessionService},
    session::{Entries, Session, SessionStatus},
    state::State,
    store::{Created, SessionStore, StoreError, Updated},
    time::Timestamp,
    token::{ParseIdError, SecretHash, SessionId},
};
