//! A record as the fields of a hash.

use std::{fmt, str::FromStr};

use ::redis::Value;

use crate::{Changes, Credentials, Expected, Lifetime, Record, RecordParts, SessionId, State, StoreError, Timestamp};

/// What stands before a state key, in its field's name.
const STATE: &str = "s:";
const FORMAT: &str = "1";

/// The fields that say all but the state, in the order in which [`meta`] takes their values.
pub(super) const META: [&str; 9] =
    ["format", "nonce", "credentials", "created", "used", "expires", "owner", "label", "lifetime"];

/// A field and its value.
pub(super) type Field = (String, Vec<u8>);

/// The fields of a new record, but those that the script sets itself.
pub(super) fn fields(record: &Record) -> Vec<Field> {
    let mut fields = vec![
        field("credentials", hex(record.credentials())),
        field("created", millis(record.created_at())),
        field("used", millis(record.last_used())),
    ];
    fields.extend(record.owner().map(|owner| field("owner", owner)));
    fields.extend(record.label().map(|label| field("label", label)));
    fields.extend(record.lifetime().map(|lifetime| field("lifetime", lifetime.to_string())));
    fields.extend(record.state().iter().map(|(key, value)| (state_field(key), value.into())));
    fields
}

/// The fields that must have a value, or none, for changes to apply.
pub(super) fn expected(changes: &Changes) -> Vec<Field> {
    let credentials = changes.expected_credentials().map(|seen| field("credentials", format!("={}", hex(seen))));
    let keys = changes.keys().iter().filter_map(|change| {
        let value = match change.expected() {
            Expected::Anything => return None,
            Expected::Absent => "-".to_owned(),
            Expected::Value(value) => format!("={value}"),
        };
        Some((state_field(change.key()), value.into()))
    });
    credentials.into_iter().chain(keys).collect()
}

/// The fields that go.
pub(super) fn removed(changes: &Changes) -> Vec<String> {
    let label = (changes.label() == Some(None)).then(|| "label".to_owned());
    let keys = changes.keys().iter().filter(|change| change.value().is_none());
    label.into_iter().chain(keys.map(|change| state_field(change.key()))).collect()
}

/// The fields that get a value.
pub(super) fn set(changes: &Changes) -> Vec<Field> {
    let mut fields = Vec::new();
    fields.extend(changes.credentials().map(|credentials| field("credentials", hex(credentials))));
    fields.extend(changes.label().flatten().map(|label| field("label", label)));
    fields.extend(changes.lifetime().map(|lifetime| field("lifetime", lifetime.to_string())));
    fields.extend(changes.keys().iter().filter_map(|change| Some((state_field(change.key()), change.value()?.into()))));
    fields
}

/// A point in time as the fields have it: a decimal number of milliseconds since 1970.
pub(super) fn millis(time: Timestamp) -> String {
    time.as_millis().to_string()
}

/// A commit's number as the field has it.
pub(super) fn nonce(nonce: u64) -> String {
    format!("{nonce:016x}")
}

/// Puts a record together from what `HGETALL` answered; `None` where there is no such hash.
pub(super) fn record(fields: impl IntoIterator<Item = (Value, Value)>) -> Result<Option<Record>, String> {
    let mut meta: [Option<String>; META.len()] = Default::default();
    let mut state: Vec<(String, String)> = Vec::new();
    let mut is_empty = true;
    for (name, value) in fields {
        let (name, value) = (text("name", name)?, value);
        is_empty = false;
        if let Some(key) = name.strip_prefix(STATE) {
            state.push((key.to_owned(), text(key, value)?));
        } else if let Some((place, known)) = meta.iter_mut().zip(META).find(|(_, known)| *known == name) {
            *place = Some(text(known, value)?);
        }
    }
    if is_empty { Ok(None) } else { from_meta(meta, state.into_iter().collect()).map(Some) }
}

/// Puts a record without its state together from what `HMGET` of [`META`] answered; `None` where there is no such hash.
pub(super) fn meta(values: Vec<Value>) -> Result<Option<Record>, String> {
    if values.iter().all(|value| *value == Value::Nil) {
        return Ok(None);
    }
    let mut meta: [Option<String>; META.len()] = Default::default();
    for ((place, name), value) in meta.iter_mut().zip(META).zip(values) {
        if value != Value::Nil {
            *place = Some(text(name, value)?);
        }
    }
    from_meta(meta, State::default()).map(Some)
}

fn from_meta(meta: [Option<String>; META.len()], state: State) -> Result<Record, String> {
    let [format, nonce, credentials, created, used, expires, owner, label, lifetime] = meta;
    part("format", format, |text| (text == FORMAT).then_some(()))?;
    let nonce = part("nonce", nonce, |text| u64::from_str_radix(text, 16).ok())?;
    let credentials = part("credentials", credentials, unhex)?;
    let time = |text: &str| u64::from_str(text).ok().map(Timestamp::from_millis);
    let created_at = part("created", created, time)?;
    let last_used = part("used", used, time)?;
    let expires_at = part("expires", expires, time)?;
    let lifetime = match lifetime {
        Some(_) => Some(part("lifetime", lifetime, |text| text.parse::<Lifetime>().ok())?),
        None => None,
    };
    let parts = RecordParts { state, credentials, nonce, created_at, last_used, expires_at, owner, label, lifetime };
    Ok(parts.into())
}

/// Names the field where it fails; its value is nobody's business in a log.
fn part<T>(name: &str, value: Option<String>, read: impl Fn(&str) -> Option<T>) -> Result<T, String> {
    let value = value.ok_or_else(|| format!("its field `{name}` is missing"))?;
    read(&value).ok_or_else(|| format!("its field `{name}` cannot be read"))
}

fn text(name: &str, value: Value) -> Result<String, String> {
    let text = match value {
        Value::BulkString(bytes) => String::from_utf8(bytes).ok(),
        Value::SimpleString(text) => Some(text),
        _ => None,
    };
    text.ok_or_else(|| format!("its field {name:?} is no text"))
}

/// A key holds no record, or one that cannot be read.
#[derive(Debug)]
pub(super) struct Damaged {
    id: SessionId,
    why: String,
}

impl Damaged {
    pub(super) fn new(id: &SessionId, why: String) -> Self {
        Self { id: *id, why }
    }
}

impl From<Damaged> for StoreError {
    fn from(damaged: Damaged) -> Self {
        Self::undecodable(damaged)
    }
}

impl fmt::Display for Damaged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the record of session {} is damaged: {}", self.id, self.why)
    }
}

impl std::error::Error for Damaged {}

fn field(name: &str, value: impl Into<Vec<u8>>) -> Field {
    (name.to_owned(), value.into())
}

fn state_field(key: &str) -> String {
    format!("{STATE}{key}")
}

fn hex(credentials: &Credentials) -> String {
    let mut bytes = Vec::with_capacity(32);
    credentials.write_to(&mut bytes);
    let digit = |digit: u8| char::from_digit(u32::from(digit), 16).unwrap_or_default();
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

fn unhex(text: &str) -> Option<Credentials> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let pairs = text.as_bytes().chunks_exact(2);
    if !pairs.remainder().is_empty() {
        return None;
    }
    let byte = |pair: &[u8]| match pair {
        [high, low] => Some((digit(*high)? << 4) | digit(*low)?),
        _ => None,
    };
    Credentials::from_bytes(&pairs.map(byte).collect::<Option<Vec<u8>>>()?)
}
