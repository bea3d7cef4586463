//! The name of the table.

use std::fmt;

/// The table of a store that was given no other.
pub(crate) const DEFAULT: &str = "cloakroom_sessions";
/// PostgreSQL cuts longer names. The names of the indexes add seven characters.
const LONGEST: usize = 63 - "_owner".len();

/// The name of a table, of which every part is a plain word.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    schema: Option<String>,
    name: String,
}

impl Table {
    pub(crate) fn parse(text: &str) -> Result<Self, TableError> {
        let (schema, name) = text.split_once('.').map_or((None, text), |(schema, name)| (Some(schema), name));
        if !schema.into_iter().chain([name]).all(is_word) {
            return Err(TableError { name: text.to_owned(), is_foreign: false });
        }
        Ok(Self { schema: schema.map(str::to_owned), name: name.to_owned() })
    }

    /// Returns a table of another crate.
    #[cfg(feature = "formats")]
    pub(crate) fn named(schema: Option<&str>, name: &str) -> Self {
        Self { schema: schema.map(str::to_owned), name: name.to_owned() }
    }

    #[cfg(feature = "formats")]
    pub(crate) fn in_schema(&self, schema: &str) -> Result<Self, TableError> {
        Ok(Self { schema: Some(foreign(schema)?), ..self.clone() })
    }

    #[cfg(feature = "formats")]
    pub(crate) fn renamed(&self, name: &str) -> Result<Self, TableError> {
        Ok(Self { name: foreign(name)?, ..self.clone() })
    }

    /// Returns the name as a statement has it, in the database's quotes.
    pub(crate) fn quoted(&self, quote: char) -> String {
        let name = format!("{quote}{}{quote}", self.name);
        self.schema.as_ref().map_or(name.clone(), |schema| format!("{quote}{schema}{quote}.{name}"))
    }

    /// Returns the schema in quotes and with a dot, and the name without a schema.
    pub(crate) fn parts(&self, quote: char) -> (String, &str) {
        let schema = self.schema.as_ref().map_or(String::new(), |schema| format!("{quote}{schema}{quote}."));
        (schema, &self.name)
    }
}

impl Default for Table {
    fn default() -> Self {
        Self { schema: None, name: DEFAULT.to_owned() }
    }
}

fn is_word(text: &str) -> bool {
    let is_first = |char: char| char.is_ascii_lowercase() || char == '_';
    text.len() <= LONGEST
        && text.starts_with(is_first)
        && text.chars().all(|char| is_first(char) || char.is_ascii_digit())
}

/// Accepts the names of other crates' tables, which are always quoted.
#[cfg(feature = "formats")]
fn foreign(text: &str) -> Result<String, TableError> {
    let is_right = |char: char| char.is_alphanumeric() || matches!(char, '_' | '$' | '-');
    if text.is_empty() || !text.chars().all(is_right) {
        return Err(TableError { name: text.to_owned(), is_foreign: true });
    }
    Ok(text.to_owned())
}

/// The name of a table cannot be used: see [`SqlStore::table`](crate::SqlStore::table).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableError {
    name: String,
    /// It is the name of another crate's table.
    is_foreign: bool,
}

impl fmt::Display for TableError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_foreign {
            return write!(
                f,
                "{:?} cannot be the name of a table: expected letters, digits, `_`, `$` and `-`",
                self.name
            );
        }
        write!(
            f,
            "{:?} cannot be the name of a table: expected `name` or `schema.name`, each of at most {LONGEST} lower-case \
             letters, digits and underscores, without a digit in front",
            self.name
        )
    }
}

impl std::error::Error for TableError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_words_are_names() {
        for (name, quoted) in [("sessions", "\"sessions\""), ("auth.s_1", "\"auth\".\"s_1\""), ("_order", "\"_order\"")]
        {
            assert_eq!(Table::parse(name).unwrap().quoted('"'), quoted);
        }
        let long = "x".repeat(LONGEST + 1);
        for name in
            ["", ".", "a.", ".a", "a.b.c", "a b", "a;b", "a\"b", "a`b", "Sessions", "1a", "a-b", "é", "a\0", &long]
        {
            let error = Table::parse(name).unwrap_err();
            assert!(error.to_string().starts_with(&format!("{name:?}")), "{error}");
        }
    }
}
