//! The marker of a record that its own key does not open: it was renewed, moves, or has moved.
//!
//! Another crate's record has no credentials, because its key is the whole token. A record with other credentials gets them as
//! one more key of its state. The other crate's nodes see a session with this key.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::store::{Credentials, Record, State};

/// The key of the marker. A state with such a key cannot be written, because its value could be read as a marker.
pub(super) const KEY: &str = "cloakroom";

/// The nonce and the credentials of a record.
pub(super) struct Marker {
    pub(super) nonce: u64,
    pub(super) credentials: Credentials,
}

/// Returns the record's state with its marker.
pub(super) fn marked(record: &Record) -> State {
    let mut bytes = record.nonce().to_le_bytes().to_vec();
    record.credentials().write_to(&mut bytes);
    let marker = format!("\"{}\"", URL_SAFE_NO_PAD.encode(bytes));
    record.state().iter().chain([(KEY, marker.as_str())]).collect()
}

/// Takes the marker from a state. A key with the same name that another crate's node wrote stays.
pub(super) fn take(state: State) -> (State, Option<Marker>) {
    let marker = state.get(KEY).and_then(|raw| {
        let bytes = URL_SAFE_NO_PAD.decode(raw.strip_prefix('"')?.strip_suffix('"')?).ok()?;
        let (nonce, credentials) = bytes.split_first_chunk()?;
        Some(Marker { nonce: u64::from_le_bytes(*nonce), credentials: Credentials::from_bytes(credentials)? })
    });
    match marker {
        Some(marker) => (state.iter().filter(|(key, _)| *key != KEY).collect(), Some(marker)),
        None => (state, None),
    }
}
