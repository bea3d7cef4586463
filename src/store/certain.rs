//! Finds out the outcome of a write whose reply was lost.

use std::time::{Duration, Instant};

use super::{DynStore, Replaced, StoreError};
use crate::store::{Record, SUPERSEDED_MAX, SessionId, Standing, Timestamp};

/// The number of times that a replacement is sent again while its outcome is unknown.
const REPEATS: u32 = 3;

/// The certain outcome of a replacement.
#[derive(Clone, Debug)]
pub(crate) enum Certain {
    /// It was done. The record is the stored one if a later write replaced it.
    Done(Option<Record>),
    /// It was not done: the store has this record.
    Changed(Record),
    /// There is no record.
    Gone,
}

/// Replaces `base`. While the outcome is unknown, sends the same replacement again, for at most `patience`. Sending it
/// again is safe: only one of them finds the base's nonce.
///
/// # Errors
///
/// The store failed. The outcome is unknown only if every attempt to find it out failed, too.
pub(crate) async fn replace(
    store: &dyn DynStore,
    id: &SessionId,
    base: &Record,
    record: &Record,
    now: Timestamp,
    patience: Duration,
) -> Result<Certain, StoreError> {
    let error = match store.replace(id, base, record).await {
        Ok(replaced) => return Ok(first(replaced, record)),
        Err(error) => error,
    };
    if error.is_not_done() { Err(error) } else { Box::pin(again(store, id, base, record, now, patience, error)).await }
}

/// Finds out the outcome of a replacement that was sent before.
pub(crate) async fn again(
    store: &dyn DynStore,
    id: &SessionId,
    base: &Record,
    record: &Record,
    now: Timestamp,
    patience: Duration,
    unknown: StoreError,
) -> Result<Certain, StoreError> {
    let begun = Instant::now();
    for _ in 0..REPEATS {
        match store.replace(id, base, record).await {
            Ok(Replaced::Changed(found)) => return judge(base, record, found, now).ok_or(unknown),
            Ok(replaced) => return Ok(first(replaced, record)),
            Err(_) if begun.elapsed() < patience => {}
            Err(_) => break,
        }
    }
    Err(unknown)
}

/// Reads the first reply. No reply was lost yet, so a record with another nonce means that the replacement was not
/// done.
fn first(replaced: Replaced, record: &Record) -> Certain {
    match replaced {
        Replaced::Done => Certain::Done(None),
        Replaced::Changed(found) if found.nonce() == record.nonce() => Certain::Done(None),
        Replaced::Changed(found) => Certain::Changed(found),
        Replaced::Gone => Certain::Gone,
    }
}

/// Returns the outcome that the stored record `found` shows, or `None` if it does not show one.
fn judge(base: &Record, record: &Record, found: Record, now: Timestamp) -> Option<Certain> {
    if found.follows(record.nonce()) {
        return Some(Certain::Done(Some(found)));
    }
    // The trail names the write that followed `base`, and it is not this one.
    if found.follows(base.nonce()) {
        return Some(Certain::Changed(found));
    }
    let (was, renewed) = (&base.body().current, &record.body().current);
    if was == renewed {
        return None;
    }
    match found.standing(renewed, now) {
        Standing::Current | Standing::Superseded => Some(Certain::Done(Some(found))),
        Standing::Unknown if found.body().rest.superseded.len() < SUPERSEDED_MAX => Some(Certain::Changed(found)),
        Standing::Unknown => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Credentials, SecretHash, State};

    const NOW: Timestamp = Timestamp::from_millis(1_000);

    fn hash(n: u8) -> SecretHash {
        SecretHash::from_bytes([n; 32])
    }

    fn record() -> Record {
        let mut record = Record::new(Credentials::new(hash(0)), State::default(), NOW, Timestamp::MAX);
        record.body_mut().nonce = 1;
        record.body_mut().rest.trail = Some([0; 4]);
        record
    }

    fn write(base: &Record, nonce: u64) -> Record {
        base.clone().written(nonce, base)
    }

    fn renewal(base: &Record, nonce: u64, secret: u8) -> Record {
        let mut record = write(base, nonce);
        let rotated = base.credentials().rotated(hash(secret), NOW);
        let body = record.body_mut();
        (body.current, body.rest.superseded) = rotated.into_parts();
        record
    }

    /// Returns the record after this number of later writes.
    fn after(record: &Record, writes: u64) -> Record {
        (0..writes).fold(record.clone(), |record, n| write(&record, 100 + n))
    }

    #[test]
    fn the_trail_tells_for_four_writes_and_the_credentials_for_a_renewal() {
        let base = record();
        let (plain, renewed) = (write(&base, 2), renewal(&base, 2, 7));
        let other = renewal(&base, 50, 8);
        let table = [
            (&plain, after(&plain, 0), Some(true)),
            (&plain, after(&plain, 4), Some(true)),
            (&plain, after(&plain, 5), None),
            (&plain, after(&base, 1), Some(false)),
            (&plain, after(&base, 4), Some(false)),
            (&plain, after(&base, 5), None),
            (&renewed, after(&renewed, 9), Some(true)),
            (&renewed, after(&renewal(&after(&renewed, 9), 60, 9), 9), Some(true)),
            (&renewed, after(&base, 9), Some(false)),
            (&renewed, after(&other, 9), Some(false)),
        ];
        for (at, (record, found, expected)) in table.into_iter().enumerate() {
            let told = judge(&base, record, found, NOW).map(|certain| matches!(certain, Certain::Done(_)));
            assert_eq!(told, expected, "row {at}");
        }
    }

    #[test]
    fn a_full_list_of_superseded_secrets_does_not_tell_what_is_missing_in_it() {
        let base = record();
        let renewed = renewal(&base, 2, 7);
        let mut found = base.clone();
        for secret in 10..14 {
            found = renewal(&after(&found, 4), u64::from(secret), secret);
        }
        assert!(judge(&base, &renewed, after(&found, 9), NOW).is_none());
    }
}
