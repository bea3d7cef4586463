//! The contract of stores, and what they keep: records, and the parts of records.

pub(crate) mod certain;
mod contract;
mod credentials;
#[cfg(test)]
pub(crate) mod dice;
mod error;
mod index;
mod lifetime;
pub(crate) mod queue;
mod raw;
mod record;
mod state;
mod time;
pub(crate) mod token;

pub use self::{
    contract::{Created, Deleted, Replaced, SessionStore},
    credentials::{Credentials, Standing},
    error::StoreError,
    index::{DynOwnerIndex, OwnerIndex},
    lifetime::{Lifetime, LifetimeBuilder, LifetimeError},
    record::{DecodeError, Record},
    state::State,
    time::Timestamp,
    token::{ParseIdError, SecretHash, SessionId},
};
pub(crate) use self::{
    contract::{DynStore, Reply},
    credentials::{SUPERSEDED_FOR, SUPERSEDED_MAX, Superseded},
    lifetime::{CookieLife, Extend},
    raw::Raw,
    record::{Body, Parts, Rest, Trail},
    state::Run,
    time::millis,
    token::{Mac, Secret, Token, random, random_nonce},
};
