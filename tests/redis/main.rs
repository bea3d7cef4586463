//! `RedisStore` on real servers, which are started, stopped, killed, cut off and moved.

#[allow(unreachable_pub)] // Other programs re-export it.
#[path = "../support/log.rs"]
mod log;
#[path = "../support/program.rs"]
mod program;
#[path = "../redis_support/mod.rs"]
mod redis_support;

mod records;

mod access;
mod actix;
mod bytes;
mod cluster;
mod commands;
mod contract;
mod credentials;
mod down;
mod drops;
mod eviction;
mod far;
mod fleet;
mod index;
mod lost;
mod owners;
mod pool;
mod refusals;
mod replace;
mod sentinel;
mod stale;
mod stored;
mod suite;
mod tls;
mod unreadable;
mod workers;
