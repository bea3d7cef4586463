//! A session from the handler's side, and what the options of a layer do: in-process, and through the frameworks where they
//! matter.

#[path = "../support/mod.rs"]
mod support;

mod app;
mod bearer;
mod claims;
mod contention;
mod created;
mod dropped;
mod edges;
mod events;
mod failure;
mod handles;
mod header_transport;
mod late;
mod lifetimes;
mod login;
mod memory;
mod owners;
mod scopes;
mod session;
mod unknown;
mod valid_from;
