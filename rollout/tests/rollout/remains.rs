//! The records that are in Redis at a certain time.

use redis::{AsyncCommands as _, aio::MultiplexedConnection};
use serde::Deserialize;
use serde_json::Value;

use crate::app::Values;

/// A record of tower-sessions. Its date is not read.
#[derive(Deserialize)]
struct TowerRecord(#[allow(dead_code)] i128, Values, #[allow(dead_code)] Value);

/// Returns the number of our records that hold a session, and of theirs.
pub async fn count(url: &str) -> (usize, usize) {
    let mut redis = redis::Client::open(url).unwrap().get_multiplexed_async_connection().await.unwrap();
    let keys: Vec<String> = redis.keys("*").await.unwrap();
    let (mut ours, mut theirs) = (0, 0);
    for key in keys {
        let bytes = value(&mut redis, &key).await;
        if !key.starts_with("cloakroom:") {
            theirs += usize::from(holds_values(&bytes));
        } else if !key.starts_with("cloakroom:owner:") {
            // A tombstone is empty, and the rest of a session that has moved has no values behind its head.
            let values = bytes.windows(2).position(|end| end == b"\n\n").map(|at| at + 2);
            ours += usize::from(values.is_some_and(|at| at < bytes.len()));
        }
    }
    (ours, theirs)
}

/// Returns an empty value for a key that is no string, or gone.
async fn value(redis: &mut MultiplexedConnection, key: &str) -> Vec<u8> {
    redis.get(key).await.unwrap_or_default()
}

/// Returns whether one of their records has more than the marker of a session that was renewed.
fn holds_values(bytes: &[u8]) -> bool {
    let values = serde_json::from_slice::<Values>(bytes).or_else(|_| {
        let TowerRecord(_, values, _) = rmp_serde::from_slice(bytes)?;
        Ok::<_, rmp_serde::decode::Error>(values)
    });
    values.unwrap().keys().any(|key| key != "cloakroom")
}
