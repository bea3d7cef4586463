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

    /// The dates are texts by RFC 3339, and their fractions have none to nine digits.
    #[cfg(feature = "formats")]
    const TOWER_SESSIONS: crate::tower_sessions::statements::Dialect = crate::tower_sessions::statements::Dialect {
        table: (None, "tower_sessions"),
        id_is: ("id = ?", 1),
        is_alive: "julianday(expiry_date) > julianday('now')",
        until: "strftime('%Y-%m-%dT%H:%M:%fZ', 'now', (? / 1000.0) || ' seconds')",
        left: "cast(cast((julianday(expiry_date) - julianday('now')) * 86400000 as integer) as text)",
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
