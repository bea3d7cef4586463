//! Device-bound sessions: the options, and what browsers and this layer say to each other.
//!
//! The protocol is that of the W3C draft "Device Bound Session Credentials" (DBSC), of February 2026. `request/device` acts on it.

mod challenge;
mod instructions;
mod jwt;
mod mac;
mod options;
mod proof;

pub use self::options::{DeviceBound, DeviceBoundBuilder, DeviceBoundError, OnMismatch};
pub(crate) use self::{
    challenge::Challenge,
    instructions::{ENDED, instructions, quoted, registration},
    jwt::{Jwt, MAX_JWT},
    proof::Proof,
};
