//! A Redis server for this program, which ends with it.

#[allow(dead_code, unreachable_pub)] // The tests use more of it.
#[path = "../../tests/support/redis_server.rs"]
mod server;

pub use self::server::{Monitor, Server, version};
