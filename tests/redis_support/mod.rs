//! Real servers, a proxy that cuts, and a small application, for the tests of `RedisStore`.
#![allow(dead_code, unreachable_pub)] // Each test file uses a part of it.

pub mod app;
pub mod monitor;
pub mod proxy;
pub mod server;

use std::{future::Future, time::Duration};

use cloakroom::{Credentials, Record, SecretHash, State, Timestamp};
use tokio::time::{Instant, sleep};

pub const SECOND: Duration = Duration::from_secs(1);
/// When records are made that no layer makes.
pub const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

/// The credentials of such a record.
pub fn credentials() -> Credentials {
    Credentials::new(SecretHash::from_bytes([7; 32]))
}

/// A record with this state, made [now](NOW), which ends after `idle`.
pub fn record<K: AsRef<str>, V: AsRef<str>>(state: impl IntoIterator<Item = (K, V)>, idle: Duration) -> Record {
    let state: State = state.into_iter().collect();
    Record::new(credentials(), state, NOW, NOW.plus(idle))
}

/// Waits until `done` says so; for a server that starts, never for a race to be won.
pub async fn until<F: Future<Output = bool>>(what: &str, limit: Duration, mut done: impl FnMut() -> F) -> Duration {
    let started = Instant::now();
    while !done().await {
        assert!(started.elapsed() < limit, "{what}: not within {limit:?}");
        sleep(Duration::from_millis(5)).await;
    }
    started.elapsed()
}
