//! Stores that must be cleaned up.

use std::time::Duration;

use async_trait::async_trait;

use super::{Result, SessionStore};

/// A store that keeps expired records until it is told to delete them.
#[async_trait]
pub trait ExpiredDeletion: SessionStore
where
    Self: Sized,
{
    /// Deletes expired records.
    async fn delete_expired(&self) -> Result<()>;

    /// Deletes expired records every `period`, for the first time after one. It ends with the first error.
    async fn continuously_delete_expired(self, period: Duration) -> Result<()> {
        let mut ticks = tokio::time::interval(period);
        // The first tick is at once.
        ticks.tick().await;
        loop {
            ticks.tick().await;
            self.delete_expired().await?;
        }
    }
}
