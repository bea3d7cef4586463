//! Tables do not grow because of removed records.

use rand::{Rng as _, SeedableRng as _, rngs::StdRng};

use super::*;

/// The number of fills of the same size. Each begins after the previous one has expired.
const FILLS: u64 = 4;

/// Returns ids of one shard, whose table takes a 64th of the whole store's memory.
fn id(random: &mut StdRng) -> SessionId {
    let mut bytes = [0; 16];
    random.fill_bytes(&mut bytes);
    bytes[0] = 0;
    SessionId::from_bytes(bytes)
}

fn slots(store: &MemoryStore) -> usize {
    lock(&store.tables.shards[0]).slots()
}

#[test]
fn as_many_again_once_the_first_have_expired_take_no_larger_table() {
    let mut random = StdRng::seed_from_u64(1);
    // A 64th of 58,000, 100,000, 110,000 and 800,000 sessions; tables that are full to the last place; and others.
    let sizes = [906, 1562, 1718, 12_500, 3, 14, 896, 1792, 7168].into_iter().chain((2..2000).step_by(97));
    for size in sizes {
        let store = MemoryStore::new();
        let mut first = None;
        for fill in 0..FILLS {
            for _ in 0..size {
                now(store.create(&id(&mut random), &record(fill * 1000, fill * 1000 + 10, None)));
            }
            let first = *first.get_or_insert_with(|| slots(&store));
            assert_eq!(slots(&store), first, "{size} sessions, fill {fill}");
            assert_eq!(store.len(), size, "fill {fill}");
        }
    }
}

#[test]
fn a_table_of_which_half_goes_with_each_fill_stays_as_it_is() {
    let mut random = StdRng::seed_from_u64(2);
    let store = MemoryStore::new();
    let mut fill = |time: u64| {
        for _ in 0..800 {
            // The records are cleaned up 20 s later, with the grace.
            now(store.create(&id(&mut random), &record(600 + time, time + 20, None)));
        }
        slots(&store)
    };
    fill(0);
    let full = fill(10);
    for time in (20..200).step_by(10) {
        assert_eq!(fill(time), full);
    }
}

#[test]
fn a_table_that_stays_nearly_full_is_not_rebuilt_again_and_again() {
    let mut random = StdRng::seed_from_u64(3);
    for size in [14, 223, 1791, 1792] {
        let store = MemoryStore::new();
        let mut ids: std::collections::VecDeque<_> = (0..size).map(|_| id(&mut random)).collect();
        for id in &ids {
            now(store.create(id, &record(0, 10, None)));
        }
        let (full, built) = (slots(&store), lock(&store.tables.shards[0]).rebuilds());
        let churn = 20 * size;
        for _ in 0..churn {
            now(store.delete(&ids.pop_front().unwrap(), None));
            ids.push_back(id(&mut random));
            now(store.create(&ids[size - 1], &record(0, 10, None)));
        }
        let rebuilds = lock(&store.tables.shards[0]).rebuilds() - built;
        assert!(rebuilds * size <= churn * 4 + 2 * size, "{size} sessions, {churn} writes, {rebuilds} rebuilds");
        assert!(slots(&store) <= 2 * full, "{size} sessions");
        assert!(ids.iter().all(|id| now(store.load(id)).is_some()), "{size} sessions");
    }
}
