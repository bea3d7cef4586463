//! The commands that replace a record.

use std::time::Duration;

use ::redis::{Cmd, RedisWrite, ToRedisArgs};

use super::script::{self, Call};
use crate::store::Record;

/// The size below which a record is sent whole, because that costs less than to look for the part that differs.
const WORTH_CUTTING: usize = 2048;
/// The longest beginning of a record that is sent instead of the whole record.
const LONGEST_HEAD: usize = 1024;
/// The size up to which records are replaced by `SET .. IFEQ`, which sends the old record and the new one.
const LONGEST_COMPARED: usize = 16 * 1024;

/// The tombstone's TTL in milliseconds.
pub(super) const TOMBSTONE: &str = "600000";

/// A replacement that is ready to be sent.
pub(super) enum Replacement {
    /// By `SET .. IFEQ`, which compares the whole value. Its argument is the base as it was read.
    IfEqual { base: Vec<u8> },
    /// By the script, which writes the first bytes only. The rest of both records is the same.
    Head { length: usize },
    /// By the script.
    Whole,
}

impl Replacement {
    /// Chooses the command for `record`, whose text form is `bytes`.
    pub(super) fn of(base: &Record, record: &Record, bytes: &[u8], tries_if_equal: bool) -> Self {
        if bytes.len() > WORTH_CUTTING && base.state() == record.state() {
            let old = base.to_bytes();
            let head = bytes.len() - common_end(&old, bytes);
            if old.len() == bytes.len() && head <= LONGEST_HEAD {
                return Self::Head { length: head };
            }
        }
        if tries_if_equal && bytes.len() <= LONGEST_COMPARED {
            // The text form is canonical: these are the bytes that were read.
            let base = base.to_bytes();
            if base.len() <= LONGEST_COMPARED {
                return Self::IfEqual { base };
            }
        }
        Self::Whole
    }
}

/// Returns the number of equal bytes at the end.
fn common_end(one: &[u8], other: &[u8]) -> usize {
    one.iter().rev().zip(other.iter().rev()).take_while(|(one, other)| one == other).count()
}

/// Returns `SET key record IFEQ base`, with the TTL.
pub(super) fn if_equal(key: &[u8], base: &[u8], record: &[u8], ttl: Ttl) -> Cmd {
    let mut command = Cmd::with_capacity(7, key.len() + base.len() + record.len() + 48);
    command.arg("SET").arg(key).arg(record).arg("IFEQ").arg(base);
    match ttl {
        Ttl::Keep => drop(command.arg("KEEPTTL")),
        Ttl::None => {}
        Ttl::Millis(millis) => drop(command.arg("PX").arg(millis)),
    }
    command
}

/// Returns the script with the whole record.
pub(super) fn whole<'a>(key: &'a [u8], base: &Record, record: &[u8], ttl: Ttl) -> Call<'a> {
    Call::new(&script::REPLACE, key, record.len()).arg(&base.nonce_digits()[..]).arg(ttl).arg(record)
}

/// Returns the script with the first bytes of a record, for a stored record of the same length.
pub(super) fn head<'a>(key: &'a [u8], base: &Record, record: &[u8], length: usize, ttl: Ttl) -> Call<'a> {
    let head = record.get(..length).unwrap_or(record);
    let call = Call::new(&script::REPLACE, key, head.len()).arg(&base.nonce_digits()[..]);
    call.arg(ttl).arg(head).arg(record.len())
}

/// Returns the script that leaves a tombstone instead of the record with this nonce.
pub(super) fn tombstone<'a>(key: &'a [u8], nonce: &[u8]) -> Call<'a> {
    Call::new(&script::REPLACE, key, 0).arg(nonce).arg(TOMBSTONE).arg("")
}

/// The TTL of a key after its record was replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ttl {
    /// The deadline is the same, and so is the time at which Redis drops the key.
    Keep,
    /// The record never ends.
    None,
    Millis(u64),
}

impl Ttl {
    /// Returns the TTL of a new record.
    pub(super) fn of(record: &Record) -> Self {
        let millis = |ttl: Duration| u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX);
        record.ttl().map_or(Self::None, |ttl| Self::Millis(millis(ttl)))
    }

    /// Returns the TTL of a record that replaces `base`.
    pub(super) fn after(base: &Record, record: &Record) -> Self {
        if base.expires_at() == record.expires_at() { Self::Keep } else { Self::of(record) }
    }
}

/// Writes the argument that the script takes.
impl ToRedisArgs for Ttl {
    fn write_redis_args<W: ?Sized + RedisWrite>(&self, out: &mut W) {
        match self {
            Self::Keep => out.write_arg(b"keep"),
            Self::None => out.write_arg(b"none"),
            Self::Millis(millis) => millis.write_redis_args(out),
        }
    }
}

#[cfg(all(test, feature = "testing"))]
mod tests;
