//! A record as the fields of a hash.

use std::io::Write as _;

use ::redis::{RedisWrite, ToRedisArgs, Value};

use super::{
    columns::{self, Columns, Millis},
    damaged::Damaged,
    script::Call,
    store::unexpected,
};
use crate::{Changes, Expected, KeyChange, Lifetime, Record, RecordParts, SessionId, State, StoreError};

/// What stands before a state key, in its field's name.
const STATE: &str = "s:";

/// The fields that say all but the state. The first one is always there.
pub(super) const META: [&str; 3] = ["record", "label", "lifetime"];

/// Appends the fields of a new record, each with its value behind it.
pub(super) fn write(record: &Record, indexed: Option<&Millis>, call: &mut Call<'_>) {
    call.arg("record").arg(columns::line(record, indexed));
    if let Some(label) = record.label() {
        call.arg("label").arg(label);
    }
    if let Some(lifetime) = record.lifetime() {
        call.arg("lifetime").arg(lifetime.to_string());
    }
    for (key, value) in record.state().iter() {
        call.arg(Joined(STATE, key)).arg(value);
    }
}

/// The conditions on keys: the fields, then as many texts that say what must be there.
pub(super) fn write_conditions(changes: &Changes, call: &mut Call<'_>) {
    for change in conditions(changes) {
        call.arg(Joined(STATE, change.key()));
    }
    for change in conditions(changes) {
        match change.expected() {
            Expected::Value(value) => call.arg(Joined("=", value)),
            Expected::Absent | Expected::Anything => call.arg("-"),
        };
    }
}

/// The keys that must have a value, or none, for changes to apply.
pub(super) fn conditions(changes: &Changes) -> impl Iterator<Item = &KeyChange> {
    changes.keys().iter().filter(|change| change.expected() != Expected::Anything)
}

/// The fields that go.
pub(super) fn removed(changes: &Changes) -> impl Iterator<Item = Joined<'_>> {
    let label = (changes.label() == Some(None)).then_some(Joined("", "label"));
    let keys = changes.keys().iter().filter(|change| change.value().is_none());
    label.into_iter().chain(keys.map(|change| Joined(STATE, change.key())))
}

/// The fields that get a value, each with its value behind it.
pub(super) fn write_set(changes: &Changes, call: &mut Call<'_>) {
    if let Some(label) = changes.label().flatten() {
        call.arg("label").arg(label);
    }
    if let Some(lifetime) = changes.lifetime() {
        call.arg("lifetime").arg(lifetime.to_string());
    }
    for change in changes.keys() {
        if let Some(value) = change.value() {
            call.arg(Joined(STATE, change.key())).arg(value);
        }
    }
}

/// Two texts that are one argument.
pub(super) struct Joined<'a>(pub(super) &'static str, pub(super) &'a str);

impl ToRedisArgs for Joined<'_> {
    fn write_redis_args<W: ?Sized + RedisWrite>(&self, out: &mut W) {
        let mut argument = out.writer_for_next_arg();
        // It is a buffer that grows.
        let _ = argument.write_all(self.0.as_bytes()).and_then(|()| argument.write_all(self.1.as_bytes()));
    }
}

/// Puts a record together from what `HGETALL` answered; `None` where there is no such hash.
pub(super) fn record(id: &SessionId, reply: &Value) -> Result<Option<Record>, StoreError> {
    let (Some(fields), Some(again)) = (reply.as_map_iter(), reply.as_map_iter()) else { return Err(unexpected()) };
    whole(fields, again).map_err(|why| Damaged::new(id, why).into())
}

fn whole<'a>(
    fields: impl Iterator<Item = (&'a Value, &'a Value)>,
    again: impl Iterator<Item = (&'a Value, &'a Value)>,
) -> Result<Option<Record>, String> {
    let mut found = [None; META.len()];
    let mut is_empty = true;
    for (name, value) in fields {
        is_empty = false;
        let name = bytes("name", name)?;
        if let Some((place, _)) = found.iter_mut().zip(META).find(|(_, known)| known.as_bytes() == name) {
            *place = Some(value);
        }
    }
    if is_empty {
        return Ok(None);
    }
    let entries = again.filter_map(|(name, value)| {
        let key = bytes("name", name).ok()?.strip_prefix(STATE.as_bytes())?;
        Some(text("name", key).and_then(|key| Ok((key, text(key, bytes(key, value)?)?))))
    });
    put_together(found, entries.collect::<Result<_, _>>()?).map(Some)
}

/// Puts a record without its state together from what `HMGET` of [`META`] answered; `None` where there is no such hash.
pub(super) fn meta(id: &SessionId, reply: &Value) -> Result<Option<Record>, StoreError> {
    let mut found = [None; META.len()];
    for (place, value) in found.iter_mut().zip(reply.as_sequence().ok_or_else(unexpected)?) {
        *place = Some(value).filter(|value| **value != Value::Nil);
    }
    if found == [None; META.len()] {
        return Ok(None);
    }
    put_together(found, State::default()).map(Some).map_err(|why| Damaged::new(id, why).into())
}

/// Names the field or the part where it fails; its value is nobody's business in a log.
fn put_together([line, label, lifetime]: [Option<&Value>; META.len()], state: State) -> Result<Record, String> {
    let field = |name, value: Option<_>| value.map(|value| text(name, bytes(name, value)?)).transpose();
    let line = field("record", line)?.ok_or("its field `record` is missing")?;
    let unreadable = |column| format!("its field `record` cannot be read: `{column}` is missing or wrong");
    let columns = Columns::read(line).map_err(unreadable)?;
    let lifetime = field("lifetime", lifetime)?.map(str::parse::<Lifetime>).transpose();
    let parts = RecordParts {
        state,
        credentials: columns.credentials,
        nonce: columns.nonce,
        created_at: columns.created_at,
        last_used: columns.last_used,
        expires_at: columns.expires_at,
        owner: columns.owner.map(str::to_owned),
        label: field("label", label)?.map(str::to_owned),
        lifetime: lifetime.map_err(|_| "its field `lifetime` cannot be read")?,
    };
    Ok(parts.into())
}

fn bytes<'a>(name: &str, value: &'a Value) -> Result<&'a [u8], String> {
    match value {
        Value::BulkString(bytes) => Ok(bytes),
        Value::SimpleString(text) => Ok(text.as_bytes()),
        _ => Err(no_text(name)),
    }
}

fn text<'a>(name: &str, bytes: &'a [u8]) -> Result<&'a str, String> {
    std::str::from_utf8(bytes).map_err(|_| no_text(name))
}

fn no_text(name: &str) -> String {
    format!("its field {name:?} is no text")
}
