//! The API of actix-session on this crate's sessions: each situation of that crate's examples and tests, over memory,
//! cookies and Redis, and each intended difference (`docs/from-actix-session.md` has a table of them).

#[path = "../redis_support/mod.rs"]
mod redis_support;
#[path = "../support/mod.rs"]
mod support;

mod attributes;
mod beside;
mod differences;
mod examples;
mod expiry;
mod extract;
mod failures;
mod fleet;
mod house;
mod names;
mod page;
mod redis_keys;
mod refused;
mod stores;
mod types;
mod values;
mod warnings;
mod workflow;
