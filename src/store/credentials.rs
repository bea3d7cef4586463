//! The secrets that open a session, and those that a renewal replaced.

use std::time::Duration;

use crate::store::{SecretHash, Timestamp};

/// The time for which a session remembers a replaced secret. It opens nothing in that time.
///
/// It is long enough for the requests that were in progress when the secret was replaced.
pub(crate) const SUPERSEDED_FOR: Duration = Duration::from_secs(60);
/// The number of replaced secrets that a session remembers. Only a script sends a login form five times within a
/// minute.
pub(crate) const SUPERSEDED_MAX: usize = 4;

/// The hashes of a session's secrets: the current one, and at most four that renewals replaced within the last 60
/// seconds.
///
/// A rotation replaces all of them, and is done only if they are still as they were loaded.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Credentials {
    current: SecretHash,
    /// Newest first.
    superseded: Vec<Superseded>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Superseded {
    pub(crate) hash: SecretHash,
    pub(crate) until: Timestamp,
}

/// The relation of a presented secret to a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Standing {
    /// It opens the session.
    Current,
    /// A renewal replaced it within the last 60 seconds. It opens nothing.
    Superseded,
    /// It does not belong to this session.
    Unknown,
}

impl Standing {
    pub(crate) fn of(hash: &SecretHash, current: &SecretHash, superseded: &[Superseded], now: Timestamp) -> Self {
        if current == hash {
            return Self::Current;
        }
        let is_superseded = |old: &Superseded| old.hash == *hash && now < old.until;
        if superseded.iter().any(is_superseded) { Self::Superseded } else { Self::Unknown }
    }
}

impl Credentials {
    /// Makes credentials with one secret, `current`.
    #[must_use]
    pub fn new(current: SecretHash) -> Self {
        Self { current, superseded: Vec::new() }
    }

    /// Returns the hash of the secret that opens the session.
    #[must_use]
    pub fn current(&self) -> &SecretHash {
        &self.current
    }

    pub(crate) fn from_parts(current: SecretHash, superseded: Vec<Superseded>) -> Self {
        Self { current, superseded }
    }

    pub(crate) fn into_parts(self) -> (SecretHash, Vec<Superseded>) {
        (self.current, self.superseded)
    }

    /// Returns the standing of the secret with this `hash` at `now`. Every comparison takes constant time.
    #[must_use]
    pub fn standing(&self, hash: &SecretHash, now: Timestamp) -> Standing {
        Standing::of(hash, &self.current, &self.superseded, now)
    }

    /// Returns these credentials after a renewal at `now`: `current` opens the session, and the previous secret is
    /// superseded.
    #[must_use]
    pub fn rotated(&self, current: SecretHash, now: Timestamp) -> Self {
        let replaced = Superseded { hash: self.current, until: now.plus(SUPERSEDED_FOR) };
        let still_known = self.superseded.iter().filter(|old| now < old.until).copied();
        let superseded = std::iter::once(replaced).chain(still_known).take(SUPERSEDED_MAX).collect();
        Self { current, superseded }
    }

    /// Appends the bytes that [`Credentials::from_bytes`] reads: 32 for the current hash, and 40 for each superseded
    /// one.
    pub fn write_to(&self, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(self.current.as_bytes());
        for old in &self.superseded {
            bytes.extend_from_slice(old.hash.as_bytes());
            bytes.extend_from_slice(&old.until.as_millis().to_le_bytes());
        }
    }

    /// Reads what [`Credentials::write_to`] wrote. Returns `None` for all other bytes.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (current, rest) = bytes.split_first_chunk::<32>()?;
        let chunks = rest.chunks_exact(40);
        if !chunks.remainder().is_empty() || chunks.len() > SUPERSEDED_MAX {
            return None;
        }
        let superseded = chunks
            .map(|chunk| {
                let (hash, until) = chunk.split_first_chunk::<32>()?;
                let until = Timestamp::from_millis(u64::from_le_bytes(*until.first_chunk()?));
                Some(Superseded { hash: SecretHash::from_bytes(*hash), until })
            })
            .collect::<Option<_>>()?;
        Some(Self { current: SecretHash::from_bytes(*current), superseded })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(n: u8) -> SecretHash {
        SecretHash::from_bytes([n; 32])
    }

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_millis(seconds * 1000)
    }

    #[test]
    fn a_replaced_secret_is_known_for_a_minute_and_opens_nothing() {
        let before = Credentials::new(hash(1));
        let after = before.rotated(hash(2), at(100));
        assert_eq!(before.standing(&hash(1), at(100)), Standing::Current);
        let table = [
            (hash(2), at(100), Standing::Current),
            (hash(2), at(1_000_000), Standing::Current),
            (hash(1), at(100), Standing::Superseded),
            (hash(1), at(159), Standing::Superseded),
            (hash(1), at(160), Standing::Unknown),
            (hash(3), at(100), Standing::Unknown),
        ];
        for (secret, now, expected) in table {
            assert_eq!(after.standing(&secret, now), expected, "{now:?}");
        }
    }

    #[test]
    fn at_most_four_are_remembered_and_all_read_back() {
        let mut credentials = Credentials::new(hash(0));
        for n in 1..=6 {
            credentials = credentials.rotated(hash(n), at(u64::from(n)));
            let mut bytes = Vec::new();
            credentials.write_to(&mut bytes);
            assert_eq!(Credentials::from_bytes(&bytes), Some(credentials.clone()));
            bytes.push(0);
            assert_eq!(Credentials::from_bytes(&bytes), None);
        }
        let known = |n| credentials.standing(&hash(n), at(6)) != Standing::Unknown;
        assert_eq!((0..=6).map(known).collect::<Vec<_>>(), [false, false, true, true, true, true, true]);
        assert_eq!(Credentials::from_bytes(&[0; 31]), None);
    }
}
