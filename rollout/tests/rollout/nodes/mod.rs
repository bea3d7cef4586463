//! The servers of the fleet.

pub mod actix;
pub mod axum;
mod redis_store;

use std::time::Duration;

use cloakroom::redis::RedisStore;

/// The time that a node waits for a reply of Redis: a busy machine is no failure.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Returns our store.
pub async fn ours(redis: &str) -> RedisStore {
    let builder = RedisStore::builder(redis).connection_timeout(PATIENCE).response_timeout(PATIENCE);
    builder.connect().await.unwrap()
}
