//! Records whose changes are marks: the list of numbers under the key `n`.

use crate::store::{Credentials, Record, SecretHash, State as Values, Timestamp, random_nonce};

/// Returns the record that every scene begins with.
pub(super) fn start() -> Record {
    let mut record = Record::new(
        Credentials::new(SecretHash::from_bytes([1; 32])),
        Values::default(),
        Timestamp::from_millis(0),
        Timestamp::MAX,
    );
    let body = record.body_mut();
    (body.nonce, body.rest.trail) = (random_nonce(), Some([0; 4]));
    record
}

/// Returns the marks of a record, in the order in which they were made.
pub(super) fn marks(record: &Record) -> Vec<u8> {
    record.state().get("n").map_or_else(Vec::new, |raw| serde_json::from_str(raw).unwrap())
}

pub(super) fn marked(mut record: Record, marks: &[u8]) -> Record {
    record.body_mut().state = [("n", serde_json::to_string(marks).unwrap())].into_iter().collect();
    record
}

pub(super) fn add(record: &Record, mark: u8) -> Record {
    marked(record.clone(), &[marks(record), vec![mark]].concat())
}
