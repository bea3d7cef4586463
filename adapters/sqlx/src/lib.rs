//! Sessions of [`cloakroom`] in PostgreSQL, MySQL, MariaDB and SQLite, over the application's own sqlx 0.9 pool.
//!
//! ```no_run
//! # #[cfg(feature = "postgres")]
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! use std::time::Duration;
//!
//! use cloakroom::SessionLayer;
//! use cloakroom_sqlx::PostgresStore;
//! use sqlx::PgPool;
//!
//! let pool = PgPool::connect("postgres://localhost/app").await?;
//! let store = PostgresStore::new(pool.clone());
//! store.migrate().await?; // or a migration of yours: `PostgresStore::schema()`
//! let sweeper = store.sweep_every(Duration::from_mins(10));
//! let layer = SessionLayer::new(store);
//! # drop((layer, sweeper));
//! # Ok(()) }
//! ```
//!
//! | feature | store | tested with |
//! |---|---|---|
//! | `postgres` | [`PostgresStore`](SqlStore) | PostgreSQL 15, PgBouncer 1.18 |
//! | `mysql` | [`MySqlStore`](SqlStore) | MariaDB 10.11; MySQL itself is not tested |
//! | `sqlite` | [`SqliteStore`](SqlStore) | SQLite as sqlx brings it along, in a file and in memory |
//!
//! No feature is on by default. The runtime and TLS are those of the application's own line:
//!
//! ```toml
//! cloakroom-sqlx = { version = "0.1", features = ["postgres"] }
//! sqlx = { version = "0.9", features = ["postgres", "runtime-tokio", "tls-rustls"] }
//! ```
//!
//! With the feature `formats`, `TowerSessionsTable` reads and writes the table of tower-sessions-sqlx-store, for services that
//! move from there.
//!
//! # The table
//!
//! All sessions are in one table, `cloakroom_sessions` or [another one](SqlStore::table). [`SqlStore::schema`] and the
//! crate's folder `schema` have the statements that make it, [`SqlStore::migrate`] runs them. The store makes no database and
//! no schema, and does not use sqlx's own table of migrations.
//!
//! | column | |
//! |---|---|
//! | `id` | the session's public id |
//! | `nonce` | the version of the record, 64 random bits |
//! | `expires_at` | the deadline in milliseconds since 1970, or the largest number: never |
//! | `sweep` | the hour, counted from 1970, from which on the row may be deleted |
//! | `owner` | the user, if one is logged in |
//! | `record` | the record as text, or nothing: a deleted session |
//!
//! The store writes the other columns from the record, and never reads them back. It writes no times of the database, so
//! that a time zone changes nothing. A person reads a record like this:
//!
//! ```sql
//! select convert_from(record, 'utf8') from cloakroom_sessions where owner = 'alice';   -- PostgreSQL
//! select convert(record using utf8mb4) from cloakroom_sessions where owner = 'alice';  -- MySQL
//! select cast(record as text) from cloakroom_sessions where owner = 'alice';           -- SQLite
//! ```
//!
//! It holds no usable token: the secret is a hash. Two owners are the same only if their bytes are, also in MySQL, whose
//! default collation finds `alice` for `'ALICE '`. The column `owner` has the owner itself, except that NUL and U+0001 are
//! escaped, and that an owner of more than 255 bytes is named by its SHA-256.
//!
//! # Statements
//!
//! | call | statements |
//! |---|---|
//! | a request that does not use its session | none |
//! | load | `select` |
//! | create | `insert` |
//! | replace | `update .. where id and nonce`; a `select` if it found no row |
//! | delete | `update`; a `select` or an `insert` if it found no row |
//! | the sessions of an owner | `select` |
//! | 500 ids for `cloakroom::store::copy_all` | `select` |
//! | revoke, revoke all | `update`; in MySQL `select .. for update` and `update` in one transaction |
//!
//! Each runs by itself, without a transaction. A deleted session leaves a *tombstone*, the row without its record and its
//! owner, so that a late statement cannot bring it back.
//!
//! In PostgreSQL a touch changes no column of an index: it is a HOT update, for which the table has room (`fillfactor = 85`).
//!
//! # Clean-up
//!
//! Databases drop no rows by themselves. Call [`SqlStore::sweep`] from a job, or keep the [`Sweeper`] of
//! [`SqlStore::sweep_every`]. A row is kept for 10 minutes after its deadline at least, so that a request that began in time
//! may write until it ends. It opens nothing meanwhile.
//!
//! # Failures
//!
//! A call ends within 1 s for a connection of the pool and 1 s for its statements: see [`SqlStore::acquire_timeout`] and
//! [`SqlStore::query_timeout`]. The store sends no write again, with one exception: a statement that the database rolled
//! back because of a deadlock. After the second time-out, or if a request is dropped while its statement runs, the store
//! closes the connection to PostgreSQL or MySQL. A connection to SQLite goes back to the pool, and its statement ends.
//!
//! An error of the database is *not done* if the database rolled the statement back: a lock, a deadlock, a read-only
//! replica, a full disk, a right that is missing. A broken connection is *unknown*: the request looks at the record to find
//! out what became of the write. On a read-only replica, requests that only read their session work.
//!
//! A server does not notice that a connection was closed while its statement waits for a lock. Give it the same limit: in
//! PostgreSQL `PgConnectOptions::options([("statement_timeout", "1s")])`, in MySQL `innodb_lock_wait_timeout = 1`.
//!
//! # Poolers
//!
//! Statements are prepared once for each connection. PgBouncer from 1.21 on follows prepared statements in transaction mode
//! (`max_prepared_statements`). For older ones, use [`PostgresStore::unprepared`](SqlStore::unprepared).
//!
//! # SQLite
//!
//! Set both, as the example `actix_sqlite` does:
//!
//! - `journal_mode(SqliteJournalMode::Wal)`: readers do not wait for a writer, and a commit is one write.
//! - `busy_timeout(Duration::from_millis(900))`: a writer waits for another one. Less than
//!   [`query_timeout`](SqlStore::query_timeout) is best: SQLite then says that the lock did not come. sqlx's own default is 5 s.
//!
//! A database in memory ends with its connection. Keep one connection for ever:
//!
//! ```no_run
//! # #[cfg(feature = "sqlite")]
//! # async fn run() -> Result<(), sqlx::Error> {
//! use sqlx::sqlite::SqlitePoolOptions;
//!
//! let options = SqlitePoolOptions::new().max_connections(1).idle_timeout(None).max_lifetime(None);
//! let pool = options.test_before_acquire(false).connect("sqlite::memory:").await?;
//! # drop(pool);
//! # Ok(()) }
//! ```
//!
//! sqlx 0.9 and rusqlite 0.43 cannot be in one program: both link SQLite, each by another major version of
//! `libsqlite3-sys`, and Cargo refuses two (`links = "sqlite3"`). diesel can: its range of versions includes sqlx's.

#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg(any(feature = "postgres", feature = "mysql", feature = "sqlite"))]

mod access;
mod columns;
mod database;
mod failure;
mod lease;
#[cfg(feature = "mysql")]
mod mysql;
mod owners;
#[cfg(feature = "postgres")]
mod postgres;
mod scan;
mod schema;
#[cfg(feature = "sqlite")]
mod sqlite;
mod statements;
mod store;
mod sweep;
mod sweeper;
mod table;
#[cfg(feature = "formats")]
mod tower_sessions;
mod verbs;

#[cfg(feature = "mysql")]
#[cfg_attr(docsrs, doc(cfg(feature = "mysql")))]
pub use self::mysql::MySqlStore;
#[cfg(feature = "postgres")]
#[cfg_attr(docsrs, doc(cfg(feature = "postgres")))]
pub use self::postgres::PostgresStore;
#[cfg(feature = "sqlite")]
#[cfg_attr(docsrs, doc(cfg(feature = "sqlite")))]
pub use self::sqlite::SqliteStore;
#[cfg(feature = "formats")]
pub use self::tower_sessions::TowerSessionsTable;
pub use self::{database::Database, store::SqlStore, sweeper::Sweeper, table::TableError};
