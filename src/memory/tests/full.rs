//! A full store whose sessions all have owners finds expired sessions wherever they are, without looking at all
//! records.

use super::*;
use crate::memory::kept;

/// The sessions in each shard.
const EACH: usize = 8;
const MAX: usize = EACH * SHARDS;
/// The most records that may be looked at for one new session: the 8 of the sweep, again those of them that it removes, and a few
/// more.
const LOOKS: usize = 20;

fn id(shard: usize, n: usize) -> SessionId {
    let mut bytes = [0; 16];
    bytes[0] = u8::try_from(shard).unwrap();
    bytes[8..].copy_from_slice(&(n as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15).to_le_bytes());
    SessionId::from_bytes(bytes)
}

fn of_all() -> impl Iterator<Item = SessionId> {
    (0..SHARDS).flat_map(|shard| (0..EACH).map(move |n| id(shard, n)))
}

/// Returns a full store whose sessions have owners, and end at these times.
fn filled(ends: impl Fn(&SessionId) -> u64) -> MemoryStore {
    let store = MemoryStore::bounded(MAX);
    for (n, id) in of_all().enumerate() {
        now(store.create(&id, &record(0, ends(&id), Some(&format!("user {n}")))));
    }
    store
}

/// Logs in. Returns whether there was room, and the number of records that were looked at.
fn log_in(store: &MemoryStore, id: &SessionId, time: u64) -> (bool, usize) {
    let before = kept::LOOKS.get();
    let created = pin!(store.create(id, &record(time, time + 100, Some("new"))))
        .poll(&mut Context::from_waker(Waker::noop()))
        .map(|created| created.is_ok());
    (created == Poll::Ready(true), kept::LOOKS.get() - before)
}

/// Asserts that one more session takes the place of the expired one, and that there is no room for another.
fn takes_the_place(store: &MemoryStore, expired: &SessionId, time: u64, case: &str) {
    for (n, has_room) in [(EACH, true), (EACH + 1, false)] {
        let (created, looks) = log_in(store, &id(7, n), time);
        assert_eq!(created, has_room, "{case}");
        assert!(looks <= LOOKS, "{looks} looked at, {case}");
    }
    assert_eq!(store.len(), MAX, "{case}");
    let gone: Vec<_> = of_all().filter(|id| now(store.load(id)).is_none()).collect();
    assert_eq!(gone, [*expired], "{case}");
}

#[test]
fn one_that_has_expired_makes_room_in_whichever_shard_it_is() {
    for shard in 0..SHARDS {
        let expired = id(shard, EACH / 2);
        let store = filled(|id| if *id == expired { 10 } else { 50 });
        assert!(!log_in(&store, &id(3, EACH), 9).0, "nothing has expired");
        takes_the_place(&store, &expired, 10, &format!("shard {shard}"));
    }
}

#[test]
fn one_that_has_expired_is_found_where_the_others_deadlines_were_moved_out() {
    for shard in 0..SHARDS {
        let expired = id(shard, EACH / 2);
        let store = filled(|_| 10);
        for id in of_all().filter(|id| *id != expired) {
            for time in [5, 8] {
                let base = store.find(&id).unwrap();
                assert_eq!(store.swap(&id, &base, &next(&base, time, time + 10, base.owner())), Replaced::Done);
            }
        }
        takes_the_place(&store, &expired, 12, &format!("shard {shard}"));
    }
}

#[test]
fn one_whose_lifetime_was_cut_short_is_found() {
    for shard in 0..SHARDS {
        let expired = id(shard, EACH / 2);
        let store = filled(|_| 100);
        // Changes the deadline to a later one, then to an earlier one, and to an earlier one again.
        for (time, ends) in [(1, 200), (2, 30), (3, 10)] {
            let base = store.find(&expired).unwrap();
            assert_eq!(store.swap(&expired, &base, &next(&base, time, ends, base.owner())), Replaced::Done);
        }
        assert!(!log_in(&store, &id(3, EACH), 9).0, "nothing has expired");
        takes_the_place(&store, &expired, 10, &format!("shard {shard}"));
    }
}

#[test]
fn where_all_have_expired_each_new_one_looks_at_a_few() {
    let store = filled(|_| 10);
    for n in 0..MAX {
        let (created, looks) = log_in(&store, &id(n % SHARDS, EACH + n), 10);
        assert!(created);
        assert!(looks <= LOOKS, "{looks} looked at");
    }
    assert_eq!(store.len(), MAX);
    assert!(of_all().all(|id| now(store.load(&id)).is_none()));
    assert!(!log_in(&store, &id(0, 0), 10).0, "full again");
}

#[test]
fn what_has_expired_goes_before_what_has_no_owner() {
    let store = MemoryStore::bounded(3);
    now(store.create(&id(0, 0), &record(0, 100, None)));
    now(store.create(&id(1, 1), &record(1, 5, Some("alice"))));
    now(store.create(&id(2, 2), &record(2, 100, None)));
    now(store.create(&id(3, 3), &record(9, 100, None)));
    let alive = (0..4).filter(|n| now(store.load(&id(*n, *n))).is_some());
    assert_eq!(alive.collect::<Vec<_>>(), [0, 2, 3]);
}
