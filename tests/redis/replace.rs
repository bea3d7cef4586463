//! Replaces records on the real server. Each of its commands must do what a pure function returns.

use std::{sync::atomic::Ordering, time::Duration};

use cloakroom::{
    SessionId,
    redis::RedisStore,
    store::{Created, Record, Replaced, SessionStore, State, Timestamp},
    testing::RecordBuilder,
};
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use tokio::time::Instant;

use crate::{
    records::{NOW, key, record},
    redis_support::{
        Monitor, SECOND,
        proxy::Proxy,
        server::{Server, is_valkey},
    },
};

/// A key: its bytes, and its TTL in milliseconds.
#[derive(Clone, Debug, PartialEq)]
struct Stored {
    bytes: Vec<u8>,
    ttl: Option<i64>,
}

/// The effect of a call on a key, which is also its reply.
#[derive(Debug, PartialEq)]
enum Outcome {
    Done,
    Changed(Record),
    Gone,
    Undecodable,
}

/// Replaces a record as the contract says: compares the nonce, and keeps or sets the TTL.
fn replaced(stored: Option<&Stored>, base: &Record, record: &Record) -> (Outcome, Option<Stored>) {
    let Some(found) = stored.filter(|found| !found.bytes.is_empty()) else { return (Outcome::Gone, stored.cloned()) };
    let nonce = format!("{:016x}", base.nonce());
    if found.bytes.get(18..34) != Some(nonce.as_bytes()) {
        let outcome = Record::from_bytes(&found.bytes).map_or(Outcome::Undecodable, Outcome::Changed);
        return (outcome, Some(found.clone()));
    }
    let ttl = if base.expires_at() == record.expires_at() {
        found.ttl
    } else {
        record.ttl().map(|ttl| i64::try_from(ttl.as_millis()).unwrap())
    };
    (Outcome::Done, Some(Stored { bytes: record.to_bytes(), ttl }))
}

fn some_state(rng: &mut StdRng) -> State {
    let length = [0, 10, 1500, 3000, 20_000, 70_000][rng.random_range(0..6)];
    let keys = (0..rng.random_range(0..5)).map(|n| (format!("k{n}"), rng.random_range(0..3).to_string()));
    keys.chain([("pad".to_owned(), "x".repeat(length))]).collect()
}

fn some_deadline(rng: &mut StdRng) -> Timestamp {
    match rng.random_range(0..6) {
        0 => Timestamp::MAX,
        1 => NOW,
        2 => NOW.plus(Duration::from_secs(60 * 60 * 24 * 400)),
        _ => NOW.plus(Duration::from_millis(rng.random_range(0..1 << 32))),
    }
}

fn some_record(rng: &mut StdRng) -> Record {
    let record = RecordBuilder::new(NOW).state(some_state(rng)).nonce(rng.random()).expires_at(some_deadline(rng));
    let record = if rng.random() { record.trail() } else { record };
    let record = if rng.random() { record.owner(Some(["bob", "\n\u{e9}"][rng.random_range(0..2)])) } else { record };
    record.build()
}

/// Returns a record that replaces `base`: a touch, a write, or another state.
fn some_next(rng: &mut StdRng, base: &Record) -> Record {
    let next = RecordBuilder::after(base).nonce(rng.random());
    let next = if rng.random() { next.expires_at(some_deadline(rng)).used_at(NOW.plus(SECOND)) } else { next };
    match rng.random_range(0..4) {
        0 => next.state(some_state(rng)),
        1 => next.set("k1", "\"new\"").label(Some("a phone")),
        _ => next,
    }
    .build()
}

/// Returns the value under the key. In most cases it is the base.
fn some_stored(rng: &mut StdRng, base: &Record) -> Option<Stored> {
    let bytes = match rng.random_range(0..12) {
        0 => return None,
        1 => Vec::new(),
        2 => some_record(rng).to_bytes(),
        3 => some_next(rng, base).to_bytes(),
        // The base's nonce with other bytes, of another length or of the same one.
        4 => RecordBuilder::new(NOW).state(some_state(rng)).nonce(base.nonce()).build().to_bytes(),
        5 => {
            let mut bytes = base.to_bytes();
            let last = bytes.len() - 2;
            bytes[last] = b'7';
            bytes
        }
        // Damaged values: cut before the nonce, cut later, or no record.
        6 => base.to_bytes()[..rng.random_range(1..60)].to_vec(),
        7 => (0..rng.random_range(1..200)).map(|_| rng.random()).collect(),
        _ => base.to_bytes(),
    };
    let ttl = if rng.random_bool(0.2) { None } else { Some(rng.random_range(100_000..1 << 40)) };
    Some(Stored { bytes, ttl })
}

async fn as_a_pure_function_says(server: &Server, store: &RedisStore, seed: u64) {
    let (mut rng, mut admin) = (StdRng::seed_from_u64(seed), server.admin().await);
    let mut seen = [0; 4];
    for round in 0..1500 {
        let id = SessionId::random();
        let base = some_record(&mut rng);
        let next = some_next(&mut rng, &base);
        let stored = some_stored(&mut rng, &base);
        let started = Instant::now();
        if let Some(stored) = &stored {
            server.store_bytes(&id, &stored.bytes, stored.ttl).await;
        }
        let outcome = match store.replace(&id, &base, &next).await {
            Ok(Replaced::Done) => Outcome::Done,
            Ok(Replaced::Changed(found)) => Outcome::Changed(found),
            Ok(Replaced::Gone) => Outcome::Gone,
            Err(error) if error.is_undecodable() => Outcome::Undecodable,
            Err(error) => panic!("{error:?}"),
        };
        let (expected, after) = replaced(stored.as_ref(), &base, &next);
        // The length and the nonce are the same and the bytes differ. A touch keeps a state that a person has edited.
        let edited = stored
            .as_ref()
            .is_some_and(|stored| stored.bytes.len() == base.to_bytes().len() && stored.bytes != base.to_bytes());
        assert_eq!(outcome, expected, "{round}: {stored:?} {base:?} {next:?}");
        seen[match outcome {
            Outcome::Done => 0,
            Outcome::Changed(_) => 1,
            Outcome::Gone => 2,
            Outcome::Undecodable => 3,
        }] += 1;
        let bytes = server.stored(&id).await;
        if edited && bytes != after.as_ref().map(|after| after.bytes.clone()) {
            let (bytes, next) = (bytes.unwrap(), next.to_bytes());
            assert_eq!((bytes.len(), &bytes[..150]), (next.len(), &next[..150]), "{round}");
        } else {
            assert_eq!(bytes, after.as_ref().map(|after| after.bytes.clone()), "{round}");
        }
        let ttl: i64 = redis::cmd("PTTL").arg(key(&id)).query_async(&mut admin).await.unwrap();
        let passed = i64::try_from(started.elapsed().as_millis()).unwrap() + 1;
        match after {
            None => assert_eq!(ttl, -2, "{round}"),
            Some(Stored { ttl: None, .. }) => assert_eq!(ttl, -1, "{round}"),
            Some(Stored { ttl: Some(after), .. }) => {
                assert!((after - passed..=after).contains(&ttl), "{round}: {ttl} of {after} after {passed} ms");
            }
        }
    }
    assert!(seen.iter().all(|seen| *seen > 50), "{seen:?}");
}

#[tokio::test]
async fn by_the_best_command_of_the_server() {
    let server = Server::start().await;
    as_a_pure_function_says(&server, &server.store().await, 1).await;
}

#[tokio::test]
async fn by_the_script() {
    let server = Server::start().await;
    as_a_pure_function_says(&server, &server.provided().await, 2).await;
}

/// `IFEQ` is for small records. If the server does not know it, a connection tries it once.
#[tokio::test]
async fn the_command_is_chosen_by_size() {
    let server = Server::start().await;
    let store = server.store().await;
    let mut monitor = Monitor::start(&server);
    let (small, large) = ("x".to_owned(), "x".repeat(20_000));
    let compares = if is_valkey() { "SET" } else { "EVALSHA" };
    let probe: &[&str] = if is_valkey() { &["SET"] } else { &["SET", "EVALSHA", "EVAL"] };
    let steps: [(&str, &str, &[&str]); 6] = [
        ("small", &small, probe),
        ("still small", &small, &[compares]),
        ("large", &large, &["EVALSHA"]),
        ("still large", &large, &["EVALSHA"]),
        ("small again", &small, &["EVALSHA"]),
        ("small after all", &small, &[compares]),
    ];
    let (id, mut base) = (SessionId::random(), record([("n", "0")], 600 * SECOND));
    store.create(&id, &base).await.unwrap();
    // This makes a server with its own compare-and-set know the script as well.
    if is_valkey() {
        store.delete(&SessionId::random(), Some(&base)).await.unwrap();
    }
    monitor.commands();
    for (step, (name, pad, commands)) in steps.into_iter().enumerate() {
        let next = RecordBuilder::after(&base).set("n", &step.to_string()).set("pad", pad).build();
        assert_eq!(store.replace(&id, &base, &next).await.unwrap(), Replaced::Done, "{name}");
        assert_eq!(monitor.commands(), commands, "{name}");
        base = next;
    }
    // A touch of a large record is small on every server.
    let base = RecordBuilder::after(&base).set("pad", &large).build();
    server.store_bytes(&id, &base.to_bytes(), None).await;
    let next = RecordBuilder::after(&base).expires_at(NOW.plus(700 * SECOND)).build();
    assert_eq!(store.replace(&id, &base, &next).await.unwrap(), Replaced::Done);
    let commands = monitor.commands();
    assert_eq!(commands.iter().filter(|command| *command == "EVALSHA").count(), 1, "{commands:?}");

    let _: i64 = server.run_command("CLIENT KILL TYPE normal SKIPME yes").await;
    let small = RecordBuilder::after(&next).remove("pad").build();
    server.store_bytes(&id, &small.to_bytes(), None).await;
    // The store may only now notice that its connection is gone.
    while store.load(&id).await.is_err() {}
    let mut monitor = Monitor::start(&server);
    let next = RecordBuilder::after(&small).set("n", "9").build();
    assert_eq!(store.replace(&id, &small, &next).await.unwrap(), Replaced::Done);
    let probe: &[&str] = if is_valkey() { &["SET"] } else { &["SET", "EVALSHA"] };
    assert_eq!(monitor.commands(), probe, "each connection finds out");
}

#[tokio::test]
async fn a_touch_of_a_large_session_sends_little() {
    let server = Server::start().await;
    let proxy = Proxy::start(server.port).await;
    let store = RedisStore::connect(proxy.url()).await.unwrap();
    let id = SessionId::random();
    let pad = "x".repeat(61_440);
    let mut base = RecordBuilder::after(&record([("pad", pad)], 600 * SECOND)).owner(Some("bob")).build();
    assert_eq!(store.create(&id, &base).await.unwrap(), Created::Done);
    // This makes the server know the script.
    store.delete(&SessionId::random(), Some(&base)).await.unwrap();
    for seconds in 1..5 {
        let before = proxy.sent.load(Ordering::Relaxed);
        let found = store.load(&id).await.unwrap().unwrap();
        let touched = RecordBuilder::after(&found).used_at(NOW.plus(seconds * SECOND));
        let touched = touched.expires_at(NOW.plus((600 + seconds) * SECOND)).build();
        assert_eq!(store.replace(&id, &found, &touched).await.unwrap(), Replaced::Done);
        let sent = proxy.sent.load(Ordering::Relaxed) - before;
        assert!(sent < 1024, "{sent} bytes for a load and a touch");
        println!("{sent} bytes for a load and a touch of 60 KiB");
        assert_eq!(server.stored(&id).await.unwrap(), touched.to_bytes());
        base = touched;
    }
    assert_eq!(store.load(&id).await.unwrap(), Some(base));
}
