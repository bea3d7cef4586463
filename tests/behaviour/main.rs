//! The session as a handler sees it, and the options of a layer. The tests run in process, and through the frameworks
//! if they matter.

#[path = "../support/mod.rs"]
mod support;

mod app;
mod bearer;
mod claims;
mod contention;
mod created;
mod dropped;
mod edges;
mod errors;
mod events;
mod failure;
mod handles;
mod header_transport;
mod late;
mod lifetimes;
mod logged_in;
mod login;
mod memory;
mod owners;
mod scopes;
mod session;
mod unknown;
mod valid_from;
