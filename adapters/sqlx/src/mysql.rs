//! MySQL and MariaDB.

use sqlx::{
    Connection as _, MySql,
    error::DatabaseError,
    mysql::{MySqlArguments, MySqlConnection, MySqlDatabaseError},
    pool::PoolConnection,
};

use crate::{
    SqlStore,
    database::{Call, Database, Driver, Revocation, Row, Value, driver, query},
    statements::{Dialect, Statements},
};

/// Keeps sessions in MySQL or MariaDB.
pub type MySqlStore = SqlStore<MySql>;

impl Database for MySql {}

impl Driver for MySql {
    const DIALECT: Dialect = Dialect {
        quote: '`',
        is_numbered: false,
        empty: "''",
        // `on duplicate key update` does not tell whether there was a row, and `insert ignore` ignores more than that.
        or_nothing: "",
        returning: "",
        sweep: "delete from {table} where sweep <= ? order by sweep limit ?",
        schema: include_str!("../schema/mysql.sql"),
        before_schema: "",
        is_index_qualified: false,
    };

    /// A `timestamp` ends in 2038, and is compared with times in the connection's time zone.
    #[cfg(feature = "formats")]
    const TOWER_SESSIONS: crate::tower_sessions::statements::Dialect = crate::tower_sessions::statements::Dialect {
        table: (Some("tower_sessions"), "session"),
        // The first one uses the index, and the second one the case of letters.
        id_is: ("id = ? and cast(id as binary) = cast(? as binary)", 2),
        is_alive: "expiry_date > now(6)",
        until: "least(timestampadd(microsecond, ? * 1000, now(6)), from_unixtime(2147483647))",
        left: "if(expiry_date >= from_unixtime(2147483647), '', \
               cast(timestampdiff(microsecond, now(6), expiry_date) div 1000 as char))",
    };

    fn is_not_done(error: &dyn DatabaseError) -> bool {
        error.try_downcast_ref::<MySqlDatabaseError>().is_some_and(|error| is_refused(error.number(), error.code()))
    }

    /// A deadlock. MariaDB 11.6 has another error for a row that changed since the transaction began.
    fn is_conflict(error: &dyn DatabaseError) -> bool {
        error.try_downcast_ref::<MySqlDatabaseError>().is_some_and(|error| matches!(error.number(), 1213 | 1020))
    }

    /// Closes it. A connection that was dropped while it prepared a statement takes the next reply for another one's.
    fn abandon(connection: PoolConnection<Self>) {
        drop(connection.detach());
    }

    /// In one transaction, because an `update` of MySQL does not return what it wrote.
    async fn revoke_all(
        connection: &mut MySqlConnection,
        statements: &Statements,
        revocation: Revocation<'_>,
    ) -> sqlx::Result<Vec<Row>> {
        let Revocation { tombstone: (expires_at, sweep), owner, but, mode } = revocation;
        let mut transaction = connection.begin().await?;
        let values = [Value::Owner(Some(owner)), Value::Id(but)];
        let rows = Self::rows(&mut transaction, Call { text: &statements.lock_owned, values: &values, mode }).await?;
        if !rows.is_empty() {
            let values = [Value::Long(expires_at), Value::Int(sweep), Value::Owner(Some(owner)), Value::Id(but)];
            Self::execute(&mut transaction, Call { text: &statements.revoke_all, values: &values, mode }).await?;
        }
        transaction.commit().await?;
        Ok(rows)
    }

    driver!();
}

query!(MySql, MySqlArguments, owner => owner.map(str::as_bytes));

/// Returns whether this error says that the statement was refused or rolled back.
///
/// An error is in doubt unless it is known: MySQL has errors for a commit that failed half-way, and for connections.
fn is_refused(number: u16, state: Option<&str>) -> bool {
    // 22: a value; 23: a constraint; 42: no table, no right, a syntax error.
    let is_of_class = state.is_some_and(|state| ["22", "23", "42"].iter().any(|class| state.starts_with(class)));
    is_of_class
        || matches!(
            number,
            // Too many connections, also of one user.
            1040 | 1203 | 1226
            // The disk or the table is full, too many locks, the lock did not come in time, a deadlock, another snapshot.
            | 1021 | 1114 | 1206 | 1205 | 1213 | 1020
            // The statement was killed, or took too long.
            | 1317 | 1969 | 3024
            // Read-only.
            | 1290 | 1792 | 1836 | 3989
        )
}
