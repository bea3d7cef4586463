//! The texts of the statements, built once for a store.

// The trait that seals `Database` has them.
#![allow(unnameable_types)]

use std::sync::Arc;

use crate::{database::Database, table::Table};

/// The texts of all statements over one table.
///
/// Each uses its parameters once and in their order, because MySQL has nothing but `?`.
#[derive(Debug)]
pub struct Statements {
    pub(crate) load: Arc<str>,
    pub(crate) create: Arc<str>,
    pub(crate) replace: Arc<str>,
    /// The same, of a record with the same owner and the same hour: it writes no column of an index. SQLite writes an index
    /// anew if a statement names its column, also with the same value.
    pub(crate) rewrite: Arc<str>,
    /// Leaves a tombstone instead of a record.
    pub(crate) bury: Arc<str>,
    /// The same, of a record with this nonce.
    pub(crate) bury_base: Arc<str>,
    /// The same, of a record with this owner.
    pub(crate) bury_owned: Arc<str>,
    /// Keeps a tombstone for longer.
    pub(crate) keep_buried: Arc<str>,
    pub(crate) list: Arc<str>,
    /// Names the sessions after an id, in the order of the ids.
    pub(crate) scan: Arc<str>,
    pub(crate) revoke_all: Arc<str>,
    /// Finds and locks the rows that `revoke_all` is about to write, in a database that does not return what it updated.
    #[cfg(feature = "mysql")]
    pub(crate) lock_owned: Arc<str>,
    pub(crate) sweep: Arc<str>,
}

/// The differences between the statements of the databases.
#[derive(Clone, Copy, Debug)]
pub struct Dialect {
    /// Quotes names.
    pub(crate) quote: char,
    /// The parameters are `$1`, `$2` instead of `?`.
    pub(crate) is_numbered: bool,
    /// The empty blob.
    pub(crate) empty: &'static str,
    /// Ends an `insert` that does nothing if the id is taken.
    pub(crate) or_nothing: &'static str,
    /// Ends an `update` that returns the rows that it wrote.
    pub(crate) returning: &'static str,
    /// Deletes a number of rows that may be swept.
    pub(crate) sweep: &'static str,
    /// The statements that make the table.
    pub(crate) schema: &'static str,
    /// Comes before them.
    pub(crate) before_schema: &'static str,
    /// An index is made in the schema that its own name has, instead of its table's.
    pub(crate) is_index_qualified: bool,
}

impl Statements {
    pub(crate) fn of<DB: Database>(table: &Table) -> Arc<Self> {
        let dialect = DB::DIALECT;
        let Dialect { empty, or_nothing, returning, .. } = dialect;
        let name = table.quoted(dialect.quote);
        let build = |text: &str| -> Arc<str> { text_of(text, &name, dialect).into() };
        // `length` of a blob reads no more than its head, however long it is.
        let bury = format!(
            "update {{table}} set nonce = 0, expires_at = ?, sweep = ?, owner = null, record = {empty} where length(record) > 0"
        );
        Arc::new(Self {
            load: build("select record from {table} where id = ?"),
            create: build(&format!(
                "insert into {{table}} (id, nonce, expires_at, sweep, owner, record) values (?, ?, ?, ?, ?, ?){or_nothing}"
            )),
            replace: build(
                "update {table} set nonce = ?, expires_at = ?, sweep = ?, owner = ?, record = ? \
                 where id = ? and nonce = ? and length(record) > 0",
            ),
            rewrite: build(
                "update {table} set nonce = ?, expires_at = ?, record = ? where id = ? and nonce = ? and length(record) > 0",
            ),
            bury: build(&format!("{bury} and id = ?")),
            bury_base: build(&format!("{bury} and id = ? and nonce = ?")),
            bury_owned: build(&format!("{bury} and id = ? and owner = ?")),
            keep_buried: build("update {table} set expires_at = ?, sweep = ? where id = ? and length(record) = 0"),
            list: build("select id, substr(record, 1, 1024) from {table} where owner = ?"),
            // Rows have a record, so its first zero bytes are read.
            scan: build(
                "select id, substr(record, 1, 0) from {table} where id > ? and length(record) > 0 order by id limit 500",
            ),
            revoke_all: build(&format!("{bury} and owner = ? and id <> ?{returning}")),
            #[cfg(feature = "mysql")]
            lock_owned: build("select id, '' from {table} where owner = ? and id <> ? for update"),
            sweep: build(dialect.sweep),
        })
    }
}

/// Puts the table's name and the database's parameters into a text.
pub(crate) fn text_of(text: &str, table: &str, dialect: Dialect) -> String {
    let text = text.replace("{table}", table);
    if !dialect.is_numbered {
        return text;
    }
    let mut parts = text.split('?');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.zip(1..).fold(first, |text, (part, number)| format!("{text}${number}{part}"))
}
