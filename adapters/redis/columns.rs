//! The line that says all of a record but its state, its label and its lifetime, in columns: `scripts/prelude.lua` has them.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::{Credentials, Record, Timestamp};

/// A time: milliseconds since 1970.
pub(super) type Millis = [u8; 20];
/// What the line begins with, up to the nonce: what every write replaces.
pub(super) type Head = [u8; 86];

/// Redis keeps a key for the 100 seconds in which its deadline lies, and for the next.
const KEPT: u64 = 100_000;

/// What the line says.
#[derive(Debug)]
pub(super) struct Columns<'a> {
    pub(super) nonce: u64,
    pub(super) created_at: Timestamp,
    pub(super) last_used: Timestamp,
    pub(super) expires_at: Timestamp,
    pub(super) credentials: Credentials,
    pub(super) owner: Option<&'a str>,
}

/// The line of a new record, and until when its owner's index knows of it.
pub(super) fn line(record: &Record, indexed: Option<&Millis>) -> Vec<u8> {
    let (head, owner) = (head(record.expires_at(), record.last_used(), record.nonce()), record.owner());
    let (indexed, created) = (indexed.copied().unwrap_or(millis(Timestamp::MAX)), millis(record.created_at()));
    let credentials = text(&record.credentials());
    let parts = [&head[..], b" indexed=", &indexed, b" created=", &created, b" credentials=", credentials.as_bytes()];
    let owner = owner.map_or([&[][..], &[]], |owner| [b" owner=", owner.as_bytes()]);
    [parts.as_slice(), &owner].concat().concat()
}

/// The head of a line.
pub(super) fn head(expires_at: Timestamp, used: Timestamp, nonce: u64) -> Head {
    let mut head = *b"format=1 expires=00000000000000000000 used=00000000000000000000 nonce=0000000000000000";
    head[17..37].copy_from_slice(&millis(expires_at));
    head[43..63].copy_from_slice(&millis(used));
    head[70..].copy_from_slice(&hex(nonce));
    head
}

/// Whether this is what the commit with this number wrote.
pub(super) fn has_nonce(line: &[u8], nonce: u64) -> bool {
    line.get(70..86) == Some(&hex(nonce))
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

/// The end of the 100 seconds in which a time lies.
pub(super) fn end(time: Timestamp) -> Timestamp {
    Timestamp::from_millis(time.as_millis() / KEPT * KEPT).plus(Duration::from_millis(KEPT - 1))
}

/// Credentials as a column.
pub(super) fn text(credentials: &Credentials) -> String {
    let mut bytes = Vec::with_capacity(32);
    credentials.write_to(&mut bytes);
    URL_SAFE_NO_PAD.encode(bytes)
}

fn hex(number: u64) -> [u8; 16] {
    let (mut digits, mut rest) = ([0; 16], number);
    for digit in digits.iter_mut().rev() {
        *digit = b"0123456789abcdef"[usize::from(rest.to_le_bytes()[0] & 15)];
        rest >>= 4;
    }
    digits
}

impl<'a> Columns<'a> {
    /// Reads a line; where it cannot be read, the name of the column.
    pub(super) fn read(line: &'a str) -> Result<Self, &'static str> {
        let rest = &mut line.strip_prefix("format=1").ok_or("format")?;
        let expires_at = column(rest, " expires=", 20).and_then(time).ok_or("expires")?;
        let last_used = column(rest, " used=", 20).and_then(time).ok_or("used")?;
        let nonce = column(rest, " nonce=", 16).and_then(number).ok_or("nonce")?;
        column(rest, " indexed=", 20).and_then(time).ok_or("indexed")?;
        let created_at = column(rest, " created=", 20).and_then(time).ok_or("created")?;
        let text = rest.strip_prefix(" credentials=").ok_or("credentials")?;
        let (text, owner) = match text.split_once(' ') {
            None => (text, None),
            Some((text, rest)) => (text, Some(rest.strip_prefix("owner=").ok_or("owner")?)),
        };
        let credentials = credentials(text).ok_or("credentials")?;
        Ok(Self { nonce, created_at, last_used, expires_at, credentials, owner })
    }
}

/// Takes a column off the line.
fn column<'a>(rest: &mut &'a str, label: &str, width: usize) -> Option<&'a str> {
    let (value, after) = rest.strip_prefix(label)?.split_at_checked(width)?;
    *rest = after;
    Some(value)
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

fn credentials(text: &str) -> Option<Credentials> {
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
    use crate::{SecretHash, State};

    #[test]
    fn reads_back_what_it_wrote_and_nothing_else() {
        let credentials = Credentials::new(SecretHash::from_bytes([0xa7; 32]));
        let mut credentials_of_renewed =
            credentials.rotated(SecretHash::from_bytes([7; 32]), Timestamp::from_millis(9));
        credentials_of_renewed =
            credentials_of_renewed.rotated(SecretHash::from_bytes([8; 32]), Timestamp::from_millis(9));
        for credentials in [credentials, credentials_of_renewed] {
            let record = Record::new(credentials.clone(), State::default(), Timestamp::from_millis(5), Timestamp::MAX);
            let line = String::from_utf8(line(&record, None)).unwrap();
            let read =
                Columns::read(&line).map(|read| (read.created_at, read.expires_at, read.credentials, read.owner));
            assert_eq!(read, Ok((Timestamp::from_millis(5), Timestamp::MAX, credentials, None)));
            let owned = format!("{line} owner=a b=c \r\n owner=d");
            assert_eq!(Columns::read(&owned).map(|read| read.owner), Ok(Some("a b=c \r\n owner=d")));

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
                ("indexed=1", "indexed=", "indexed"),
                ("created=00000000000000000005", "created=000000000000000001e3", "created"),
                (" credentials=", " credentials= ", "owner"),
                ("credentials=", "credentials=a", "credentials"),
                ("credentials=", "credentials=pw", "credentials"),
                ("credentials=", "credentials=+", "credentials"),
            ];
            for (from, to, column) in table {
                let damaged = line.replacen(from, to, 1);
                assert_ne!(damaged, line, "{from}");
                assert_eq!(Columns::read(&damaged).err(), Some(column), "{from} -> {to}");
            }
            assert_eq!(Columns::read(&format!("{line} name=bob")).err(), Some("owner"));
            assert_eq!(Columns::read(&line[..150]).err(), Some("credentials"));
        }
    }

    #[test]
    fn times_have_twenty_digits_and_an_end() {
        let at = |millis| Timestamp::from_millis(millis);
        assert_eq!(&millis(at(1_700_000_000_123)), b"00000001700000000123");
        assert_eq!(time("00000001700000000123"), Some(at(1_700_000_000_123)));
        assert_eq!((&millis(at(7)), &millis(Timestamp::MAX)), (b"00000000000000000007", b"18446744073709551615"));
        assert_eq!((time("18446744073709551615"), time("18446744073709551616")), (Some(Timestamp::MAX), None));
        assert_eq!(end(at(1_700_000_000_123)), at(1_700_000_099_999));
        assert_eq!(end(at(1_700_000_099_999)), at(1_700_000_099_999));
        assert_eq!(end(Timestamp::MAX), Timestamp::MAX);
    }
}
