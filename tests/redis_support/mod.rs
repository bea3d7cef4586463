//! Real servers, a proxy that cuts connections, and a small application, for the tests of `RedisStore`.
#![allow(dead_code, unused_imports, unreachable_pub)] // Each test file uses a part of it.

pub mod far;
pub mod server;

#[path = "../support/store_app.rs"]
pub mod app;
#[path = "../support/proxy.rs"]
pub mod proxy;

#[path = "../support/redis_server.rs"]
mod process;

use std::{future::Future, time::Duration};

pub use self::process::Monitor;
use tokio::time::{Instant, sleep};

pub const SECOND: Duration = Duration::from_secs(1);

/// Waits until `done` returns true. It is for servers that start, and never for winning a race.
pub async fn until<F: Future<Output = bool>>(what: &str, limit: Duration, mut done: impl FnMut() -> F) -> Duration {
    let started = Instant::now();
    while !done().await {
        assert!(started.elapsed() < limit, "{what}: not within {limit:?}");
        sleep(Duration::from_millis(5)).await;
    }
    started.elapsed()
}
