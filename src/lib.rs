// Its code needs these features. Doctests without them leave it out; documentation always has it.
#![cfg_attr(
    any(not(doctest), all(feature = "actix-web", feature = "axum", feature = "secure-cookies")),
    doc = include_str!("../README.md")
)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod chain;
mod client;
mod config;
#[cfg(feature = "device-bound")]
mod device;
mod error;
#[cfg(feature = "formats")]
pub mod formats;
// Documentation only. Its code and its links need these features.
#[cfg(all(
    any(doc, doctest),
    feature = "actix-web",
    feature = "axum",
    feature = "redis",
    feature = "secure-cookies",
    feature = "testing"
))]
pub mod guide;
#[cfg(feature = "secure-cookies")]
pub mod keys;
mod layer;
mod memory;
#[cfg(test)]
mod model;
mod request;
mod session;
pub mod store;
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
#[cfg(feature = "tower-sessions")]
#[path = "../adapters/tower_sessions/mod.rs"]
pub mod tower_sessions;

#[cfg(feature = "secure-cookies")]
pub use crate::client::CookieStore;
#[cfg(feature = "formats")]
pub use crate::config::ForeignSessions;
pub use crate::{
    config::{
        Clock, CookieOptions, CookieOptionsBuilder, Event, OnStoreError, OtherStore, OverLimit, Rejection, SameSite,
        ValidFrom,
    },
    error::{CookieError, Error, SessionGetError, SessionInsertError, SessionUpdateError},
    layer::{FailureResponse, SessionLayer},
    memory::MemoryStore,
    request::{Failure, OwnedSession},
    session::{AsKey, Entries, Key, KeyName, LazySession, Owners, Scoped, Session, SessionStatus, SessionValue, Typed},
    store::{
        ParseIdError, SessionId, StoreError,
        lifetime::{Lifetime, LifetimeBuilder, LifetimeError},
    },
};

#[cfg(feature = "device-bound")]
#[cfg_attr(docsrs, doc(cfg(feature = "device-bound")))]
/// Device-bound sessions, by the W3C draft Device Bound Session Credentials: a stolen cookie is worth minutes.
///
/// Experimental: the draft may change, and so may this module, in a minor version.
/// [`SessionLayer::device_bound`](crate::SessionLayer::device_bound) switches them on. The guide `cloakroom::guide::device_bound`
/// says how they work, what they protect from and what not, and how to roll them out.
pub mod device_bound {
    pub use crate::{
        device::{DeviceBound, DeviceBoundBuilder, DeviceBoundError, OnMismatch},
        layer::DevicePolicy,
        session::{Device, RequireBoundDevice},
    };
}

/// The types of the tower service, for code that has to name them.
pub mod service {
    pub use crate::layer::{EmptyResponse, OnFailure, ResponseFuture, SessionService};
}

/// The items for adapters of frameworks whose services are not tower services over `http` types.
///
/// [`SessionLayer::begin`](crate::SessionLayer::begin) shows the calls that an adapter makes.
pub mod adapter {
    pub use crate::{
        layer::{AnswerFuture, CommitFuture, Exchange},
        request::{Head, Headers, OwnResponse},
        session::{RequestExtensions, ScopedSessions},
    };
}
