//! The interface that the stores need of a database and of its driver.

// `Driver` seals `Database`: other crates cannot name it.
#![allow(unnameable_types)]

use std::{future::Future, sync::Arc};

use sqlx::pool::PoolConnection;

use crate::statements::{Dialect, Statements};

/// The databases that a [`SqlStore`](crate::SqlStore) can use. They are those of this crate's features.
pub trait Database: Driver {}

/// A statement, and the values of its parameters.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    pub(crate) text: &'a Arc<str>,
    pub(crate) values: &'a [Value<'a>],
    pub(crate) mode: Mode,
}

/// The way in which a statement is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Prepared once a connection, and known to the server by a name from then on.
    Prepared,
    /// Prepared and executed within one transaction, and known by no name.
    #[cfg(feature = "postgres")]
    Unprepared,
}

/// The value of a parameter.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Value<'a> {
    Id(&'a str),
    Long(i64),
    Int(i32),
    Owner(Option<&'a str>),
    Record(&'a [u8]),
}

/// The id and the record in a row.
pub(crate) type Row = (String, Vec<u8>);

/// The part of [`Database`] that is private.
pub trait Driver: sqlx::Database {
    const DIALECT: Dialect;

    #[cfg(feature = "formats")]
    const TOWER_SESSIONS: crate::tower_sessions::statements::Dialect;

    /// Returns whether an error of the server promises that the statement had no effect.
    fn is_not_done(error: &dyn sqlx::error::DatabaseError) -> bool;

    /// Returns whether an error of the server says that it rolled the statement back for another one, as it ends a deadlock.
    fn is_conflict(error: &dyn sqlx::error::DatabaseError) -> bool;

    /// Takes a connection out of use while a statement is under way on it.
    fn abandon(connection: PoolConnection<Self>);

    /// Runs a statement, and returns the number of rows that it found or wrote.
    fn execute(connection: &mut Self::Connection, call: Call<'_>) -> impl Future<Output = sqlx::Result<u64>> + Send;

    /// Returns the record in the only row.
    fn record(
        connection: &mut Self::Connection,
        call: Call<'_>,
    ) -> impl Future<Output = sqlx::Result<Option<Vec<u8>>>> + Send;

    /// Returns all rows.
    fn rows(connection: &mut Self::Connection, call: Call<'_>) -> impl Future<Output = sqlx::Result<Vec<Row>>> + Send;

    /// Runs statements without parameters.
    fn script(connection: &mut Self::Connection, text: String) -> impl Future<Output = sqlx::Result<()>> + Send;

    /// Leaves tombstones instead of the records of an owner, all but one, and returns their rows.
    fn revoke_all(
        connection: &mut Self::Connection,
        statements: &Statements,
        revocation: Revocation<'_>,
    ) -> impl Future<Output = sqlx::Result<Vec<Row>>> + Send {
        async move {
            let Revocation { tombstone: (expires_at, sweep), owner, but, mode } = revocation;
            let values = [Value::Long(expires_at), Value::Int(sweep), Value::Owner(Some(owner)), Value::Id(but)];
            Self::rows(connection, Call { text: &statements.revoke_all, values: &values, mode }).await
        }
    }
}

/// The values of a revocation of all sessions of an owner.
#[derive(Clone, Copy, Debug)]
pub struct Revocation<'a> {
    pub(crate) tombstone: (i64, i32),
    pub(crate) owner: &'a str,
    /// The id to keep, or an empty text.
    pub(crate) but: &'a str,
    pub(crate) mode: Mode,
}

/// The methods of [`Driver`] that are the same text for each driver, and not the same types.
macro_rules! driver {
    () => {
        async fn execute(connection: &mut Self::Connection, call: $crate::database::Call<'_>) -> sqlx::Result<u64> {
            if call.mode == $crate::database::Mode::Prepared {
                return Ok(query(call).execute(connection).await?.rows_affected());
            }
            let mut transaction = sqlx::Connection::begin(connection).await?;
            let done = query(call).persistent(false).execute(&mut *transaction).await?;
            transaction.commit().await?;
            Ok(done.rows_affected())
        }

        async fn record(
            connection: &mut Self::Connection,
            call: $crate::database::Call<'_>,
        ) -> sqlx::Result<Option<Vec<u8>>> {
            let read = |row: Self::Row| sqlx::Row::try_get(&row, 0);
            if call.mode == $crate::database::Mode::Prepared {
                return query(call).fetch_optional(connection).await?.map(read).transpose();
            }
            let mut transaction = sqlx::Connection::begin(connection).await?;
            let row = query(call).persistent(false).fetch_optional(&mut *transaction).await?;
            transaction.commit().await?;
            row.map(read).transpose()
        }

        async fn rows(
            connection: &mut Self::Connection,
            call: $crate::database::Call<'_>,
        ) -> sqlx::Result<Vec<$crate::database::Row>> {
            let read = |row: Self::Row| Ok((sqlx::Row::try_get(&row, 0)?, sqlx::Row::try_get(&row, 1)?));
            if call.mode == $crate::database::Mode::Prepared {
                return query(call).fetch_all(connection).await?.into_iter().map(read).collect();
            }
            let mut transaction = sqlx::Connection::begin(connection).await?;
            let rows = query(call).persistent(false).fetch_all(&mut *transaction).await?;
            transaction.commit().await?;
            rows.into_iter().map(read).collect()
        }

        async fn script(connection: &mut Self::Connection, text: String) -> sqlx::Result<()> {
            sqlx::raw_sql(sqlx::AssertSqlSafe(text)).execute(connection).await.map(drop)
        }
    };
}
pub(crate) use driver;

/// The function `query` of a driver's module.
macro_rules! query {
    ($database:ty, $arguments:ty, $owner:ident => $bound:expr) => {
        fn query(call: $crate::database::Call<'_>) -> sqlx::query::Query<'static, $database, $arguments> {
            use $crate::database::Value;
            // Every part of the text comes from this crate, and the table's name was checked.
            let query = sqlx::query(sqlx::AssertSqlSafe(std::sync::Arc::clone(call.text)));
            call.values.iter().fold(query, |query, value| match *value {
                Value::Id(id) => query.bind(id),
                Value::Long(number) => query.bind(number),
                Value::Int(number) => query.bind(number),
                Value::Owner($owner) => query.bind($bound),
                Value::Record(bytes) => query.bind(bytes),
            })
        }
    };
}
pub(crate) use query;
