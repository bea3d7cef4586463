//! The table of tower-sessions-sqlx-store.

use std::{fmt, sync::Arc, time::Duration};

use sqlx::Pool;

use self::statements::Statements;
use crate::{
    access::Access,
    database::Database,
    table::{Table, TableError},
};

pub(crate) mod statements;
mod verbs;

/// The records of tower-sessions in the table of its own SQL store, tower-sessions-sqlx-store 0.14 or 0.15, for moving to
/// cloakroom while nodes of both run.
///
/// ```no_run
/// # #[cfg(feature = "postgres")]
/// # async fn run() -> Result<(), sqlx::Error> {
/// use cloakroom::formats::ByteStore;
/// use cloakroom_sqlx::TowerSessionsTable;
/// use sqlx::PgPool;
///
/// fn bytes(pool: PgPool) -> impl ByteStore {
///     TowerSessionsTable::new(pool)
/// }
/// # Ok(()) }
/// ```
///
/// | database | table |
/// |---|---|
/// | PostgreSQL | `tower_sessions.session` |
/// | MySQL, MariaDB | `tower_sessions.session` |
/// | SQLite | `tower_sessions` |
///
/// The table must exist: its columns are `id`, `data` and `expiry_date`. This type makes none, and deletes no expired rows, but
/// for one whose id a new session takes. The other crate's task does that, as long as it runs.
///
/// Each verb is one statement; a `select` follows if a comparison failed, and `create` of an id that is taken looks whether the
/// row has expired. Deadlines are counted by the database's clock. In MySQL, whose `TIMESTAMP` ends in 2038, later deadlines are
/// cut to that. Ids are compared by their bytes, also in MySQL, whose default collation ignores the case of letters.
///
/// Time-outs and errors are those of a [`SqlStore`](crate::SqlStore).
#[cfg_attr(docsrs, doc(cfg(feature = "formats")))]
pub struct TowerSessionsTable<DB: Database> {
    access: Access<DB>,
    table: Table,
    statements: Arc<Statements>,
}

impl<DB: Database> TowerSessionsTable<DB> {
    /// Makes a store over `pool`, with the table's default name. Does not connect.
    #[must_use]
    pub fn new(pool: Pool<DB>) -> Self {
        let (schema, name) = DB::TOWER_SESSIONS.table;
        let table = Table::named(schema, name);
        let statements = Statements::of::<DB>(&table);
        Self { access: Access::new(pool), table, statements }
    }

    /// Sets the table's schema, as `with_schema_name` does there. Default: `tower_sessions`; none in SQLite.
    ///
    /// # Errors
    ///
    /// The name is empty, or has characters other than letters, digits, `_`, `$` and `-`.
    pub fn schema(self, schema: &str) -> Result<Self, TableError> {
        let table = self.table.in_schema(schema)?;
        Ok(self.over(table))
    }

    /// Sets the table's name, as `with_table_name` does there. Default: `session`; `tower_sessions` in SQLite.
    ///
    /// # Errors
    ///
    /// The name is empty, or has characters other than letters, digits, `_`, `$` and `-`.
    pub fn table(self, name: &str) -> Result<Self, TableError> {
        let table = self.table.renamed(name)?;
        Ok(self.over(table))
    }

    /// Limits the time that a call waits for a connection of the pool, including the time to make one. Default: 1 s.
    #[must_use]
    pub fn acquire_timeout(self, limit: Duration) -> Self {
        Self { access: self.access.acquire_timeout(limit), ..self }
    }

    /// Limits the time of the statements of one call. Default: 1 s.
    #[must_use]
    pub fn query_timeout(self, limit: Duration) -> Self {
        Self { access: self.access.query_timeout(limit), ..self }
    }

    fn over(self, table: Table) -> Self {
        let statements = Statements::of::<DB>(&table);
        Self { table, statements, ..self }
    }
}

#[cfg(feature = "postgres")]
impl TowerSessionsTable<sqlx::Postgres> {
    /// Prepares no statement under a name: see [`PostgresStore::unprepared`](crate::SqlStore::unprepared).
    #[must_use]
    pub fn unprepared(self) -> Self {
        Self { access: self.access.unprepared(), ..self }
    }
}

impl<DB: Database> Clone for TowerSessionsTable<DB> {
    fn clone(&self) -> Self {
        let Self { access, table, statements } = self;
        Self { access: access.clone(), table: table.clone(), statements: Arc::clone(statements) }
    }
}

impl<DB: Database> fmt::Debug for TowerSessionsTable<DB> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TowerSessionsTable")
            .field("access", &self.access)
            .field("table", &self.table)
            .finish_non_exhaustive()
    }
}
