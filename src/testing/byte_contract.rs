//! A test suite for the contract of [`ByteStore`].

use std::{
    fmt::Debug,
    thread,
    time::{Duration, Instant},
};

use crate::{
    formats::{ByteStore, Stored},
    store::{Created, Deleted, Replaced, SessionId},
    testing::Breach,
};

/// The TTL of the suite's records.
const LIFE: Duration = Duration::from_secs(60 * 60);
/// The most that a TTL may be shorter than expected: stores count in seconds, and calls take time.
const TOLERANCE: Duration = Duration::from_secs(30);
/// A TTL that the suite waits for.
const SHORT: Duration = Duration::from_millis(1500);
/// The longest wait for a record with a short TTL to go.
const PATIENCE: Duration = Duration::from_secs(5);
/// Tests a store against the contract of [`ByteStore`]. Its keys are random, so several runs may share a database. It takes
/// two seconds: it waits until a record has expired.
///
/// ```
/// # use cloakroom::testing::{MemoryBytes, byte_contract};
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// byte_contract(&MemoryBytes::new()).await;
/// # });
/// ```
///
/// # Panics
///
/// The store breaks its contract, or fails. The message has each broken sentence, and the fault that was found.
pub async fn byte_contract(store: &impl ByteStore) {
    let breaches = byte_breaches(store).await;
    let lines: Vec<String> = breaches.iter().map(ToString::to_string).collect();
    assert!(lines.is_empty(), "the store breaks its contract:\n\n{}", lines.join("\n\n"));
}

/// Runs the checks of [`byte_contract`], and returns those that failed.
pub async fn byte_breaches(store: &impl ByteStore) -> Vec<Breach> {
    let mut suite = Suite { breaches: Vec::new() };
    suite.add("bytes", "A record comes back as it was stored, byte by byte.", bytes(store).await);
    suite.add("create", "`create` stores a record only under a key that has none.", create(store).await);
    suite.add("replace", "`replace` writes only if all bytes are the base's.", replace(store).await);
    suite.add("delete", "`delete` with a base deletes only if all bytes are the base's.", delete(store).await);
    suite.add("ttl", "`create` and `replace` set the time for which a record is kept.", ttl(store).await);
    suite.add("expired", "A record is gone for every verb when its time is over.", expired(store).await);
    suite.add("keys", "Keys differ in every character, also in the case of letters.", keys(store).await);
    suite.breaches
}

struct Suite {
    breaches: Vec<Breach>,
}

impl Suite {
    fn add(&mut self, check: &'static str, sentence: &'static str, outcome: Outcome) {
        if let Err(found) = outcome {
            self.breaches.push(Breach { check, sentence, found });
        }
    }
}

type Outcome = Result<(), String>;

async fn bytes<S: ByteStore>(store: &S) -> Outcome {
    let all: Vec<u8> = (0..=u8::MAX).collect();
    for bytes in [&b""[..], b"{}", b"\0", b"line\r\nline", "caf\u{e9} \u{1f512}".as_bytes(), &all, &all.repeat(200)] {
        let key = key();
        same("`create`", &created(store, &key, &record(bytes)).await?, &Created::Done)?;
        holds(store, &key, bytes).await?;
        let longer = [bytes, b"+"].concat();
        same("`replace`", &replaced(store, &key, bytes, &record(&longer)).await?, &Replaced::Done)?;
        holds(store, &key, &longer).await?;
        same("`delete`", &deleted(store, &key, Some(&longer)).await?, &Deleted::Done)?;
        holds_nothing(store, &key).await?;
    }
    Ok(())
}

async fn create<S: ByteStore>(store: &S) -> Outcome {
    let key = key();
    holds_nothing(store, &key).await?;
    same("`create` under a new key", &created(store, &key, &record(b"one")).await?, &Created::Done)?;
    same("`create` under a key that is taken", &created(store, &key, &record(b"two")).await?, &Created::Taken)?;
    same("`create` of the same again", &created(store, &key, &record(b"one")).await?, &Created::Taken)?;
    holds(store, &key, b"one").await?;
    same("`delete`", &deleted(store, &key, None).await?, &Deleted::Done)?;
    same("`create` after a delete", &created(store, &key, &record(b"two")).await?, &Created::Done)?;
    holds(store, &key, b"two").await
}

async fn replace<S: ByteStore>(store: &S) -> Outcome {
    let key = key();
    same("`replace` without a record", &replaced(store, &key, b"one", &record(b"two")).await?, &Replaced::Gone)?;
    holds_nothing(store, &key).await?;
    same("`create`", &created(store, &key, &record(b"one")).await?, &Created::Done)?;
    for base in [&b"on"[..], b"one ", b"One", b"one\0", b"onf", b""] {
        let what = format!("`replace` of {base:?}");
        same(&what, &replaced(store, &key, base, &record(b"two")).await?, &Replaced::Changed(b"one".to_vec()))?;
        holds(store, &key, b"one").await?;
    }
    same("`replace`", &replaced(store, &key, b"one", &record(b"two")).await?, &Replaced::Done)?;
    same("a second `replace`", &replaced(store, &key, b"one", &record(b"three")).await?, &changed(b"two"))?;
    same("`replace` by the same", &replaced(store, &key, b"two", &record(b"two")).await?, &Replaced::Done)?;
    holds(store, &key, b"two").await
}

async fn delete<S: ByteStore>(store: &S) -> Outcome {
    let key = key();
    same("`delete` without a record", &deleted(store, &key, None).await?, &Deleted::Gone)?;
    same("`delete` of a base without a record", &deleted(store, &key, Some(b"one")).await?, &Deleted::Gone)?;
    same("`create`", &created(store, &key, &record(b"one")).await?, &Created::Done)?;
    for base in [&b"two"[..], b"One", b"one ", b""] {
        let what = format!("`delete` of {base:?}");
        same(&what, &deleted(store, &key, Some(base)).await?, &Deleted::Changed(b"one".to_vec()))?;
        holds(store, &key, b"one").await?;
    }
    same("`delete`", &deleted(store, &key, Some(b"one")).await?, &Deleted::Done)?;
    same("`delete` after a delete", &deleted(store, &key, Some(b"one")).await?, &Deleted::Gone)?;
    same("`replace` after a delete", &replaced(store, &key, b"one", &record(b"two")).await?, &Replaced::Gone)?;
    holds_nothing(store, &key).await
}

async fn ttl<S: ByteStore>(store: &S) -> Outcome {
    let key = key();
    let with = |ttl| Stored { bytes: b"one".to_vec(), ttl };
    same("`create`", &created(store, &key, &with(Some(LIFE))).await?, &Created::Done)?;
    is_kept_for(store, &key, Some(LIFE)).await?;
    // A lost race and a key that is taken move no deadline.
    replaced(store, &key, b"two", &with(Some(LIFE * 5))).await?;
    created(store, &key, &with(Some(LIFE * 5))).await?;
    is_kept_for(store, &key, Some(LIFE)).await?;
    for ttl in [Some(LIFE * 3), Some(LIFE / 2), None, Some(LIFE * 24 * 14), Some(LIFE)] {
        same("`replace` by the same bytes", &replaced(store, &key, b"one", &with(ttl)).await?, &Replaced::Done)?;
        is_kept_for(store, &key, ttl).await?;
    }
    Ok(())
}

async fn expired<S: ByteStore>(store: &S) -> Outcome {
    let keys = [key(), key(), key(), key()];
    let short = Stored { bytes: b"one".to_vec(), ttl: Some(SHORT) };
    for key in &keys {
        same("`create`", &created(store, key, &short).await?, &Created::Done)?;
    }
    let started = Instant::now();
    for key in &keys {
        while store.load(key).await.map_err(failed)?.is_some() {
            if started.elapsed() > PATIENCE {
                return Err(format!("a record with a TTL of {SHORT:?} is there after {:?}", started.elapsed()));
            }
            // Not by tokio's clock: a test may have paused it, and the store's own runs on.
            thread::sleep(Duration::from_millis(20));
        }
    }
    same("`replace`", &replaced(store, &keys[0], b"one", &record(b"two")).await?, &Replaced::Gone)?;
    same("`delete`", &deleted(store, &keys[1], None).await?, &Deleted::Gone)?;
    same("`delete` of its bytes", &deleted(store, &keys[2], Some(b"one")).await?, &Deleted::Gone)?;
    same("`create`", &created(store, &keys[3], &record(b"two")).await?, &Created::Done)?;
    for key in &keys[..3] {
        holds_nothing(store, key).await?;
    }
    holds(store, &keys[3], b"two").await
}

async fn keys<S: ByteStore>(store: &S) -> Outcome {
    // 22 characters, as tower-sessions has them: a column may be no wider.
    let start = &key()[..20];
    let (lower, upper, other) = (format!("{start}aa"), format!("{start}aA"), format!("{start}-_"));
    same("`create`", &created(store, &lower, &record(b"one")).await?, &Created::Done)?;
    for other in [upper, other] {
        holds_nothing(store, &other).await?;
        same("`replace`", &replaced(store, &other, b"one", &record(b"two")).await?, &Replaced::Gone)?;
        same("`delete`", &deleted(store, &other, Some(b"one")).await?, &Deleted::Gone)?;
        same("`delete`", &deleted(store, &other, None).await?, &Deleted::Gone)?;
    }
    holds(store, &lower, b"one").await
}

/// Returns a random key of 22 characters.
fn key() -> String {
    SessionId::random().to_string()
}

fn record(bytes: &[u8]) -> Stored {
    Stored { bytes: bytes.to_vec(), ttl: Some(LIFE) }
}

fn changed(bytes: &[u8]) -> Replaced<Vec<u8>> {
    Replaced::Changed(bytes.to_vec())
}

async fn created(store: &impl ByteStore, key: &str, record: &Stored) -> Result<Created, String> {
    store.create(key, record).await.map_err(failed)
}

/// Replaces, and returns the outcome without the TTL of a record that was found.
async fn replaced(
    store: &impl ByteStore,
    key: &str,
    base: &[u8],
    record: &Stored,
) -> Result<Replaced<Vec<u8>>, String> {
    Ok(match store.replace(key, base, record).await.map_err(failed)? {
        Replaced::Done => Replaced::Done,
        Replaced::Changed(found) => Replaced::Changed(found.bytes),
        Replaced::Gone => Replaced::Gone,
    })
}

/// Deletes, and returns the outcome without the TTL of a record that was found.
async fn deleted(store: &impl ByteStore, key: &str, base: Option<&[u8]>) -> Result<Deleted<Vec<u8>>, String> {
    Ok(match store.delete(key, base).await.map_err(failed)? {
        Deleted::Done => Deleted::Done,
        Deleted::Changed(found) => Deleted::Changed(found.bytes),
        Deleted::Gone => Deleted::Gone,
    })
}

async fn holds(store: &impl ByteStore, key: &str, bytes: &[u8]) -> Outcome {
    let found = store.load(key).await.map_err(failed)?;
    same("`load`", &found.map(|found| found.bytes), &Some(bytes.to_vec()))
}

async fn holds_nothing(store: &impl ByteStore, key: &str) -> Outcome {
    same("`load`", &store.load(key).await.map_err(failed)?, &None)
}

async fn is_kept_for(store: &impl ByteStore, key: &str, expected: Option<Duration>) -> Outcome {
    let found = store.load(key).await.map_err(failed)?.ok_or("`load` found nothing")?;
    let is_right = match (found.ttl, expected) {
        (None, None) => true,
        (Some(_), None) | (None, Some(_)) => false,
        (Some(found), Some(expected)) => found <= expected + Duration::from_secs(1) && found + TOLERANCE >= expected,
    };
    if is_right { Ok(()) } else { Err(format!("the TTL is {:?} instead of {expected:?}", found.ttl)) }
}

fn same<T: PartialEq + Debug>(what: &str, found: &T, expected: &T) -> Outcome {
    if found == expected {
        return Ok(());
    }
    let [found, expected] = [found, expected].map(|value| format!("{value:?}").chars().take(200).collect::<String>());
    Err(format!("{what}: {found} instead of {expected}"))
}

fn failed(error: crate::StoreError) -> String {
    format!("the store answered with an error: {error:?}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{StoreError, testing::MemoryBytes};

    /// A store that breaks one sentence.
    struct Careless {
        store: MemoryBytes,
        fault: &'static str,
    }

    impl ByteStore for Careless {
        async fn load(&self, key: &str) -> Result<Option<Stored>, StoreError> {
            let folded = key.to_lowercase();
            let found = self.store.load(if self.fault == "keys" { &folded } else { key }).await?;
            Ok(match self.fault {
                "bytes" => found
                    .map(|found| Stored { bytes: String::from_utf8_lossy(&found.bytes).into_owned().into(), ..found }),
                "ttl" => found.map(|found| Stored { ttl: Some(LIFE), ..found }),
                _ => found,
            })
        }

        async fn create(&self, key: &str, record: &Stored) -> Result<Created, StoreError> {
            match self.fault {
                "create" => drop(self.store.delete(key, None).await?),
                "expired" => return self.store.create(key, &Stored { ttl: Some(LIFE), ..record.clone() }).await,
                _ => {}
            }
            self.store.create(key, record).await
        }

        async fn replace(&self, key: &str, base: &[u8], record: &Stored) -> Result<Replaced<Stored>, StoreError> {
            let found = self.store.load(key).await?;
            let base =
                found.map_or(base.to_vec(), |found| if self.fault == "replace" { found.bytes } else { base.to_vec() });
            self.store.replace(key, &base, record).await
        }

        async fn delete(&self, key: &str, base: Option<&[u8]>) -> Result<Deleted<Stored>, StoreError> {
            self.store.delete(key, base.filter(|_| self.fault != "delete")).await
        }
    }

    #[test]
    fn each_check_finds_the_store_that_breaks_its_sentence() {
        let run = |fault: &'static str| {
            let store = Careless { store: MemoryBytes::new(), fault };
            tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(byte_breaches(&store))
        };
        let checks = ["", "bytes", "create", "replace", "delete", "ttl", "expired", "keys"];
        let runs = checks.map(|fault| thread::spawn(move || (fault, run(fault))));
        for (fault, breaches) in runs.map(|run| run.join().unwrap()) {
            let is_found = breaches.iter().any(|breach| breach.check == fault);
            assert!(is_found || (fault.is_empty() && breaches.is_empty()), "{fault}: {breaches:?}");
        }
    }
}
