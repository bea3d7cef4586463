//! A connection of the pool, for one call of a store.

use std::{future::Future, time::Duration};

use sqlx::{Pool, pool::PoolConnection};
use tokio::time::{Instant, timeout, timeout_at};

use crate::{
    database::{Call, Database, Revocation, Row},
    failure::Failure,
    statements::Statements,
};

/// The longest time-out. Longer ones are cut to a year, so that no sum of times overflows.
const LONGEST: Duration = Duration::from_hours(365 * 24);

/// The number of times that a statement is sent if the database rolls it back for another one.
const TRIES: u32 = 8;

/// The time-outs of a store.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timeouts {
    acquire: Duration,
    query: Duration,
}

impl Timeouts {
    pub(crate) fn acquire(self, limit: Duration) -> Self {
        Self { acquire: limit.min(LONGEST), ..self }
    }

    pub(crate) fn query(self, limit: Duration) -> Self {
        Self { query: limit.min(LONGEST), ..self }
    }
}

impl Default for Timeouts {
    fn default() -> Self {
        Self { acquire: Duration::from_secs(1), query: Duration::from_secs(1) }
    }
}

/// Sends a statement, and sends it again if the database rolled it back for another one: after a deadlock it had no effect, and
/// its way is free. A macro, because a future that a closure returns has no `Send` bound.
macro_rules! send {
    ($lease:expr, |$connection:ident| $statement:expr) => {{
        let mut tries = 1;
        loop {
            let ($connection, guard) = $lease.begin()?;
            match guard.end::<DB, _>($statement).await {
                Err(failure) if failure.is_conflict() && tries < TRIES => tries += 1,
                ended => break ended,
            }
        }
    }};
}

/// A connection of the pool. It goes back when it is dropped, or is abandoned if a statement is under way on it.
pub(crate) struct Lease<DB: Database> {
    connection: Option<PoolConnection<DB>>,
    is_busy: bool,
    limit: Duration,
    /// The time at which the last statement must have ended.
    ends: Instant,
}

impl<DB: Database> Lease<DB> {
    pub(crate) async fn acquire(pool: &Pool<DB>, timeouts: Timeouts) -> Result<Self, Failure> {
        let Timeouts { acquire, query } = timeouts;
        let connection = match timeout(acquire, pool.acquire()).await {
            Ok(Ok(connection)) => Some(connection),
            Ok(Err(error)) => return Err(Failure::no_connection(Some(error), acquire)),
            Err(_) => return Err(Failure::no_connection(None, acquire)),
        };
        Ok(Self { connection, is_busy: false, limit: query, ends: Instant::now() + query })
    }

    /// Runs a statement, and returns the number of rows that it found or wrote.
    pub(crate) async fn execute(&mut self, call: Call<'_>) -> Result<u64, Failure> {
        send!(self, |connection| DB::execute(connection, call))
    }

    /// Returns the record in the only row.
    pub(crate) async fn record(&mut self, call: Call<'_>) -> Result<Option<Vec<u8>>, Failure> {
        send!(self, |connection| DB::record(connection, call))
    }

    /// Returns all rows.
    pub(crate) async fn rows(&mut self, call: Call<'_>) -> Result<Vec<Row>, Failure> {
        send!(self, |connection| DB::rows(connection, call))
    }

    pub(crate) async fn revoke_all(
        &mut self,
        statements: &Statements,
        revocation: Revocation<'_>,
    ) -> Result<Vec<Row>, Failure> {
        send!(self, |connection| DB::revoke_all(connection, statements, revocation))
    }

    fn begin(&mut self) -> Result<(&mut DB::Connection, Guard<'_>), Failure> {
        self.is_busy = true;
        let Self { connection, is_busy, limit, ends } = self;
        let Some(connection) = connection else { return Err(Failure::no_connection(None, Duration::ZERO)) };
        Ok((&mut *connection, Guard { is_busy, limit: *limit, ends: *ends }))
    }
}

impl<DB: Database> Drop for Lease<DB> {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take()
            && self.is_busy
        {
            DB::abandon(connection);
        }
    }
}

/// Remembers that a statement is under way until it has ended.
struct Guard<'a> {
    is_busy: &'a mut bool,
    limit: Duration,
    ends: Instant,
}

impl Guard<'_> {
    async fn end<DB: Database, T>(self, statement: impl Future<Output = sqlx::Result<T>> + Send) -> Result<T, Failure> {
        let ended = timeout_at(self.ends, statement).await.map_err(|_| Failure::no_reply(self.limit))?;
        // After an error of the server the connection is as good as before. After others it is not.
        *self.is_busy = !matches!(ended, Ok(_) | Err(sqlx::Error::Database(_)));
        ended.map_err(Failure::of::<DB>)
    }
}
