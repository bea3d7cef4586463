//! The API of tower-sessions on our sessions: what its users do, over stores of ours and stores that were written for it, and each
//! difference that is meant (`docs/from-tower-sessions.md` has them in two tables).

#[path = "../redis_support/mod.rs"]
mod redis_support;
#[path = "../support/mod.rs"]
mod support;

mod browser;
mod differences;
mod expiry;
mod foreign;
mod owners;
mod page;
mod stores;
