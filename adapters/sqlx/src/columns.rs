//! The columns of a row, from its record. They are never read back.

use std::{
    borrow::Cow,
    fmt::Write as _,
    time::{Duration, SystemTime},
};

use cloakroom::store::{Record, Timestamp};
use sha2::{Digest as _, Sha256};

const HOUR: u64 = 60 * 60 * 1000;

/// The columns of a record that are not its text form.
pub(crate) struct Columns<'a> {
    pub(crate) nonce: i64,
    pub(crate) expires_at: i64,
    pub(crate) sweep: i32,
    pub(crate) owner: Option<Cow<'a, str>>,
}

impl<'a> Columns<'a> {
    pub(crate) fn of(record: &'a Record) -> Self {
        let (expires_at, sweep) = deadline(record.expires_at(), Record::GRACE);
        Self { nonce: nonce(record), expires_at, sweep, owner: record.owner().map(owner) }
    }
}

/// Returns the nonce as the databases' signed 64 bits.
pub(crate) fn nonce(record: &Record) -> i64 {
    record.nonce().cast_signed()
}

/// Returns the columns `expires_at` and `sweep` of a tombstone that is left now.
pub(crate) fn tombstone() -> (i64, i32) {
    deadline(SystemTime::now().into(), Record::TOMBSTONE)
}

/// Returns the latest value of `sweep` of the rows that may be deleted now.
pub(crate) fn swept() -> i32 {
    hour(Timestamp::from(SystemTime::now()).as_millis() / HOUR)
}

/// Returns the columns `expires_at` and `sweep` of a row that is kept for `grace` after `deadline`.
///
/// The hour is rounded up. A touch seldom changes it, so a touch seldom changes an index.
fn deadline(deadline: Timestamp, grace: Duration) -> (i64, i32) {
    if deadline == Timestamp::MAX {
        return (i64::MAX, i32::MAX);
    }
    let kept_until = deadline.plus(grace).as_millis();
    (i64::try_from(deadline.as_millis()).unwrap_or(i64::MAX), hour(kept_until.div_ceil(HOUR)))
}

fn hour(hours: u64) -> i32 {
    i32::try_from(hours).unwrap_or(i32::MAX)
}

/// The most bytes of the column `owner`: an index entry of each database has room for them.
const OWNER_MAX: usize = 255;
/// Begins a part that stands for something else.
const ESCAPE: char = '\u{1}';

/// Returns the text by which the column `owner` names an owner. It is the owner itself, with two exceptions.
///
/// PostgreSQL refuses NUL in a text, and indexes have no room for long ones. NUL is escaped, and a long owner is named by
/// its SHA-256. The record has the owner itself.
pub(crate) fn owner(owner: &str) -> Cow<'_, str> {
    let is_plain = !owner.contains(['\0', ESCAPE]);
    if is_plain && owner.len() <= OWNER_MAX {
        return Cow::Borrowed(owner);
    }
    let escaped = owner.replace(ESCAPE, "\u{1}1").replace('\0', "\u{1}0");
    Cow::Owned(if escaped.len() <= OWNER_MAX { escaped } else { hashed(owner) })
}

fn hashed(owner: &str) -> String {
    let mut name = format!("{ESCAPE}#");
    for byte in Sha256::digest(owner) {
        // Writing to a `String` cannot fail.
        let _ = write!(name, "{byte:02x}");
    }
    name
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_two_owners_have_one_name_and_most_names_are_the_owner() {
        let long = "x".repeat(OWNER_MAX);
        for plain in ["", "alice", "'ALICE '", "DOMAIN\\user", "\u{1f512}", &long] {
            assert!(matches!(owner(plain), Cow::Borrowed(name) if name == plain), "{plain:?}");
        }
        let nuls = "\0".repeat(200);
        let longer = format!("{long}x");
        let named_as_long = owner(&longer).into_owned();
        let owners = ["\0", "\u{1}", "\u{1}0", "\u{1}1", "\u{1}\u{1}0", "0", &nuls, &longer, &named_as_long];
        let names: HashSet<String> = owners.iter().map(|each| owner(each).into_owned()).collect();
        assert_eq!(names.len(), owners.len());
        assert!(names.iter().all(|name| name.len() <= OWNER_MAX && !name.contains('\0')));
    }

    #[test]
    fn a_row_is_kept_for_the_grace_and_no_longer_than_an_hour_more() {
        let grace = Record::GRACE;
        let minute = 60 * 1000;
        let cases = [(0, 1), (50 * minute, 1), (50 * minute + 1, 2), (HOUR, 2), (HOUR + 50 * minute, 2)];
        for (millis, expected) in cases {
            let (expires_at, sweep) = deadline(Timestamp::from_millis(millis), grace);
            assert_eq!((expires_at.cast_unsigned(), sweep), (millis, expected), "{millis}");
        }
        assert_eq!(deadline(Timestamp::MAX, grace), (i64::MAX, i32::MAX));
        assert!(swept() < i32::MAX);
    }
}
