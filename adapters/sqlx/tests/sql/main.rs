//! The SQL stores, on databases that are real.
#![allow(unreachable_pub)]

#[allow(dead_code)] // These tests use a part of it.
#[path = "../../../../tests/support/store_app.rs"]
mod app;
#[path = "../../../../tests/support/log.rs"]
mod log;
mod servers;

mod contract;
mod copying;
mod cost;
mod cuts;
mod down;
mod errors;
mod examples;
mod moving;
mod processes;
mod schema;
mod secrets;
mod sweeping;
mod tower_sessions;
