//! The way to the database: the application's pool, and how calls go over it.

use std::{fmt, sync::Arc, time::Duration};

use sqlx::Pool;

use crate::{
    database::{Call, Database, Mode, Value},
    failure::Failure,
    lease::{Lease, Timeouts},
};

/// Reaches the database over the application's pool. Clones share the pool.
pub(crate) struct Access<DB: Database> {
    pub(crate) pool: Pool<DB>,
    pub(crate) mode: Mode,
    timeouts: Timeouts,
}

impl<DB: Database> Access<DB> {
    pub(crate) fn new(pool: Pool<DB>) -> Self {
        Self { pool, mode: Mode::Prepared, timeouts: Timeouts::default() }
    }

    pub(crate) fn acquire_timeout(self, limit: Duration) -> Self {
        Self { timeouts: self.timeouts.acquire(limit), ..self }
    }

    pub(crate) fn query_timeout(self, limit: Duration) -> Self {
        Self { timeouts: self.timeouts.query(limit), ..self }
    }

    #[cfg(feature = "postgres")]
    pub(crate) fn unprepared(self) -> Self {
        Self { mode: Mode::Unprepared, ..self }
    }

    pub(crate) async fn lease(&self) -> Result<Lease<DB>, Failure> {
        Lease::acquire(&self.pool, self.timeouts).await
    }

    pub(crate) fn call<'a>(&self, text: &'a Arc<str>, values: &'a [Value<'a>]) -> Call<'a> {
        Call { text, values, mode: self.mode }
    }
}

impl<DB: Database> Clone for Access<DB> {
    fn clone(&self) -> Self {
        Self { pool: self.pool.clone(), mode: self.mode, timeouts: self.timeouts }
    }
}

/// Shows no address, which may have a password.
impl<DB: Database> fmt::Debug for Access<DB> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Access")
            .field("database", &DB::NAME)
            .field("timeouts", &self.timeouts)
            .field("mode", &self.mode)
            .finish_non_exhaustive()
    }
}
