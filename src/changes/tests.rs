use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::token::SecretHash;

type Map = BTreeMap<String, String>;

fn key() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["a", "b", "c", "d"]).prop_map(str::to_owned)
}

fn value() -> impl Strategy<Value = String> {
    (0..3_u8).prop_map(|n| n.to_string())
}

fn map() -> impl Strategy<Value = Map> {
    prop::collection::btree_map(key(), value(), 0..4)
}

/// What one key becomes, and what it was expected to be.
type Written = BTreeMap<String, (Option<Option<String>>, Option<String>)>;

fn written() -> impl Strategy<Value = Written> {
    let change = (prop::option::of(prop::option::of(value())), prop::option::of(value()));
    prop::collection::btree_map(key(), change, 0..4)
}

fn delta(clear: bool, written: &Written) -> Delta {
    let change = |(key, (seen, value)): (&String, &(Option<Option<String>>, Option<String>))| KeyChange {
        key: key.as_str().into(),
        seen: match seen {
            None => Seen::Anything,
            Some(seen) => Seen::Exactly(seen.as_deref().map(Into::into)),
        },
        value: value.as_deref().map(Into::into),
    };
    Delta { clear, keys: written.iter().map(change).collect() }
}

fn hash(n: u8) -> SecretHash {
    SecretHash::from_bytes([n; 32])
}

fn record(state: &Map) -> Record {
    let at = Timestamp::from_millis(1000);
    Record::new(Credentials::new(hash(1)), state.iter().collect(), at, Timestamp::from_millis(5000))
}

fn changes(delta: Delta) -> Changes {
    Changes {
        now: Timestamp::from_millis(2000),
        nonce: 7,
        delta,
        expected: None,
        credentials: None,
        owner: None,
        label: None,
        lifetime: None,
        expires_at: Timestamp::from_millis(6000),
        known: Known::default(),
    }
}

proptest! {
    /// Against a map: clear, then remove and set; and a condition that fails changes nothing.
    #[test]
    fn keys_become_what_a_map_would(state in map(), clear: bool, written in written()) {
        let holds = written.iter().all(|(key, (seen, _))| {
            seen.as_ref().is_none_or(|seen| seen.as_ref() == state.get(key))
        });
        let mut expected = if clear { Map::new() } else { state.clone() };
        for (key, (_, value)) in &written {
            match value {
                Some(value) => expected.insert(key.clone(), value.clone()),
                None => expected.remove(key),
            };
        }
        let after = changes(delta(clear, &written)).apply(&record(&state));
        let expected = holds.then(|| expected.iter().collect::<State>());
        prop_assert_eq!(after.ok().map(|after| after.state().clone()), expected);
    }

    /// What two requests did to different keys is kept, whoever comes first.
    #[test]
    fn different_keys_commute(state in map(), ours in map(), theirs in map()) {
        let set = |map: &Map, others: &Map| -> Written {
            let own = map.iter().filter(|(key, _)| !others.contains_key(*key));
            own.map(|(key, value)| (key.clone(), (None, Some(value.clone())))).collect()
        };
        let (ours, theirs) = (changes(delta(false, &set(&ours, &theirs))), changes(delta(false, &set(&theirs, &ours))));
        let both = |first: &Changes, second: &Changes| second.apply(&first.apply(&record(&state)).unwrap()).unwrap();
        prop_assert_eq!(both(&ours, &theirs), both(&theirs, &ours));
    }

    /// Deadlines move out only, but for a lifetime of its own; the last use never goes back.
    #[test]
    fn deadlines_move_out_unless_the_lifetime_is_set(now in 0..3000_u64, ends in 0..9000_u64, is_set: bool) {
        let lifetime = is_set.then(|| Arc::new(Lifetime::default()));
        let (now, expires_at) = (Timestamp::from_millis(now), Timestamp::from_millis(ends));
        let before = record(&Map::new());
        let after = Changes { now, lifetime, expires_at, ..changes(Delta::default()) }.apply(&before).unwrap();
        prop_assert_eq!(after.last_used(), before.last_used().max(now));
        prop_assert_eq!(after.expires_at(), if is_set { expires_at } else { expires_at.max(before.expires_at()) });
        prop_assert_eq!(after.created_at(), before.created_at());
    }
}

#[test]
fn a_rotation_holds_only_for_the_credentials_that_were_loaded() {
    let before = record(&Map::new());
    let rotated = |n| before.credentials().rotated(hash(n), Timestamp::from_millis(2000));
    let rotation = |n| Changes {
        expected: Some(before.credentials()),
        credentials: Some(rotated(n)),
        ..changes(Delta::default())
    };
    let after = rotation(2).apply(&before).unwrap();
    assert_eq!((after.credentials(), after.nonce()), (rotated(2), 7));
    assert_eq!(rotation(3).apply(&after), Err(Conflict));
    // A plain write needs no condition: it lands in the renewed session.
    assert_eq!(changes(Delta::default()).apply(&after).unwrap().credentials(), rotated(2));
}

#[test]
fn an_owner_is_kept_set_or_cleared() {
    let mut before = record(&Map::new());
    before.body_mut().rest.owner = Some("alice".into());
    let owner_after =
        |owner| Changes { owner, ..changes(Delta::default()) }.apply(&before).unwrap().owner().map(str::to_owned);
    assert_eq!(owner_after(None).as_deref(), Some("alice"));
    assert_eq!(owner_after(Some(Some("bob".into()))).as_deref(), Some("bob"));
    assert_eq!(owner_after(Some(None)), None);
    let cleared = Changes { owner: Some(None), ..changes(Delta::default()) }.apply(&before).unwrap();
    assert!(before.body().rest.is_block() && !cleared.body().rest.is_block());
    assert!(changes(Delta::default()).is_touch());
    assert!(!Changes { owner: Some(None), ..changes(Delta::default()) }.is_touch());
}
