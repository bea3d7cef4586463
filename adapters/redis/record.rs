//! A record as the fields of a hash.

use std::{io::Write as _, time::Duration};

use ::redis::{RedisWrite, ToRedisArgs, Value};

use super::{
    columns::{self, Columns},
    damaged::Damaged,
    script::{self, Call},
    store::unexpected,
};
use crate::{Lifetime, Record, RecordParts, SessionId, State, StoreError, Timestamp};

/// The field that is always there.
pub(super) const RECORD: &str = "record";
/// What stands before a state key, in its field's name.
const STATE: &str = "s:";

/// The call that stores a new record.
pub(super) fn create<'a>(key: &'a [u8], record: &Record) -> Call<'a> {
    let mut call = Call::new(&script::CREATE, key);
    let now = record.created_at();
    call.arg(&columns::millis(now)[..]).arg(kept(record, now)).arg(RECORD).arg(columns::write(record));
    for (key, value) in fields(record, &State::default()).iter() {
        call.arg(Joined(STATE, key)).arg(value);
    }
    call
}

/// The call that stores `after` where `base` is what is kept.
pub(super) fn swap<'a>(key: &'a [u8], base: &Record, after: &Record, now: Timestamp) -> Call<'a> {
    let none = State::default();
    let (had, has) = (fields(base, &none), fields(after, &none));
    let (is_kept, is_small) = (columns::kept(base) == columns::kept(after), columns::is_small(after.state()));
    let mut call = Call::new(&script::SWAP, key);
    call.arg(&columns::nonce(base.nonce())[..]).arg(columns::write(after));
    if is_small != columns::is_small(base.state()) {
        // The whole, made anew.
        call.arg(kept(after, now)).arg("-");
    } else if is_small && is_kept {
        return call;
    } else {
        let gone: Vec<&str> = had.iter().map(|(key, _)| key).filter(|key| has.get(key).is_none()).collect();
        call.arg(if is_kept { String::new() } else { kept(after, now) }).arg(gone.len());
        for key in gone {
            call.arg(Joined(STATE, key));
        }
    }
    for (key, value) in has.iter().filter(|(key, value)| had.get(key) != Some(value)) {
        call.arg(Joined(STATE, key)).arg(value);
    }
    call
}

/// The keys that have fields of their own.
fn fields<'a>(record: &'a Record, none: &'a State) -> &'a State {
    if columns::is_small(record.state()) { none } else { record.state() }
}

/// For how many milliseconds Redis is to keep a record, by what is left, not by the clock of its server.
fn kept(record: &Record, now: Timestamp) -> String {
    let left = columns::kept(record).map(|until| until.since(now).max(Duration::from_millis(1)));
    left.map_or_else(|| "-".to_owned(), |left| left.as_millis().to_string())
}

/// Two texts that are one argument.
struct Joined<'a>(&'static str, &'a str);

impl ToRedisArgs for Joined<'_> {
    fn write_redis_args<W: ?Sized + RedisWrite>(&self, out: &mut W) {
        let mut argument = out.writer_for_next_arg();
        // It is a buffer that grows.
        let _ = argument.write_all(self.0.as_bytes()).and_then(|()| argument.write_all(self.1.as_bytes()));
    }
}

/// Puts a record together from what `HGETALL` answered; `None` where there is no such hash.
pub(super) fn record(id: &SessionId, reply: &Value) -> Result<Option<Record>, StoreError> {
    let (Some(fields), Some(mut again)) = (reply.as_map_iter(), reply.as_map_iter()) else { return Err(unexpected()) };
    let is_record = |(name, _): &(&Value, &Value)| matches!(name, Value::BulkString(name) if name == RECORD.as_bytes());
    let found = again.find(is_record).map(|(_, field)| field);
    let whole = match found {
        None if reply.as_map_iter().is_some_and(|mut fields| fields.next().is_none()) => return Ok(None),
        None => Err("its field `record` is missing".to_owned()),
        Some(field) => whole(field, || state(fields)),
    };
    whole.map(Some).map_err(|why| Damaged::new(id, why).into())
}

/// Puts a record together from its field `record` alone: without a state that has fields of its own.
pub(super) fn meta(id: &SessionId, field: &Value) -> Result<Option<Record>, StoreError> {
    if *field == Value::Nil {
        return Ok(None);
    }
    whole(field, || Ok(State::default())).map(Some).map_err(|why| Damaged::new(id, why).into())
}

/// Names the column or the part where it fails; its value is nobody's business in a log.
fn whole(field: &Value, state: impl FnOnce() -> Result<State, String>) -> Result<Record, String> {
    let unreadable = |column: &str| format!("its field `record` cannot be read: `{column}` is missing or wrong");
    let columns = Columns::read(text(RECORD, field)?).map_err(unreadable)?;
    let state = match columns.state {
        Some(lines) => columns::read_state(lines).filter(columns::is_small).ok_or_else(|| unreadable("state"))?,
        None => state()?,
    };
    let lifetime = columns.lifetime.map(str::parse::<Lifetime>).transpose();
    let parts = RecordParts {
        state,
        credentials: columns.credentials,
        nonce: columns.nonce,
        created_at: columns.created_at,
        last_used: columns.last_used,
        expires_at: columns.expires_at,
        owner: columns.owner.map(str::to_owned),
        label: columns.label.map(str::to_owned),
        lifetime: lifetime.map_err(|_| unreadable("lifetime"))?,
    };
    Ok(parts.into())
}

/// The state that has fields of its own.
fn state<'a>(fields: impl Iterator<Item = (&'a Value, &'a Value)>) -> Result<State, String> {
    let mut entries = Vec::new();
    for (name, value) in fields {
        if let Some(key) = text("name", name)?.strip_prefix(STATE) {
            entries.push((key, text(key, value)?));
        }
    }
    Ok(entries.into_iter().collect())
}

fn text<'a>(name: &str, value: &'a Value) -> Result<&'a str, String> {
    let text = match value {
        Value::BulkString(bytes) => std::str::from_utf8(bytes).ok(),
        Value::SimpleString(text) => Some(text.as_str()),
        _ => None,
    };
    text.ok_or_else(|| format!("its field {name:?} is no text"))
}
