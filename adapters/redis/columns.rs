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
    let is_plain = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
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
mod tests {
    use super::*;
    use crate::{Lifetime, RecordParts, SecretHash};

    fn parts(credentials: Credentials, state: State) -> RecordParts {
        RecordParts {
            state,
            credentials,
            nonce: 0xfedc,
            created_at: Timestamp::from_millis(5),
            last_used: Timestamp::from_millis(6),
            expires_at: Timestamp::MAX,
            owner: None,
            label: None,
            lifetime: None,
        }
    }

    fn full(record: &RecordParts) -> RecordParts {
        let lifetime = Lifetime::builder().idle(Duration::from_secs(7)).build().unwrap();
        let (owner, label) = ("a b=c \r\n owner=1:d 1:e=1:f\n", "\u{1f511} state=");
        let (owner, label) = (Some(owner.to_owned()), Some(label.to_owned()));
        RecordParts { owner, label, lifetime: Some(lifetime), ..record.clone() }
    }

    /// What was read, and the record that it says.
    fn read(field: &str) -> Result<Record, &'static str> {
        let read = Columns::read(field)?;
        let state = read.state.map_or(Some(State::default()), read_state).ok_or("state")?;
        Ok(Record::from(RecordParts {
            state,
            credentials: read.credentials,
            nonce: read.nonce,
            created_at: read.created_at,
            last_used: read.last_used,
            expires_at: read.expires_at,
            owner: read.owner.map(str::to_owned),
            label: read.label.map(str::to_owned),
            lifetime: read.lifetime.map(|text| text.parse().unwrap()),
        }))
    }

    #[test]
    fn reads_back_what_it_wrote_and_nothing_else() {
        let at = Timestamp::from_millis(9);
        let credentials = Credentials::new(SecretHash::from_bytes([0xa7; 32]));
        let renewed = credentials.rotated(SecretHash::from_bytes([7; 32]), at);
        let renewed_again = renewed.rotated(SecretHash::from_bytes([8; 32]), at);
        let states = [vec![], vec![("n", "1")], vec![("", ""), ("a=1:b\n", "\"\u{e9}\n\""), ("ü", "{}")]];
        for credentials in [credentials, renewed, renewed_again] {
            for state in &states {
                let plain = parts(credentials.clone(), state.iter().copied().collect());
                for parts in [full(&plain), plain] {
                    let record = Record::from(parts);
                    let field = String::from_utf8(write(&record)).unwrap();
                    assert_eq!(read(&field), Ok(record), "{field}");
                    for cut in (0..field.len()).filter(|cut| field.is_char_boundary(*cut)) {
                        // What lacks the state altogether has it elsewhere, and lines may end where one does.
                        let is_whole = Columns::read(&field[..cut]).is_ok_and(|read| read.state.is_none());
                        assert!(
                            is_whole || read(&field[..cut]).is_err() || field[..cut].ends_with('\n'),
                            "{cut} {field}"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn a_damaged_column_is_named() {
        let credentials = Credentials::new(SecretHash::from_bytes([0xa7; 32]));
        let field = write(&full(&parts(credentials, [("n", "1")].into_iter().collect())).into());
        let field = String::from_utf8(field).unwrap();
        let table = [
            ("format=1", "format=2", "format"),
            ("format=1 ", "", "format"),
            ("expires=1", "expires=", "expires"),
            ("expires=1", "expires=+", "expires"),
            ("expires=", "expired=", "expires"),
            ("used=0", "used=-", "used"),
            ("used=0", "used=00", "nonce"),
            ("nonce=", "nonce=x", "nonce"),
            ("nonce=0", "nonce=+", "nonce"),
            ("created=00000000000000000005", "created=000000000000000001e3", "created"),
            (" credentials=", " credentials= ", "credentials"),
            ("credentials=", "credentials=a", "credentials"),
            ("credentials=", "credentials=pw", "credentials"),
            ("credentials=", "credentials=+", "credentials"),
            (" owner=", " owner=+", "owner"),
            (" owner=", " owner=9", "owner"),
            (" owner=", " owner=99999999999999999999", "owner"),
            (" label=", " label=:", "label"),
            (" label=1", " label=", "label"),
            (" label=", " name=3:bob label=", "state"),
            (" lifetime=", " lifetime=1", "lifetime"),
            ("\n1:n=", "1:n=", "state"),
            ("\n1:n=", "\n01:n:", "state"),
            ("\n1:n=", "\n2:n=", "state"),
            ("=1:1\n", "=1:1", "state"),
            ("=1:1\n", "=1:12\n", "state"),
            ("=1:1\n", "=1:1\n\n", "state"),
        ];
        for (from, to, column) in table {
            let damaged = field.replacen(from, to, 1);
            assert_ne!(damaged, field, "{from}");
            assert_eq!(read(&damaged).err(), Some(column), "{from} -> {to}");
        }
    }

    #[test]
    fn a_large_state_stands_elsewhere() {
        let credentials = Credentials::new(SecretHash::from_bytes([0xa7; 32]));
        // A key and a value: three words, and their bytes.
        for (bytes, small) in [(SMALL - 13, true), (SMALL - 12, false)] {
            let state = [("n", "1".repeat(bytes))].into_iter().collect();
            let record = Record::from(parts(credentials.clone(), state));
            assert_eq!(is_small(record.state()), small, "{bytes}");
            let field = String::from_utf8(write(&record)).unwrap();
            assert_eq!(Columns::read(&field).unwrap().state.is_some(), small, "{bytes}");
        }
    }

    #[test]
    fn times_have_twenty_digits_and_are_kept_longer() {
        let at = |millis| Timestamp::from_millis(millis);
        assert_eq!(&millis(at(1_700_000_000_123)), b"00000001700000000123");
        assert_eq!(time("00000001700000000123"), Some(at(1_700_000_000_123)));
        assert_eq!((&millis(at(7)), &millis(Timestamp::MAX)), (b"00000000000000000007", b"18446744073709551615"));
        assert_eq!((time("18446744073709551615"), time("18446744073709551616")), (Some(Timestamp::MAX), None));
        let credentials = Credentials::new(SecretHash::from_bytes([0xa7; 32]));
        let kept = |expires_at| kept(&Record::new(credentials.clone(), State::default(), at(0), expires_at));
        assert_eq!(kept(at(1_700_000_000_123)), Some(at(1_700_000_199_999)));
        assert_eq!(kept(at(1_700_000_099_999)), Some(at(1_700_000_199_999)));
        assert_eq!(kept(at(1_700_000_100_000)), Some(at(1_700_000_299_999)));
        assert_eq!((kept(NEVER), kept(Timestamp::MAX)), (None, None));
    }
}
