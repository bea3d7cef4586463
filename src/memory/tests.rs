use std::{
    collections::{BTreeMap, BTreeSet},
    pin::pin,
    task::{Context, Poll, Waker},
};

use proptest::prelude::*;

use super::*;
use crate::store::{Credentials, SecretHash, State};

mod full;
mod growth;
#[cfg(feature = "testing")]
mod snapshot;

/// Returns the output of a future of this store, which never waits.
fn now<T>(future: impl Future<Output = Result<T, StoreError>>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => result.unwrap(),
        Poll::Pending => panic!("it waits"),
    }
}

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_millis(seconds * 1000)
}

/// Returns ids of which two are in each of two shards.
fn id(n: u8) -> SessionId {
    let mut bytes = [0; 16];
    (bytes[0], bytes[15]) = (n % 2, n);
    SessionId::from_bytes(bytes)
}

fn record(made: u64, ends: u64, owner: Option<&str>) -> Record {
    let credentials = Credentials::new(SecretHash::from_bytes([0; 32]));
    let mut record = Record::new(credentials, State::default(), at(made), at(ends));
    record.body_mut().rest.owner = owner.map(Into::into);
    record
}

/// Returns the record that a write of `base` makes.
fn next(base: &Record, used: u64, ends: u64, owner: Option<&str>) -> Record {
    let mut next = base.clone().written(rand::random(), base);
    let body = next.body_mut();
    (body.last_used, body.expires_at) = (at(used), at(ends));
    body.rest.owner = owner.map(Into::into);
    next
}

/// Replaces the stored record by one that ends 10 s later.
fn write(store: &MemoryStore, id: &SessionId, time: u64, owner: Option<&str>) {
    let base = store.find(id).unwrap();
    assert_eq!(store.swap(id, &base, &next(&base, time, time + 10, owner)), Replaced::Done);
}

#[derive(Clone, Debug)]
enum Step {
    Create(u8, Option<&'static str>),
    Replace(u8, Option<&'static str>),
    /// A write with the nonce of a record that is not stored.
    Late(u8, Option<&'static str>),
    Delete(u8),
    DeleteBase(u8),
    DeleteLate(u8),
    Revoke(&'static str, u8),
    RevokeOthers(&'static str, u8),
    Wait(u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let name = || prop::sample::select(vec!["alice", "bob"]);
    let ids = || 0..4_u8;
    let step = prop_oneof![
        (ids(), prop::option::of(name())).prop_map(|(n, owner)| Step::Create(n, owner)),
        (ids(), prop::option::of(name())).prop_map(|(n, owner)| Step::Replace(n, owner)),
        (ids(), prop::option::of(name())).prop_map(|(n, owner)| Step::Late(n, owner)),
        ids().prop_map(Step::Delete),
        ids().prop_map(Step::DeleteBase),
        ids().prop_map(Step::DeleteLate),
        (name(), ids()).prop_map(|(owner, n)| Step::Revoke(owner, n)),
        (name(), ids()).prop_map(|(owner, n)| Step::RevokeOthers(owner, n)),
        // Some waits end after the deadline, and some after the grace.
        prop_oneof![1..8_u64, 300..700_u64].prop_map(Step::Wait),
    ];
    prop::collection::vec(step, 0..40)
}

/// The reference: the records that were stored last. The store may or may not have those that are beyond their grace.
type Stored = BTreeMap<u8, Record>;

fn is_overdue(record: &Record, time: u64) -> bool {
    record.expires_at().plus(Record::GRACE) <= at(time)
}

fn listed(store: &MemoryStore, owner: &str) -> BTreeSet<SessionId> {
    now(OwnerIndex::list(store, owner)).into_iter().map(|(id, _)| id).collect()
}

proptest! {
    #[test]
    fn it_agrees_with_a_plain_map_while_time_moves(steps in steps()) {
        let store = MemoryStore::new();
        let (mut time, mut stored) = (0, Stored::new());
        for step in steps {
            let other = record(0, 10, None);
            match step {
                Step::Create(n, owner) => {
                    let new = next(&record(time, time + 10, None), time, time + 10, owner);
                    let created = store.add(&id(n), &new).unwrap();
                    prop_assert_eq!(created == Created::Taken, stored.contains_key(&n));
                    stored.entry(n).or_insert(new);
                }
                Step::Replace(n, owner) => {
                    let base = stored.get(&n).unwrap_or(&other).clone();
                    let new = next(&base, time, time + 10, owner);
                    let replaced = store.swap(&id(n), &base, &new);
                    prop_assert_eq!(replaced, if stored.contains_key(&n) { Replaced::Done } else { Replaced::Gone });
                    stored.entry(n).and_modify(|record| *record = new);
                }
                Step::Late(n, owner) => {
                    let replaced = store.swap(&id(n), &other, &next(&other, time, time + 10, owner));
                    prop_assert_eq!(replaced, stored.get(&n).cloned().map_or(Replaced::Gone, Replaced::Changed));
                }
                Step::Delete(n) => {
                    let deleted = store.end(&id(n), None);
                    prop_assert_eq!(deleted, stored.remove(&n).map_or(Deleted::Gone, |_| Deleted::Done));
                }
                Step::DeleteBase(n) => {
                    let deleted = store.end(&id(n), Some(stored.get(&n).unwrap_or(&other)));
                    prop_assert_eq!(deleted, stored.remove(&n).map_or(Deleted::Gone, |_| Deleted::Done));
                }
                Step::DeleteLate(n) => {
                    let deleted = store.end(&id(n), Some(&other));
                    prop_assert_eq!(deleted, stored.get(&n).cloned().map_or(Deleted::Gone, Deleted::Changed));
                }
                Step::Revoke(owner, n) => {
                    let is_revoked = now(OwnerIndex::revoke(&store, owner, &id(n)));
                    prop_assert_eq!(is_revoked, stored.get(&n).is_some_and(|record| record.owner() == Some(owner)));
                    if is_revoked {
                        stored.remove(&n);
                    }
                }
                Step::RevokeOthers(owner, n) => {
                    now(OwnerIndex::revoke_all(&store, owner, Some(&id(n))));
                    stored.retain(|at, record| *at == n || record.owner() != Some(owner));
                }
                Step::Wait(seconds) => time += seconds,
            }
            // The steps clean up, too.
            stored.retain(|n, record| store.find(&id(*n)).is_some() || !is_overdue(record, time));
            for n in 0..4 {
                prop_assert_eq!(store.find(&id(n)), stored.get(&n).cloned());
            }
            for owner in ["alice", "bob"] {
                let owned = stored.iter().filter(|(_, record)| record.owner() == Some(owner));
                prop_assert_eq!(listed(&store, owner), owned.map(|(n, _)| id(*n)).collect());
            }
            prop_assert!(is_tidy(&store), "the index names what is not there");
        }
    }
}

/// Returns true if every entry of the index is in its owner's record, so that the index does not grow without records.
fn is_tidy(store: &MemoryStore) -> bool {
    ["alice", "bob"].into_iter().all(|owner| {
        let ids = store.tables.owners(owner).ids(owner);
        ids.iter().all(|id| store.tables.shard(id).get(id).and_then(Kept::owner).map(|found| &**found) == Some(owner))
    })
}

#[test]
fn expired_records_are_given_back_as_others_are_written_after_the_grace() {
    let store = MemoryStore::new();
    let session = |n: u32| {
        let mut bytes = [0; 16];
        bytes[8..12].copy_from_slice(&n.wrapping_mul(2_654_435_761).to_le_bytes());
        SessionId::from_bytes(bytes)
    };
    let create = |ids: std::ops::Range<u32>, time, owner| {
        for n in ids {
            assert_eq!(store.add(&session(n), &record(time, time + 10, owner)).unwrap(), Created::Done);
        }
        store.len()
    };
    assert_eq!(create(0..1000, 0, Some("alice")), 1000);
    assert_eq!(create(1000..2000, 609, Some("bob")), 2000, "none is beyond its grace");
    assert_eq!(create(2000..4000, 610, None), 3000);
    assert!(store.tables.owners("alice").ids("alice").is_empty());
    assert_eq!(store.tables.owners("bob").ids("bob").len(), 1000);
}

#[test]
fn an_expired_record_is_there_for_every_verb() {
    for store in [MemoryStore::new(), MemoryStore::bounded(4)] {
        let expired = record(0, 10, Some("alice"));
        for n in 0..4 {
            assert_eq!(store.add(&id(n), &expired).unwrap(), Created::Done);
        }
        let (late, other) = (next(&expired, 300, 310, Some("alice")), next(&expired, 300, 310, None));
        assert_eq!(store.find(&id(0)), Some(expired.clone()));
        assert_eq!(listed(&store, "alice").len(), 4);
        assert_eq!(store.swap(&id(0), &other, &late), Replaced::Changed(expired.clone()));
        assert_eq!(store.swap(&id(0), &expired, &late), Replaced::Done);
        assert_eq!(store.end(&id(1), Some(&other)), Deleted::Changed(expired.clone()));
        assert_eq!(store.end(&id(1), Some(&expired)), Deleted::Done);
        assert_eq!(store.end(&id(2), None), Deleted::Done);
        assert_eq!(store.add(&id(3), &record(300, 310, None)).unwrap(), Created::Taken);
        assert!(now(OwnerIndex::revoke(&store, "alice", &id(3))));
        assert_eq!(store.add(&id(3), &record(300, 310, None)).unwrap(), Created::Done, "memory keeps no tombstones");
    }
}

#[test]
fn a_session_moves_from_owner_to_owner() {
    let store = MemoryStore::new();
    now(store.create(&id(1), &record(0, 10, Some("alice"))));
    write(&store, &id(1), 1, Some("bob"));
    assert_eq!((listed(&store, "alice").len(), listed(&store, "bob").len()), (0, 1));
    assert!(!now(OwnerIndex::revoke(&store, "alice", &id(1))));
    write(&store, &id(1), 2, Some("bob"));
    assert_eq!(listed(&store, "bob").len(), 1);
    write(&store, &id(1), 3, None);
    assert!(listed(&store, "bob").is_empty());
    assert!(now(store.load(&id(1))).is_some());
}
