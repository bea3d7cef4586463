//! The form of another crate's records and keys.

use crate::store::{State, Timestamp};

/// Reads and writes another crate's records. Does no I/O.
pub(super) trait Codec: Send + Sync {
    /// The name of the crate, for messages.
    fn name(&self) -> &'static str;

    /// Makes the key of a new session of random bytes.
    fn key(&self, random: &[u8; 32]) -> String;

    /// Returns true if a text has the form of a key.
    fn is_key(&self, text: &str) -> bool;

    /// Returns the name under which the store has the record of this key.
    fn address(&self, key: &str) -> String;

    /// Reads a record. Returns `None` if it has another form.
    fn read(&self, bytes: &[u8]) -> Option<Content>;

    /// Writes a record.
    fn write(&self, key: &str, content: &Content) -> Vec<u8>;

    /// Returns the first key whose value is another one when the record is read.
    fn changed<'a>(&self, state: &'a State) -> Option<&'a str>;
}

/// The content of a record.
pub(super) struct Content {
    pub(super) state: State,
    /// The deadline, if the record itself has one.
    pub(super) expires_at: Option<Timestamp>,
}
