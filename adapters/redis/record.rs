//! A record as the fields of a hash.

use ::redis::Value;

use super::{
    script::Call,
    summary::{self, Summary},
};
use crate::{Changes, Expected, KeyChange, Lifetime, Record, RecordParts, State, Timestamp};

/// What stands before a state key, in its field's name.
const STATE: &str = "s:";

/// The fields that say all but the state. The first one is always there.
pub(super) const META: [&str; 3] = ["record", "label", "lifetime"];

/// Appends the fields of a new record, each with its value behind it.
pub(super) fn write(record: &Record, indexed: Option<&str>, call: &mut Call) {
    call.arg(summary::write(record, indexed));
    if let Some(label) = record.label() {
        call.arg("label").arg(label);
    }
    if let Some(lifetime) = record.lifetime() {
        call.arg("lifetime").arg(lifetime.to_string());
    }
    for (key, value) in record.state().iter() {
        call.arg(state_field(key)).arg(value);
    }
}

/// The conditions on keys: the fields, then as many texts that say what must be there.
pub(super) fn write_conditions(changes: &Changes, call: &mut Call) {
    for change in conditions(changes) {
        call.arg(state_field(change.key()));
    }
    for change in conditions(changes) {
        match change.expected() {
            Expected::Value(value) => call.arg(format!("={value}")),
            Expected::Absent | Expected::Anything => call.arg("-"),
        };
    }
}

/// The keys that must have a value, or none, for changes to apply.
pub(super) fn conditions(changes: &Changes) -> impl Iterator<Item = &KeyChange> {
    changes.keys().iter().filter(|change| change.expected() != Expected::Anything)
}

/// The fields that go.
pub(super) fn removed(changes: &Changes) -> impl Iterator<Item = String> {
    let label = (changes.label() == Some(None)).then(|| "label".to_owned());
    let keys = changes.keys().iter().filter(|change| change.value().is_none());
    label.into_iter().chain(keys.map(|change| state_field(change.key())))
}

/// The fields that get a value, each with its value behind it.
pub(super) fn write_set(changes: &Changes, call: &mut Call) {
    if let Some(label) = changes.label().flatten() {
        call.arg("label").arg(label);
    }
    if let Some(lifetime) = changes.lifetime() {
        call.arg("lifetime").arg(lifetime.to_string());
    }
    for change in changes.keys() {
        if let Some(value) = change.value() {
            call.arg(state_field(change.key())).arg(value);
        }
    }
}

/// A point in time as the fields have it: a decimal number of milliseconds since 1970.
pub(super) fn millis(time: Timestamp) -> String {
    time.as_millis().to_string()
}

/// Puts a record together from what `HGETALL` answered; `None` where there is no such hash.
pub(super) fn record(fields: impl IntoIterator<Item = (Value, Value)>) -> Result<Option<Record>, String> {
    let mut meta: [Option<Value>; META.len()] = Default::default();
    let mut state = Vec::new();
    let mut is_empty = true;
    for (name, value) in fields {
        is_empty = false;
        let name = bytes("name", name)?;
        if name.starts_with(STATE.as_bytes()) {
            state.push((name, value));
        } else if let Some((place, _)) = meta.iter_mut().zip(META).find(|(_, known)| known.as_bytes() == name) {
            *place = Some(value);
        }
    }
    if is_empty {
        return Ok(None);
    }
    let mut entries = Vec::with_capacity(state.len());
    for (name, value) in &state {
        let name = text("name", name)?;
        let Value::BulkString(value) = value else { return Err(no_text(name)) };
        entries.push((name.strip_prefix(STATE).unwrap_or_default(), text(name, value)?));
    }
    from_meta(meta, entries.into_iter().collect()).map(Some)
}

/// Puts a record without its state together from what `HMGET` of [`META`] answered; `None` where there is no such hash.
pub(super) fn meta(values: Vec<Value>) -> Result<Option<Record>, String> {
    if values.iter().all(|value| *value == Value::Nil) {
        return Ok(None);
    }
    let mut meta: [Option<Value>; META.len()] = Default::default();
    for (place, value) in meta.iter_mut().zip(values) {
        *place = Some(value).filter(|value| *value != Value::Nil);
    }
    from_meta(meta, State::default()).map(Some)
}

/// Names the field or the part where it fails; its value is nobody's business in a log.
fn from_meta([line, label, lifetime]: [Option<Value>; META.len()], state: State) -> Result<Record, String> {
    let line = bytes("record", line.ok_or("its field `record` is missing")?)?;
    let line = text("record", &line)?;
    let unreadable = |part| format!("its field `record` cannot be read: `{part}` is missing or wrong");
    let summary = Summary::read(line).map_err(unreadable)?;
    let label = label.map(|label| string("label", label)).transpose()?;
    let lifetime = lifetime.map(|lifetime| string("lifetime", lifetime)).transpose()?;
    let lifetime = lifetime.map(|text| text.parse::<Lifetime>()).transpose();
    let parts = RecordParts {
        state,
        credentials: summary.credentials,
        nonce: summary.nonce,
        created_at: summary.created_at,
        last_used: summary.last_used,
        expires_at: summary.expires_at,
        owner: summary.owner.map(str::to_owned),
        label,
        lifetime: lifetime.map_err(|_| "its field `lifetime` cannot be read")?,
    };
    Ok(parts.into())
}

fn bytes(name: &str, value: Value) -> Result<Vec<u8>, String> {
    match value {
        Value::BulkString(bytes) => Ok(bytes),
        Value::SimpleString(text) => Ok(text.into_bytes()),
        _ => Err(no_text(name)),
    }
}

fn text<'a>(name: &str, bytes: &'a [u8]) -> Result<&'a str, String> {
    std::str::from_utf8(bytes).map_err(|_| no_text(name))
}

fn string(name: &str, value: Value) -> Result<String, String> {
    String::from_utf8(bytes(name, value)?).map_err(|_| no_text(name))
}

fn no_text(name: &str) -> String {
    format!("its field {name:?} is no text")
}

fn state_field(key: &str) -> String {
    [STATE, key].concat()
}
