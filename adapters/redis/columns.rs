//! The field `record`: columns that say all of a record but its state, and a small state behind them. `scripts/prelude.lua`
//! has the form.

use std::{io::Write as _, time::Duration};

use base64::{Engine as _, encoded_len, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::{Credentials, Record, State, Timestamp};

/// A time: milliseconds since 1970.
pub(super) type Millis = [u8; 20];
/// The name of a write.
pub(super) type Nonce = [u8; 16];

/// What has a width of its own.
const FIXED: &[u8; 128] = b"format=1 expires=00000000000000000000 used=00000000000000000000 nonce=0000000000000000 \
    created=00000000000000000000 credentials=";
/// How large a state is, packed, that stands behind the columns. It is a part of the format.
const SMALL: usize = 2048;
/// Redis keeps a key for the 100 seconds in which its deadline lies, and for the next: so that most writes need not say so
/// again, and clocks may differ by that much.
const KEPT: u64 = 100_000;
/// The year 33658. Later times are never: as a score or a number of Lua's they would not stay exact.
pub(super) const NEVER: Timestamp = Timestamp::from_millis(999_999_999_999_999);

/// What the field says.
#[derive(Debug)]
pub(super) struct Columns<'a> {
    pub(super) nonce: u64,
    pub(super) created_at: Timestamp,
    pub(super) last_used: Timestamp,
    pub(super) expires_at: Timestamp,
    pub(super) credentials: Credentials,
    pub(super) owner: Option<&'a str>,
    pub(super) label: Option<&'a str>,
    pub(super) lifetime: Option<&'a str>,
    /// The lines of a small state.
    pub(super) state: Option<&'a str>,
}

/// Whether a state stands behind the columns.
pub(super) fn is_small(state: &State) -> bool {
    state.size() <= SMALL
}

/// Writes the field.
pub(super) fn write(record: &Record) -> Vec<u8> {
    let state = Some(record.state()).filter(|state| is_small(state));
    let mut out = Vec::with_capacity(2 * FIXED.len() + state.map_or(0, State::size));
    out.extend_from_slice(FIXED);
    out[17..37].copy_from_slice(&millis(record.expires_at()));
    out[43..63].copy_from_slice(&millis(record.last_used()));
    out[70..86].copy_from_slice(&nonce(record.nonce()));
    out[95..115].copy_from_slice(&millis(record.created_at()));
    write_credentials(&record.credentials(), &mut out);
    let lifetime = record.lifetime().map(ToString::to_string);
    let rest = [(" owner=", record.owner()), (" label=", record.label()), (" lifetime=", lifetime.as_deref())];
    for (label, text) in rest {
        if let Some(text) = text {
            out.extend_from_slice(label.as_bytes());
            write_text(text, &mut out);
        }
    }
    if let Some(state) = state {
        out.push(b'\n');
        for (key, value) in state.iter() {
            write_text(key, &mut out);
            out.push(b'=');
            write_text(value, &mut out);
            out.push(b'\n');
        }
    }
    out
}

/// The column that says whose the session is.
pub(super) fn owner(owner: &str) -> Vec<u8> {
    let mut column = b" owner=".to_vec();
    write_text(owner, &mut column);
    column
}

/// Whether this is what the commit with this number wrote.
pub(super) fn has_nonce(field: &[u8], number: u64) -> bool {
    field.get(70..86) == Some(&nonce(number))
}

/// A time as a column.
pub(super) fn millis(time: Timestamp) -> Millis {
    let (mut digits, mut rest) = ([b'0'; 20], time.as_millis());
    for digit in digits.iter_mut().rev() {
        if rest == 0 {
            break;
        }
        *digit += (rest % 10).to_le_bytes()[0];
        rest /= 10;
    }
    digits
}

/// A write's number as a column.
pub(super) fn nonce(number: u64) -> Nonce {
    let (mut digits, mut rest) = ([0; 16], number);
    for digit in digits.iter_mut().rev() {
        *digit = b"0123456789abcdef"[usize::from(rest.to_le_bytes()[0] & 15)];
        rest >>= 4;
    }
    digits
}

/// Until when Redis keeps a record; `None` for ever.
pub(super) fn kept(record: &Record) -> Option<Timestamp> {
    let expires_at = record.expires_at();
    let cell = Timestamp::from_millis(expires_at.as_millis() / KEPT * KEPT);
    (expires_at < NEVER).then(|| cell.plus(Duration::from_millis(2 * KEPT - 1)))
}

fn write_credentials(credentials: &Credentials, out: &mut Vec<u8>) {
    let mut bytes = Vec::with_capacity(32);
    credentials.write_to(&mut bytes);
    let at = out.len();
    out.resize(at + encoded_len(bytes.len(), false).unwrap_or(0), 0);
    // It has the length that was asked for.
    let _ = URL_SAFE_NO_PAD.encode_slice(bytes, &mut out[at..]);
}

fn write_text(text: &str, out: &mut Vec<u8>) {
    // It grows, and so takes it all.
    let _ = write!(out, "{}:{text}", text.len());
}

impl<'a> Columns<'a> {
    /// Reads the field; where it cannot be read, the name of the column.
    pub(super) fn read(field: &'a str) -> Result<Self, &'static str> {
        let rest = &mut field.strip_prefix("format=1").ok_or("format")?;
        let expires_at = column(rest, " expires=", 20).and_then(time).ok_or("expires")?;
        let last_used = column(rest, " used=", 20).and_then(time).ok_or("used")?;
        let nonce = column(rest, " nonce=", 16).and_then(number).ok_or("nonce")?;
        let created_at = column(rest, " created=", 20).and_then(time).ok_or("created")?;
        let width = rest.bytes().skip(1).take_while(|byte| !matches!(byte, b' ' | b'\n')).count();
        let credentials = column(rest, " ", width).and_then(|text| text.strip_prefix("credentials="));
        let credentials = credentials.and_then(read_credentials).ok_or("credentials")?;
        let owner = optional(rest, " owner=").ok_or("owner")?;
        let label = optional(rest, " label=").ok_or("label")?;
        let lifetime = optional(rest, " lifetime=").ok_or("lifetime")?;
        let state = if rest.is_empty() { None } else { Some(rest.strip_prefix('\n').ok_or("state")?) };
        Ok(Self { nonce, created_at, last_used, expires_at, credentials, owner, label, lifetime, state })
    }
}

/// Reads the lines of a small state.
pub(super) fn read_state(mut lines: &str) -> Option<State> {
    let mut entries = Vec::new();
    while !lines.is_empty() {
        let key = text(&mut lines)?;
        lines = lines.strip_prefix('=')?;
        let value = text(&mut lines)?;
        lines = lines.strip_prefix('\n')?;
        entries.push((key, value));
    }
    Some(entries.into_iter().collect())
}

/// Takes a column off.
fn column<'a>(rest: &mut &'a str, label: &str, width: usize) -> Option<&'a str> {
    let (value, after) = rest.strip_prefix(label)?.split_at_checked(width)?;
    *rest = after;
    Some(value)
}

/// Takes a text off that need not be there.
fn optional<'a>(rest: &mut &'a str, label: &str) -> Option<Option<&'a str>> {
    let Some(after) = rest.strip_prefix(label) else { return Some(None) };
    *rest = after;
    text(rest).map(Some)
}

/// Takes a text off: how many bytes it has, a colon, and it.
fn text<'a>(rest: &mut &'a str) -> Option<&'a str> {
    let width = rest.bytes().take_while(u8::is_ascii_digit).count();
    let (digits, after) = rest.split_at_checked(width)?;
    *rest = after;
    column(rest, ":", digits.parse().ok()?)
}

fn time(digits: &str) -> Option<Timestamp> {
    let next = |millis: u64, digit: u8| {
        let digit = digit.wrapping_sub(b'0');
        if digit < 10 { millis.checked_mul(10)?.checked_add(digit.into()) } else { None }
    };
    digits.bytes().try_fold(0, next).map(Timestamp::from_millis)
}

fn number(digits: &str) -> Option<u64> {
    let is_plain = digits.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'));
    u64::from_str_radix(digits, 16).ok().filter(|_| is_plain)
}

fn read_credentials(text: &str) -> Option<Credentials> {
    // As most have them: one secret, and none before it.
    let mut hash = [0; 32];
    match URL_SAFE_NO_PAD.decode_slice(text, &mut hash) {
        Ok(32) => Credentials::from_bytes(&hash),
        _ => Credentials::from_bytes(&URL_SAFE_NO_PAD.decode(text).ok()?),
    }
}

#[cfg(test)]
mod tests;
