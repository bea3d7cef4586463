//! A fleet moves from actix-session 0.11 and tower-sessions 0.14 and 0.15 to cloakroom and back, while its users read, write,
//! log in and log out on random nodes.
//!
//! Every node is a real server. The old ones run the published crates. `ROLLOUT_SEED=7` repeats a run, as far as the timing of
//! the machine allows.
#![allow(unreachable_pub)] // No module of a test is public.

mod app;
mod browser;
mod fleet;
mod node;
mod nodes;
mod phases;
#[allow(dead_code, unreachable_pub)] // These tests use a part of it.
#[path = "../../../tests/support/redis_server.rs"]
mod redis_server;
mod refused;
mod remains;
mod request;
mod seed;
mod serve;
mod steps;

mod there_and_back;
