//! `RedisStore`, on servers that are real: started, stopped, killed, cut off, moved.

#[path = "../redis_support/mod.rs"]
mod redis_support;

mod access;
mod actix;
mod cluster;
mod commands;
mod contract;
mod down;
mod drops;
mod fleet;
mod form;
mod owners;
mod pool;
mod refusals;
mod sentinel;
mod stale;
mod tls;
mod workers;
