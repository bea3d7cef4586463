//! PostgreSQL.

use sqlx::{
    Postgres,
    error::DatabaseError,
    pool::PoolConnection,
    postgres::{PgArguments, PgDatabaseError, PgSeverity},
};

use crate::{
    SqlStore,
    database::{Database, Driver, driver, query},
    statements::Dialect,
};

/// Keeps sessions in PostgreSQL.
pub type PostgresStore = SqlStore<Postgres>;

impl PostgresStore {
    /// Prepares no statement under a name: for PgBouncer before 1.21 in transaction mode, and for other poolers that give each
    /// transaction another connection of the server.
    ///
    /// Each statement then runs in a transaction of its own. A call costs two round trips more.
    #[must_use]
    pub fn unprepared(self) -> Self {
        Self { access: self.access.unprepared(), ..self }
    }
}

impl Database for Postgres {}

impl Driver for Postgres {
    const DIALECT: Dialect = Dialect {
        quote: '"',
        is_numbered: true,
        empty: "''",
        or_nothing: " on conflict (id) do nothing",
        returning: " returning id, record",
        // The array is found once. With `in`, a plan may find the rows again, and other ones because of `skip locked`.
        sweep: "delete from {table} where id = any (array(select id from {table} where sweep <= ? order by sweep limit ? \
                for update skip locked))",
        schema: include_str!("../schema/postgres.sql"),
        // `if not exists` fails if two do it at once. The statements are one transaction.
        before_schema: "select pg_advisory_xact_lock(7161381950);\n",
        is_index_qualified: false,
    };

    #[cfg(feature = "formats")]
    const TOWER_SESSIONS: crate::tower_sessions::statements::Dialect = crate::tower_sessions::statements::Dialect {
        table: (Some("tower_sessions"), "session"),
        id_is: ("id = ?", 1),
        is_alive: "expiry_date > now()",
        until: "now() + cast(? as float8) * interval '1 millisecond'",
        // `least`, because no difference to `infinity` is a number.
        left: "cast(floor(extract(epoch from least(expiry_date, now() + interval '1000 years') - now()) * 1000) as text)",
    };

    /// An `ERROR` rolls the statement back. A `FATAL` ends the connection, also after the commit and before the reply.
    fn is_not_done(error: &dyn DatabaseError) -> bool {
        let Some(error) = error.try_downcast_ref::<PgDatabaseError>() else { return false };
        let (code, severity) = (error.code(), error.severity());
        // Of 40003, statement_completion_unknown, the name says it. 08 is for connections, also those behind a pooler.
        severity == PgSeverity::Error && code != "40003" && !code.starts_with("08")
    }

    /// Serialization failure, and deadlock.
    fn is_conflict(error: &dyn DatabaseError) -> bool {
        matches!(error.code().as_deref(), Some("40001" | "40P01"))
    }

    /// Closes it. The pool would wait for the reply of a server that may be gone.
    fn abandon(connection: PoolConnection<Self>) {
        drop(connection.detach());
    }

    driver!();
}

query!(Postgres, PgArguments, owner => owner);
