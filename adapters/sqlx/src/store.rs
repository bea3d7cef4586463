//! The store, and its options.

use std::{fmt, sync::Arc, time::Duration};

use sqlx::Pool;

use crate::{
    access::Access,
    database::{Call, Database, Value},
    failure::Failure,
    lease::Lease,
    statements::Statements,
    table::{Table, TableError},
};

/// Keeps sessions in one table of a SQL database, over a pool of the application.
///
/// [`PostgresStore`](crate::PostgresStore), [`MySqlStore`](crate::MySqlStore) and [`SqliteStore`](crate::SqliteStore) are the
/// names of its three kinds. Clones share the pool.
pub struct SqlStore<DB: Database> {
    pub(crate) access: Access<DB>,
    pub(crate) table: Table,
    pub(crate) statements: Arc<Statements>,
}

impl<DB: Database> SqlStore<DB> {
    /// Makes a store over `pool`, with the table `cloakroom_sessions`. Does not connect.
    ///
    /// The table must exist before the first session is stored: see [`schema`](Self::schema) and [`migrate`](Self::migrate).
    #[must_use]
    pub fn new(pool: Pool<DB>) -> Self {
        let table = Table::default();
        let statements = Statements::of::<DB>(&table);
        Self { access: Access::new(pool), table, statements }
    }

    /// Sets the table: `name`, or `schema.name`. Default: `cloakroom_sessions`.
    ///
    /// Names have lower-case letters, digits and underscores, and at most 57 characters each.
    ///
    /// # Errors
    ///
    /// The name has other characters, or is too long.
    pub fn table(self, name: &str) -> Result<Self, TableError> {
        let table = Table::parse(name)?;
        let statements = Statements::of::<DB>(&table);
        Ok(Self { table, statements, ..self })
    }

    /// Limits the time that a call waits for a connection of the pool, including the time to make one. Default: 1 s.
    ///
    /// The pool's own limit holds, too.
    #[must_use]
    pub fn acquire_timeout(self, limit: Duration) -> Self {
        Self { access: self.access.acquire_timeout(limit), ..self }
    }

    /// Limits the time of the statements of one call. Default: 1 s.
    ///
    /// After that time, the store closes the connection to the server, and the call's outcome is unknown. The request finds
    /// out about it.
    #[must_use]
    pub fn query_timeout(self, limit: Duration) -> Self {
        Self { access: self.access.query_timeout(limit), ..self }
    }

    pub(crate) async fn lease(&self) -> Result<Lease<DB>, Failure> {
        self.access.lease().await
    }

    pub(crate) fn call<'a>(&self, text: &'a Arc<str>, values: &'a [Value<'a>]) -> Call<'a> {
        self.access.call(text, values)
    }
}

impl<DB: Database> Clone for SqlStore<DB> {
    fn clone(&self) -> Self {
        let Self { access, table, statements } = self;
        Self { access: access.clone(), table: table.clone(), statements: Arc::clone(statements) }
    }
}

impl<DB: Database> fmt::Debug for SqlStore<DB> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqlStore").field("access", &self.access).field("table", &self.table).finish_non_exhaustive()
    }
}
