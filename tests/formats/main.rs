//! Sessions in the formats of actix-session and tower-sessions.

#[path = "../support/mod.rs"]
mod support;

mod cookies;
mod moves;
#[allow(unreachable_pub)]
mod nodes;
mod random;
mod reading;
mod renewals;
mod writing;
