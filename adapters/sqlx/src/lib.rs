//! Sessions in SQL.
#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg(any(feature = "postgres", feature = "mysql", feature = "sqlite"))]

mod columns;
mod database;
mod failure;
mod lease;
#[cfg(feature = "mysql")]
mod mysql;
mod owners;
#[cfg(feature = "postgres")]
mod postgres;
mod schema;
#[cfg(feature = "sqlite")]
mod sqlite;
mod statements;
mod store;
mod sweep;
mod sweeper;
mod table;
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
pub use self::{database::Database, store::SqlStore, sweeper::Sweeper, table::TableError};
