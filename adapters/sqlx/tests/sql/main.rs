//! The SQL stores, on databases that are real.
#![allow(unreachable_pub)]

mod app;
mod servers;

mod contract;
mod cost;
mod cuts;
mod down;
mod errors;
mod examples;
mod processes;
mod schema;
mod secrets;
mod sweeping;
