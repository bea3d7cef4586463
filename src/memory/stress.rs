//! Runs every verb on many threads at once. There must be no deadlock, and the indexes must agree with the records
//! afterwards.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
};

use rand::{Rng as _, RngExt as _, SeedableRng as _, rngs::StdRng};

use super::{MemoryStore, lock};
use crate::store::{Credentials, OwnerIndex as _, Record, Replaced, SecretHash, SessionId, State, Timestamp};

const THREADS: u64 = 8;
const CALLS: u64 = 6_000;
/// Few enough that threads use the same ids.
const IDS: u8 = 48;
const OWNERS: [&str; 4] = ["ada", "bob", "cleo", "dan"];

/// Returns times that are long enough apart for records to expire, and to be cleaned up after the grace.
fn at(tick: u64) -> Timestamp {
    Timestamp::from_millis(1_000_000 + tick * 100_000)
}

fn id(n: u8) -> SessionId {
    SessionId::from_bytes([n; 16])
}

fn record(owner: Option<&str>, nonce: u64, tick: u64) -> Record {
    let credentials = Credentials::new(SecretHash::from_bytes([1; 32]));
    let mut record = Record::new(credentials, State::default(), at(tick), at(tick + 20));
    let body = record.body_mut();
    body.nonce = nonce;
    body.rest.owner = owner.map(Arc::from);
    record
}

/// Returns the record that a write of `base` makes.
fn next(base: &Record, owner: Option<&str>, nonce: u64, tick: u64) -> Record {
    let mut next = base.clone().written(nonce, base);
    let body = next.body_mut();
    (body.last_used, body.expires_at) = (at(tick), at(tick + 20));
    body.rest.owner = owner.map(Arc::from);
    next
}

async fn call(store: &MemoryStore, random: &mut StdRng, tick: u64) {
    let id = id(random.random_range(0..IDS));
    let name = OWNERS[random.random_range(0..OWNERS.len())];
    let owner = random.random_bool(0.7).then_some(name);
    match random.next_u32() % 16 {
        0..5 => drop(store.add(&id, &record(owner, random.next_u64(), tick))),
        5..10 => {
            if let Some(base) = store.find(&id) {
                store.swap(&id, &base, &next(&base, owner, random.next_u64(), tick));
            }
        }
        10 => drop(store.end(&id, store.find(&id).as_ref())),
        11 => drop(store.revoke(name, &id).await),
        12 => drop(store.revoke_all(name, Some(&id)).await),
        13 => drop(store.list(name).await),
        14 => drop(store.end(&id, None)),
        _ => drop(store.len()),
    }
}

fn run(store: &MemoryStore) {
    let clock = Arc::new(AtomicU64::new(0));
    let (done, all_done) = mpsc::channel();
    for thread in 0..THREADS {
        let (store, clock, done) = (store.clone(), Arc::clone(&clock), done.clone());
        thread::spawn(move || {
            let mut random = StdRng::seed_from_u64(thread);
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            runtime.block_on(async {
                for _ in 0..CALLS {
                    let tick = clock.fetch_add(1, Ordering::Relaxed) / 200;
                    call(&store, &mut random, tick).await;
                }
            });
            done.send(()).unwrap();
        });
    }
    for _ in 0..THREADS {
        all_done.recv_timeout(Duration::from_secs(30)).expect("no deadlock, and no panic");
    }
}

fn records(store: &MemoryStore) -> Vec<(SessionId, Record)> {
    store.tables.shards.iter().flat_map(|shard| lock(shard).iter().collect::<Vec<_>>()).collect()
}

/// Returns the entries of the owners' tables.
fn listed(store: &MemoryStore) -> Vec<(String, SessionId)> {
    let ids = |name: &&str| {
        let ids = store.tables.owners(name).ids(name);
        ids.into_iter().map(|id| ((*name).to_owned(), id)).collect::<Vec<_>>()
    };
    OWNERS.iter().flat_map(ids).collect()
}

fn check(store: &MemoryStore) {
    let records = records(store);
    let mut owned: Vec<_> = records.iter().filter_map(|(id, record)| Some((record.owner()?.to_owned(), *id))).collect();
    owned.sort_unstable();
    let mut listed = listed(store);
    listed.sort_unstable();
    assert_eq!(listed, owned);
    if let Some(bound) = &store.tables.bound {
        let ownerless = records.iter().filter(|(_, record)| record.owner().is_none());
        let expected = ownerless.map(|(id, record)| (record.created_at(), *id)).collect();
        assert_eq!(*bound.ownerless(), expected);
        assert_eq!(bound.count(), records.len());
        for shard in &store.tables.shards {
            let shard = lock(shard);
            let expected: BTreeSet<_> = shard.iter().map(|(id, record)| (record.expires_at(), id)).collect();
            assert!(shard.expiries().is_some_and(|expiries| expiries.iter().eq(expected)));
        }
    }
}

#[test]
fn indexes_agree_with_the_records_after_a_stress() {
    for store in [MemoryStore::new(), MemoryStore::bounded(24)] {
        run(&store);
        assert!(!store.is_empty(), "there is something to look at");
        check(&store);

        // One half is deleted and the other half expires. Nothing must be left.
        for n in (0..IDS).step_by(2) {
            store.end(&id(n), None);
        }
        check(&store);
        // Writes nothing, because no record has this nonce.
        let mut far = record(None, 0, 0);
        far.body_mut().last_used = Timestamp::MAX;
        for n in 0..64 {
            // Each step looks at a few slots only.
            (0..64).for_each(|_| drop(store.swap(&id(n), &far, &far)));
            assert_eq!(store.swap(&id(n), &far, &far), Replaced::Gone);
        }
        check(&store);
        assert!(store.is_empty());
        assert!(store.tables.owners.iter().all(|table| lock(table).is_empty()));
    }
}
