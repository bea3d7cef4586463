//! The texts of the statements.

// The trait that seals `Database` has them.
#![allow(unnameable_types)]

use std::sync::Arc;

use crate::{database::Database, statements::text_of, table::Table};

/// The differences between the databases.
#[derive(Clone, Copy, Debug)]
pub struct Dialect {
    /// The schema and the name of the table.
    pub(crate) table: (Option<&'static str>, &'static str),
    /// Holds for the row with an id: the number of its parameters, which are all the id.
    pub(crate) id_is: (&'static str, usize),
    /// Holds for a row whose time is not over.
    pub(crate) is_alive: &'static str,
    /// The date in a number of milliseconds, its only parameter.
    pub(crate) until: &'static str,
    /// The milliseconds until the row's date, as text. An empty text: the row is kept for ever.
    pub(crate) left: &'static str,
}

#[derive(Debug)]
pub(crate) struct Statements {
    /// Has the rest of the time, and the record.
    pub(super) load: Arc<str>,
    pub(super) create: Arc<str>,
    pub(super) replace: Arc<str>,
    pub(super) delete: Arc<str>,
    pub(super) delete_base: Arc<str>,
    pub(super) delete_expired: Arc<str>,
}

impl Statements {
    pub(super) fn of<DB: Database>(table: &Table) -> Arc<Self> {
        let Dialect { id_is: (id_is, _), is_alive, until, left, .. } = DB::TOWER_SESSIONS;
        let or_nothing = DB::DIALECT.or_nothing;
        let name = table.quoted(DB::DIALECT.quote);
        let build = |text: String| -> Arc<str> { text_of(&text, &name, DB::DIALECT).into() };
        Arc::new(Self {
            load: build(format!("select {left}, data from {{table}} where {id_is} and {is_alive}")),
            create: build(format!("insert into {{table}} (id, data, expiry_date) values (?, ?, {until}){or_nothing}")),
            replace: build(format!(
                "update {{table}} set data = ?, expiry_date = {until} where {id_is} and {is_alive} and data = ?"
            )),
            delete: build(format!("delete from {{table}} where {id_is} and {is_alive}")),
            delete_base: build(format!("delete from {{table}} where {id_is} and {is_alive} and data = ?")),
            delete_expired: build(format!("delete from {{table}} where {id_is} and not ({is_alive})")),
        })
    }
}
