//! Records made by hand, and the server's bytes of them.
#![allow(unreachable_pub)] // As in `redis_support`.

use std::time::Duration;

use cloakroom::{
    SessionId,
    store::{Record, State, Timestamp},
    testing::RecordBuilder,
};

use crate::redis_support::{SECOND, server::Server};

/// The time at which the records are made.
pub const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

/// Returns a record with this state, made [now](NOW), which ends after `idle`.
pub fn record<K: AsRef<str>, V: AsRef<str>>(state: impl IntoIterator<Item = (K, V)>, idle: Duration) -> Record {
    let state: State = state.into_iter().collect();
    RecordBuilder::new(NOW).trail().state(state).expires_at(NOW.plus(idle)).build()
}

/// Returns a record of `owner` that ends after ten minutes.
pub fn owned(owner: &str) -> Record {
    RecordBuilder::new(NOW).trail().owner(Some(owner)).expires_at(NOW.plus(600 * SECOND)).build()
}

/// Returns the name of a session's key.
pub fn key(id: &SessionId) -> String {
    format!("cloakroom:{id}")
}

impl Server {
    /// Returns the bytes under a session's key.
    pub async fn stored(&self, id: &SessionId) -> Option<Vec<u8>> {
        redis::cmd("GET").arg(key(id)).query_async(&mut self.admin().await).await.unwrap()
    }

    /// Stores bytes under a session's key, with a TTL in milliseconds if there is one.
    pub async fn store_bytes(&self, id: &SessionId, bytes: &[u8], ttl: Option<i64>) {
        let mut command = redis::cmd("SET");
        command.arg(key(id)).arg(bytes);
        if let Some(ttl) = ttl {
            command.arg("PX").arg(ttl);
        }
        let _: () = command.query_async(&mut self.admin().await).await.unwrap();
    }

    /// Returns the TTL of a session's key in milliseconds, as `PTTL` has it: -1 for none, -2 if there is no key.
    pub async fn ttl(&self, id: &SessionId) -> i64 {
        self.run_command(&format!("PTTL {}", key(id))).await
    }
}

/// Returns true if a TTL is this long, less the time of the test.
pub fn is_about(ttl: i64, expected: Duration) -> bool {
    let expected = i64::try_from(expected.as_millis()).unwrap();
    (expected - 60_000..=expected).contains(&ttl)
}
