//! A session from the handler's side, and what the options of a layer do: in-process, and through the frameworks where they
//! matter.

#[path = "../support/mod.rs"]
mod support;

mod app;
mod claims;
mod events;
mod failure;
mod header_transport;
mod late;
mod lifetimes;
mod memory;
mod owners;
mod scopes;
mod session;
