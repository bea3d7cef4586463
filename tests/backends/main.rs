//! Several stores in one layer, and the move of sessions from one to another.

#[path = "../support/redis_server.rs"]
#[allow(dead_code, unreachable_pub)]
mod redis_server;
#[path = "../support/mod.rs"]
mod support;

mod also;
mod copy;
mod moving;
mod pairs;
mod random;
