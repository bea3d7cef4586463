//! The contract of stores and the types that they keep, for authors of stores.
//!
//! A store implements [`SessionStore`]. It keeps a [`Record`] for each [`SessionId`], as the value itself or as the
//! bytes of [`Record::to_bytes`]. `examples/custom_store.rs` is an example, and `cloakroom::testing::contract` tests
//! it.

#[cfg(feature = "device-bound")]
mod binding;
pub(crate) mod certain;
mod contract;
mod copy;
mod credentials;
#[cfg(test)]
pub(crate) mod dice;
mod error;
mod index;
pub(crate) mod lifetime;
pub(crate) mod queue;
mod raw;
mod record;
mod scan;
mod state;
mod time;
pub(crate) mod token;

#[cfg(feature = "device-bound")]
pub(crate) use self::binding::{Binding, BoundDevice, ChallengeStamp, MacKey, PublicKey};
pub(crate) use self::token::random;
pub use crate::chain::ErrorChain;

pub use self::{
    contract::{Created, Deleted, Replaced, SessionStore},
    copy::{Copied, CopyAll, CopyError, copy_all},
    credentials::{Credentials, Standing},
    error::StoreError,
    index::{DynOwnerIndex, OwnerIndex},
    record::{DecodeError, Record},
    scan::{Cursor, Scan, Scanned},
    state::State,
    time::Timestamp,
    token::{ParseIdError, SecretHash, SessionId},
};
pub(crate) use self::{
    contract::{DynStore, Reply},
    credentials::{SUPERSEDED_FOR, SUPERSEDED_MAX, Superseded},
    lifetime::Lifetime,
    raw::Raw,
    record::{Body, Parts, Rest, Trail},
    state::{Run, text},
    time::millis,
    token::{Secret, Token, random_nonce},
};
#[cfg(feature = "secure-cookies")]
pub(crate) use self::{
    lifetime::{CookieLife, Extend},
    token::Mac,
};
