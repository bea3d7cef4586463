//! The servers of the fleet.

pub mod actix;
pub mod axum;
mod redis_store;

use std::time::Duration;

use cloakroom::redis::RedisStore;

/// The time for which every node keeps a session that is not used.
pub const KEPT: Duration = Duration::from_hours(24);

/// The time that a node waits for a reply of Redis: a busy machine is no failure.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Returns our store.
pub async fn ours(redis: &str) -> RedisStore {
    let builder = RedisStore::builder(redis).connection_timeout(PATIENCE).response_timeout(PATIENCE);
    builder.connect().await.unwrap()
}

/// A server on 127.0.0.1. It ends with its handle.
pub struct Node {
    pub name: String,
    pub port: u16,
    stop: Option<Box<dyn FnOnce() + Send + Sync>>,
}

impl Node {
    fn new(name: impl Into<String>, port: u16, stop: impl FnOnce() + Send + Sync + 'static) -> Self {
        Self { name: name.into(), port, stop: Some(Box::new(stop)) }
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/", self.port)
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            stop();
        }
    }
}
