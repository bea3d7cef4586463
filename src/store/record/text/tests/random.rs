//! Random records, and random damage.

use std::{collections::BTreeMap, sync::Arc};

use proptest::{collection::vec, option, prelude::*, sample::Index};

use super::*;
use crate::store::{SUPERSEDED_MAX, Superseded};

fn times() -> impl Strategy<Value = Timestamp> {
    prop_oneof![Just(0), 0..2_000_000_000_000_u64, Just(u64::MAX)].prop_map(Timestamp::from_millis)
}

fn nonces() -> impl Strategy<Value = u64> {
    prop_oneof![Just(0), any::<u64>(), Just(u64::MAX)]
}

fn hashes() -> impl Strategy<Value = SecretHash> {
    any::<[u8; 32]>().prop_map(SecretHash::from_bytes)
}

/// Returns texts that look like parts of a record, and any others.
fn texts() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z0-9:=\n!, ]{0,12}", "(?s).{0,8}", "x{90,110}"]
}

fn lifetimes() -> impl Strategy<Value = Lifetime> {
    let limits = (1..u64::MAX, option::of(1..=34_560_000_000_u64));
    (limits, 0..3, option::of(1..=1000_u16)).prop_map(|((idle, absolute), cookie, threshold)| {
        let idle = absolute.map_or(idle, |limit| 1 + idle % limit);
        let mut builder = Lifetime::builder().idle(Duration::from_millis(idle));
        builder = match absolute {
            Some(limit) => builder.absolute(Duration::from_millis(limit)),
            None => builder.insecure_no_absolute(),
        };
        builder = match cookie {
            0 => builder,
            1 => builder.persistent(),
            _ => builder.persistent_while_used(),
        };
        builder = match threshold {
            Some(threshold) => builder.extend_on_use(f64::from(threshold) / 1000.0),
            None if cookie == 0 => builder.extend_on_change(),
            None => builder.extend_on_write(),
        };
        builder.build().unwrap()
    })
}

/// Returns lines that no version knows yet, in any order.
fn unknown() -> impl Strategy<Value = Option<Arc<str>>> {
    vec(("x[a-z]{0,2}", texts()), 0..3).prop_map(|lines| {
        let lines: BTreeMap<String, String> = lines.into_iter().collect();
        let line = |(name, text): (&String, &String)| format!("{name}={}:{text}\n", text.len());
        let lines = lines.iter().rev().map(line).collect::<Vec<_>>().concat();
        (!lines.is_empty()).then(|| lines.into())
    })
}

/// Returns records with random lines, and no state.
fn lines() -> impl Strategy<Value = Record> {
    let trail = option::of([nonces(), nonces(), nonces(), nonces()]);
    let secret = (hashes(), times()).prop_map(|(hash, until)| Superseded { hash, until });
    let superseded = vec(secret, 0..=SUPERSEDED_MAX);
    let shared = || option::of(texts().prop_map(Arc::from));
    let lifetime = option::of(lifetimes().prop_map(Arc::new));
    #[cfg(feature = "device-bound")]
    let others = (option::of(super::super::device::tests::bindings().prop_map(Arc::new)), unknown());
    #[cfg(not(feature = "device-bound"))]
    let others = unknown();
    (trail, superseded, shared(), shared(), lifetime, option::of(times()), others).prop_map(|parts| {
        let (trail, superseded, owner, label, lifetime, admitted, unknown) = parts;
        #[cfg(feature = "device-bound")]
        let (binding, unknown) = unknown;
        let mut record = empty();
        record.body_mut().rest = Rest::of(Parts {
            #[cfg(feature = "formats")]
            foreign: None,
            trail,
            superseded,
            owner,
            label,
            lifetime,
            admitted,
            #[cfg(feature = "device-bound")]
            binding,
            unknown,
        });
        record
    })
}

fn records() -> impl Strategy<Value = Record> {
    let head = (nonces(), hashes(), times(), times(), times());
    let lines = prop_oneof![Just(empty()), lines()];
    (head, lines, vec((texts(), texts()), 0..5)).prop_map(|(head, mut record, entries)| {
        let (nonce, current, created_at, last_used, expires_at) = head;
        let rest = std::mem::take(&mut record.body_mut().rest);
        let state = entries.into_iter().collect();
        Record::of(Body { state, current, created_at, last_used, expires_at, nonce, rest })
    })
}

/// A change of some bytes.
#[derive(Clone, Debug)]
enum Damage {
    Replace(Index, u8),
    Insert(Index, u8),
    Remove(Index),
    Repeat(Index, Index),
    Cut(Index),
    /// Exchanges two lines.
    Exchange(Index, Index),
}

fn damages() -> impl Strategy<Value = Damage> {
    let byte = || prop_oneof![prop::sample::select(b"0123456789:=\n !,af".to_vec()), any::<u8>()];
    let at = any::<Index>;
    prop_oneof![
        (at(), byte()).prop_map(|(at, byte)| Damage::Replace(at, byte)),
        (at(), byte()).prop_map(|(at, byte)| Damage::Insert(at, byte)),
        at().prop_map(Damage::Remove),
        (at(), at()).prop_map(|(start, end)| Damage::Repeat(start, end)),
        at().prop_map(Damage::Cut),
        (at(), at()).prop_map(|(one, other)| Damage::Exchange(one, other)),
    ]
}

fn damaged(mut bytes: Vec<u8>, damage: &Damage) -> Vec<u8> {
    if bytes.is_empty() {
        return bytes;
    }
    let place = |at: &Index| at.index(bytes.len());
    match damage {
        Damage::Replace(at, byte) => {
            let at = place(at);
            bytes[at] = *byte;
        }
        Damage::Insert(at, byte) => bytes.insert(place(at), *byte),
        Damage::Remove(at) => {
            bytes.remove(place(at));
        }
        Damage::Repeat(start, end) => {
            let (start, end) = (place(start).min(place(end)), place(start).max(place(end)));
            let repeated = bytes[start..end].to_vec();
            bytes.splice(end..end, repeated);
        }
        Damage::Cut(at) => bytes.truncate(place(at)),
        Damage::Exchange(one, other) => {
            let mut lines: Vec<_> = bytes.split_inclusive(|byte| *byte == b'\n').collect();
            let (one, other) = (one.index(lines.len()), other.index(lines.len()));
            lines.swap(one, other);
            return lines.concat();
        }
    }
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2_000) })]

    #[test]
    fn every_record_reads_back(record in records()) {
        let bytes = record.to_bytes();
        prop_assert_eq!(Record::from_bytes(&bytes), Ok(record.clone()));
        prop_assert_eq!(&bytes[Record::NONCE], record.nonce_digits());
        prop_assert_eq!(Record::from_prefix(&bytes), Ok(Some(stripped(record))));
    }

    #[test]
    fn a_prefix_holds_the_record_or_too_little(record in records(), at: Index) {
        let bytes = record.to_bytes();
        let meta = stripped(record.clone()).to_bytes().len();
        let at = at.index(bytes.len());
        let expected = (at >= meta).then(|| stripped(record));
        prop_assert_eq!(Record::from_prefix(&bytes[..at]), Ok(expected));
    }

    #[test]
    fn a_record_has_one_text(record in records(), damages in vec(damages(), 1..4)) {
        let bytes = damages.iter().fold(record.to_bytes(), damaged);
        let prefix = Record::from_prefix(&bytes);
        if let Ok(read) = Record::from_bytes(&bytes) {
            prop_assert_eq!(read.to_bytes(), bytes);
            prop_assert_eq!(prefix, Ok(Some(stripped(read))));
        }
    }

    #[test]
    fn random_bytes_never_panic(bytes in vec(any::<u8>(), 0..300)) {
        prop_assert!(Record::from_bytes(&bytes).is_err());
        let begun = [&EMPTY.as_bytes()[..EMPTY.len() - 1], &bytes].concat();
        if let Ok(read) = Record::from_bytes(&begun) {
            prop_assert_eq!(read.to_bytes(), begun);
        }
    }
}
