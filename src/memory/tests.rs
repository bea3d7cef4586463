use std::{
    collections::{BTreeMap, BTreeSet},
    pin::pin,
    task::{Context, Poll, Waker},
};

use proptest::prelude::*;

use super::*;
use crate::{changes::Delta, credentials::Credentials, state::State, token::SecretHash};

mod full;
mod growth;

/// This store never waits.
fn now<T>(future: impl Future<Output = Result<T, StoreError>>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => result.unwrap(),
        Poll::Pending => panic!("it waits"),
    }
}

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_millis(seconds * 1000)
}

/// Two in each of two shards.
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

fn changes(now: u64, owner: Option<Option<&str>>) -> Changes {
    Changes {
        now: at(now),
        nonce: now,
        delta: Delta::default(),
        expected: None,
        credentials: None,
        owner: owner.map(|owner| owner.map(Into::into)),
        label: None,
        lifetime: None,
        expires_at: at(now + 10),
        known: crate::changes::Known::default(),
    }
}

#[derive(Clone, Debug)]
enum Step {
    Create(u8, Option<&'static str>),
    Update(u8, Option<Option<&'static str>>),
    /// One whose condition does not hold.
    Conflict(u8, Option<&'static str>),
    Delete(u8),
    Revoke(&'static str, u8),
    RevokeOthers(&'static str, u8),
    Wait(u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let who = || prop::sample::select(vec!["alice", "bob"]);
    let ids = || 0..4_u8;
    let step = prop_oneof![
        (ids(), prop::option::of(who())).prop_map(|(n, owner)| Step::Create(n, owner)),
        (ids(), prop::option::of(prop::option::of(who()))).prop_map(|(n, owner)| Step::Update(n, owner)),
        (ids(), prop::option::of(who())).prop_map(|(n, owner)| Step::Conflict(n, owner)),
        ids().prop_map(Step::Delete),
        (who(), ids()).prop_map(|(owner, n)| Step::Revoke(owner, n)),
        (who(), ids()).prop_map(|(owner, n)| Step::RevokeOthers(owner, n)),
        (1..8_u64).prop_map(Step::Wait),
    ];
    prop::collection::vec(step, 0..40)
}

/// The plain reference: what lives, whose it is, and until when.
type Live = BTreeMap<u8, (u64, Option<&'static str>)>;

fn listed(store: &MemoryStore, owner: &str, time: u64) -> BTreeSet<SessionId> {
    now(OwnerIndex::list(store, owner, at(time))).into_iter().map(|session| session.id).collect()
}

proptest! {
    #[test]
    fn it_agrees_with_a_plain_map_while_time_moves(steps in steps()) {
        let store = MemoryStore::new();
        let (mut time, mut live) = (0, Live::new());
        for step in steps {
            live.retain(|_, (ends, _)| *ends > time);
            match step {
                Step::Create(n, owner) => {
                    let created = now(store.create(&id(n), &record(time, time + 10, owner)));
                    prop_assert_eq!(created == Created::Taken, live.contains_key(&n));
                    live.entry(n).or_insert((time + 10, owner));
                }
                Step::Update(n, owner) => {
                    let updated = now(store.update(&id(n), &changes(time, owner)));
                    prop_assert_eq!(updated, if live.contains_key(&n) { Updated::Done } else { Updated::Gone });
                    if let Some(kept) = live.get_mut(&n) {
                        *kept = (time + 10, owner.unwrap_or(kept.1));
                    }
                }
                Step::Conflict(n, owner) => {
                    let expected = Some(Credentials::new(SecretHash::from_bytes([9; 32])));
                    let updated = now(store.update(&id(n), &Changes { expected, ..changes(time, Some(owner)) }));
                    prop_assert_eq!(matches!(updated, Updated::Conflict(_)), live.contains_key(&n));
                }
                Step::Delete(n) => {
                    now(store.delete(&id(n)));
                    live.remove(&n);
                }
                Step::Revoke(owner, n) => {
                    let is_revoked = now(OwnerIndex::revoke(&store, owner, &id(n)));
                    let is_owned = live.get(&n).is_some_and(|kept| kept.1 == Some(owner));
                    // An expired record may be there still, and may be revoked or not.
                    prop_assert!(is_revoked || !is_owned);
                    if is_owned {
                        live.remove(&n);
                    }
                }
                Step::RevokeOthers(owner, n) => {
                    now(OwnerIndex::revoke_all(&store, owner, Some(&id(n))));
                    live.retain(|at, kept| *at == n || kept.1 != Some(owner));
                }
                Step::Wait(seconds) => time += seconds,
            }
            live.retain(|_, (ends, _)| *ends > time);
            for n in 0..4 {
                let found = now(store.load(&id(n))).filter(|record| record.is_live(at(time)));
                let found = found.map(|record| (record.expires_at(), record.owner().map(str::to_owned)));
                let expected = live.get(&n).map(|(ends, owner)| (at(*ends), owner.map(str::to_owned)));
                prop_assert_eq!(found, expected);
            }
            for owner in ["alice", "bob"] {
                let owned = live.iter().filter(|(_, kept)| kept.1 == Some(owner));
                prop_assert_eq!(listed(&store, owner, time), owned.map(|(n, _)| id(*n)).collect());
            }
            prop_assert!(is_tidy(&store), "the index names what is not there");
        }
    }
}

/// Whether everything in the index is in its owner's record: nothing grows behind the records' back.
fn is_tidy(store: &MemoryStore) -> bool {
    ["alice", "bob"].into_iter().all(|owner| {
        let ids = store.tables.owners(owner).ids(owner);
        ids.iter().all(|id| store.tables.shard(id).get(id).and_then(Kept::owner).map(|found| &**found) == Some(owner))
    })
}

#[test]
fn expired_records_are_given_back_as_others_are_written() {
    let store = MemoryStore::new();
    let session = |n: u32| {
        let mut bytes = [0; 16];
        bytes[8..12].copy_from_slice(&n.wrapping_mul(2_654_435_761).to_le_bytes());
        SessionId::from_bytes(bytes)
    };
    for n in 0..1000 {
        now(store.create(&session(n), &record(0, 10, Some("alice"))));
    }
    assert_eq!(store.len(), 1000);
    for n in 1000..2000 {
        now(store.create(&session(n), &record(20, 30, None)));
    }
    assert_eq!(store.len(), 1000);
    assert!(store.tables.owners("alice").ids("alice").is_empty());
}

#[test]
fn a_session_moves_from_owner_to_owner() {
    let store = MemoryStore::new();
    now(store.create(&id(1), &record(0, 10, Some("alice"))));
    now(store.update(&id(1), &changes(1, Some(Some("bob")))));
    assert_eq!((listed(&store, "alice", 1).len(), listed(&store, "bob", 1).len()), (0, 1));
    assert!(!now(OwnerIndex::revoke(&store, "alice", &id(1))));
    now(store.update(&id(1), &changes(2, Some(Some("bob")))));
    assert_eq!(listed(&store, "bob", 2).len(), 1);
    now(store.update(&id(1), &changes(3, Some(None))));
    assert!(listed(&store, "bob", 3).is_empty());
    assert!(now(store.load(&id(1))).is_some());
}
