//! The line that says all of a record but its state, its label and its lifetime.
//!
//! `format=1 nonce=<hex> used=<ms> expires=<ms> created=<ms> credentials=<hex>`, and where the session has an owner,
//! ` indexed=<ms> owner=<the rest>`. The script reads and writes it too.

use std::fmt::Write as _;

use crate::{Credentials, Record, Timestamp};

/// What the line says.
pub(super) struct Summary<'a> {
    pub(super) nonce: u64,
    pub(super) created_at: Timestamp,
    pub(super) last_used: Timestamp,
    pub(super) expires_at: Timestamp,
    pub(super) credentials: Credentials,
    pub(super) owner: Option<&'a str>,
}

/// The line of a new record, and until when its owner's index knows of it: which only the script asks for.
pub(super) fn write(record: &Record, indexed: Option<&str>) -> String {
    let times = [record.created_at(), record.last_used(), record.expires_at()];
    let [created, used, expires] = times.map(Timestamp::as_millis);
    let mut line = starts_with(record.nonce());
    let _ = write!(line, "used={used} expires={expires} created={created} credentials={}", hex(&record.credentials()));
    if let (Some(owner), Some(until)) = (record.owner(), indexed) {
        let _ = write!(line, " indexed={until} owner={owner}");
    }
    line
}

/// How the line begins after the commit with this number.
pub(super) fn starts_with(nonce: u64) -> String {
    format!("format=1 nonce={nonce:016x} ")
}

impl<'a> Summary<'a> {
    /// Reads a line; where it cannot be read, the name of the part.
    pub(super) fn read(line: &'a str) -> Result<Self, &'static str> {
        let mut rest = line;
        let time = |name, text: &str| text.parse().map(Timestamp::from_millis).map_err(|_| name);
        if next(&mut rest, "format")? != "1" {
            return Err("format");
        }
        let nonce = u64::from_str_radix(next(&mut rest, "nonce")?, 16).map_err(|_| "nonce")?;
        let last_used = time("used", next(&mut rest, "used")?)?;
        let expires_at = time("expires", next(&mut rest, "expires")?)?;
        let created_at = time("created", next(&mut rest, "created")?)?;
        let credentials = unhex(next(&mut rest, "credentials")?).ok_or("credentials")?;
        let owner = match rest {
            "" => None,
            _ => {
                next(&mut rest, "indexed")?;
                Some(rest.strip_prefix("owner=").ok_or("owner")?)
            }
        };
        Ok(Self { nonce, created_at, last_used, expires_at, credentials, owner })
    }
}

/// Takes a part off the line.
fn next<'a>(rest: &mut &'a str, name: &'static str) -> Result<&'a str, &'static str> {
    let value = rest.strip_prefix(name).and_then(|rest| rest.strip_prefix('=')).ok_or(name)?;
    let (value, after) = value.split_once(' ').unwrap_or((value, ""));
    *rest = after;
    Ok(value)
}

/// Credentials as the line has them.
pub(super) fn hex(credentials: &Credentials) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut bytes = Vec::with_capacity(32);
    credentials.write_to(&mut bytes);
    let digit = |digit: u8| char::from(DIGITS[usize::from(digit & 15)]);
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        text.push(digit(byte >> 4));
        text.push(digit(byte));
    }
    text
}

fn unhex(text: &str) -> Option<Credentials> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let (pairs, []) = text.as_bytes().as_chunks::<2>() else { return None };
    let mut bytes = Vec::with_capacity(pairs.len());
    for [high, low] in pairs {
        bytes.push((digit(*high)? << 4) | digit(*low)?);
    }
    Credentials::from_bytes(&bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{SecretHash, State};

    #[test]
    fn reads_back_what_it_wrote_and_nothing_else() {
        let credentials = Credentials::new(SecretHash::from_bytes([0xa7; 32]));
        let record = Record::new(credentials.clone(), State::default(), Timestamp::from_millis(5), Timestamp::MAX);
        let line = write(&record, None);
        let read = Summary::read(&line).map(|read| (read.created_at, read.expires_at, read.credentials, read.owner));
        assert_eq!(read, Ok((Timestamp::from_millis(5), Timestamp::MAX, credentials, None)));

        let owned = format!("{line} indexed=9 owner=a b=c \r\n owner=d");
        assert_eq!(Summary::read(&owned).map(|read| read.owner), Ok(Some("a b=c \r\n owner=d")));

        let table = [
            ("format=1", "format=2", "format"),
            ("format=1 ", "", "format"),
            ("nonce=", "nonce=x", "nonce"),
            ("created=5", "created=1e3", "created"),
            ("used=5", "used=-1", "used"),
            ("expires=", "expired=", "expires"),
            ("credentials=", "credentials=a", "credentials"),
            ("credentials=a7", "credentials=", "credentials"),
            ("credentials=a7", "credentials=A7", "credentials"),
            (" credentials=", " credentials= ", "credentials"),
        ];
        for (from, to, part) in table {
            assert_eq!(Summary::read(&line.replacen(from, to, 1)).err(), Some(part), "{from} -> {to}");
        }
        assert_eq!(Summary::read(&format!("{line} owner=bob")).err(), Some("indexed"));
        assert_eq!(Summary::read(&format!("{line} indexed=9")).err(), Some("owner"));
    }
}
