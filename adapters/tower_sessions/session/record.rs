//! The records of a store of tower-sessions.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use time::OffsetDateTime;

use super::Id;

/// The record that a store of tower-sessions keeps under an id.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// The id.
    pub id: Id,
    /// The keys and values.
    pub data: HashMap<String, Value>,
    /// The time from which on the store may drop the record.
    pub expiry_date: OffsetDateTime,
}
