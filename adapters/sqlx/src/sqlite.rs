//! SQLite.

use sqlx::{Sqlite, error::DatabaseError, pool::PoolConnection, sqlite::SqliteArguments};

use crate::{
    SqlStore,
    database::{Database, Driver, driver, query},
    statements::Dialect,
};

/// Keeps sessions in SQLite.
pub type SqliteStore = SqlStore<Sqlite>;

impl Database for Sqlite {}

impl Driver for Sqlite {
    const DIALECT: Dialect = Dialect {
        quote: '"',
        is_numbered: false,
        empty: "x''",
        or_nothing: " on conflict (id) do nothing",
        returning: " returning id, record",
        sweep: "delete from {table} where id in (select id from {table} where sweep <= ? order by sweep limit ?)",
        schema: include_str!("../schema/sqlite.sql"),
        before_schema: "",
        is_index_qualified: true,
    };

    /// A statement that fails outside of a transaction is rolled back. After an error of the disk, or in a damaged file, this
    /// is not certain.
    fn is_not_done(error: &dyn DatabaseError) -> bool {
        const IO_ERROR: u32 = 10;
        const CORRUPT: u32 = 11;
        code(error).is_some_and(|code| !matches!(code, IO_ERROR | CORRUPT))
    }

    /// Never: SQLite has one writer, and `busy_timeout` says how long another one waits for it.
    fn is_conflict(_: &dyn DatabaseError) -> bool {
        false
    }

    /// Gives it back: its thread ends the statement, and a database in memory ends with its connection.
    fn abandon(connection: PoolConnection<Self>) {
        drop(connection);
    }

    driver!();
}

query!(Sqlite, SqliteArguments, owner => owner);

/// Returns the primary result code.
fn code(error: &dyn DatabaseError) -> Option<u32> {
    error.code()?.parse::<u32>().ok().map(|code| code & 0xff)
}
