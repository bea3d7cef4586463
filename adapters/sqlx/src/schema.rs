//! The statements that make the table.

use crate::{
    SqlStore,
    database::{Database, Driver},
    statements::Dialect,
    table::{DEFAULT, Table},
};

impl<DB: Database> SqlStore<DB> {
    /// Returns the statements that make the table `cloakroom_sessions` and its indexes, for migrations of your own. The files
    /// in the crate's folder `schema` have the same text.
    #[must_use]
    pub fn schema() -> &'static str {
        DB::DIALECT.schema
    }

    /// Makes the table and its indexes if they do not exist, for tests and small services. It needs the right to create
    /// tables, and may be called by several processes at once.
    ///
    /// It makes no database and no schema, and it keeps no list of migrations.
    ///
    /// # Errors
    ///
    /// The pool gave no connection, or the database refused the statements.
    pub async fn migrate(&self) -> sqlx::Result<()> {
        let mut connection = self.access.pool.acquire().await?;
        DB::script(&mut connection, script::<DB>(&self.table)).await
    }
}

/// Returns the schema with another table.
fn script<DB: Driver>(table: &Table) -> String {
    let Dialect { quote, before_schema, is_index_qualified, schema: text, .. } = DB::DIALECT;
    let (schema, name) = table.parts(quote);
    let (index_schema, indexed) =
        if is_index_qualified { (schema.as_str(), format!("{quote}{name}{quote}")) } else { ("", table.quoted(quote)) };
    let index = |which: &str| format!("{index_schema}{quote}{name}_{which}{quote}");
    let text = text.replace(&format!(" on {DEFAULT} "), &format!(" on {indexed} "));
    let text = text.replace(&format!("{DEFAULT}_owner"), &index("owner"));
    let text = text.replace(&format!("{DEFAULT}_sweep"), &index("sweep"));
    format!("{before_schema}{}", text.replace(&format!(" {DEFAULT} "), &format!(" {} ", table.quoted(quote))))
}
