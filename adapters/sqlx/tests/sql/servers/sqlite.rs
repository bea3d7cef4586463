//! Databases of SQLite.

use std::time::Duration;

use cloakroom_sqlx::SqliteStore;
use sqlx::{
    SqlitePool,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions},
};
use tempfile::TempDir;

/// A file in a folder that ends with this.
pub struct File {
    dir: TempDir,
}

impl File {
    pub fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    pub fn path(&self) -> std::path::PathBuf {
        self.dir.path().join("sessions.db")
    }

    /// As the docs advise.
    pub fn options(&self) -> SqliteConnectOptions {
        SqliteConnectOptions::new()
            .filename(self.path())
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .busy_timeout(Duration::from_millis(900))
    }

    pub fn pool(&self) -> SqlitePool {
        SqlitePoolOptions::new().max_connections(8).connect_lazy_with(self.options())
    }

    pub async fn store(&self) -> SqliteStore {
        let store = SqliteStore::new(self.pool());
        store.migrate().await.unwrap();
        store
    }
}

/// A database in memory. It ends with its only connection, so the pool must keep that one.
pub async fn memory() -> SqliteStore {
    let options = SqlitePoolOptions::new().max_connections(1).idle_timeout(None).max_lifetime(None);
    let pool = options.test_before_acquire(false).connect("sqlite::memory:").await.unwrap();
    let store = SqliteStore::new(pool);
    store.migrate().await.unwrap();
    store
}
