//! What a request costs with cloakroom, and with its peers, in one run.
#![allow(clippy::missing_panics_doc, clippy::must_use_candidate)] // A program that measures has no other users.

pub mod allocations;
pub mod app;
pub mod classes;
pub mod contestants;
pub mod frameworks;
pub mod measure;
pub mod stats;
pub mod verify;
pub mod visit;
