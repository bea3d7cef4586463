use std::time::Duration;

use super::*;
use crate::{store::Timestamp, testing::RecordBuilder};

const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

fn record(size: usize) -> Record {
    RecordBuilder::new(NOW).trail().set("pad", &"x".repeat(size)).build()
}

/// Returns the name of the choice, and the length of a head.
fn choice(base: &Record, record: &Record, tries_if_equal: bool) -> (&'static str, usize) {
    match Replacement::of(base, record, &record.to_bytes(), tries_if_equal) {
        Replacement::IfEqual { base: bytes } => {
            assert_eq!(bytes, base.to_bytes());
            ("compared", 0)
        }
        Replacement::Head { length } => ("head", length),
        Replacement::Whole => ("whole", 0),
    }
}

#[test]
fn small_records_are_compared_if_the_server_can() {
    for size in [0, 1000, 15_000] {
        let base = record(size);
        let next = RecordBuilder::after(&base).set("n", "1").build();
        assert_eq!(choice(&base, &next, true), ("compared", 0), "{size}");
        assert_eq!(choice(&base, &next, false), ("whole", 0), "{size}");
    }
    // One of them is large.
    let (small, large) = (record(10), record(17_000));
    let grown = RecordBuilder::after(&small).state(large.state().clone()).build();
    let shrunk = RecordBuilder::after(&large).state(small.state().clone()).build();
    assert_eq!(choice(&small, &grown, true), ("whole", 0));
    assert_eq!(choice(&large, &shrunk, true), ("whole", 0));
}

#[test]
fn a_touch_of_a_large_record_sends_its_head() {
    let base = record(60_000);
    let touched =
        RecordBuilder::after(&base).used_at(NOW.plus(Duration::from_secs(60))).expires_at(Timestamp::MAX).build();
    for tries_if_equal in [false, true] {
        let (name, length) = choice(&base, &touched, tries_if_equal);
        assert_eq!(name, "head");
        let (old, new) = (base.to_bytes(), touched.to_bytes());
        assert_eq!([&new[..length], &old[length..]].concat(), new);
        assert!((150..300).contains(&length), "{length}");
    }
    // The length differs, the state differs, or the difference is far behind.
    let renamed = RecordBuilder::after(&base).label(Some("a phone")).build();
    assert_eq!(choice(&base, &renamed, true), ("whole", 0));
    let written = RecordBuilder::after(&base).set("pad", &"y".repeat(60_000)).build();
    assert_eq!(choice(&base, &written, true), ("whole", 0));
    let long = |end: &str| RecordBuilder::after(&base).label(Some(&["l".repeat(2000).as_str(), end].concat())).build();
    assert_eq!(choice(&long("a"), &long("b"), true), ("whole", 0));
}

#[test]
fn the_ttl_follows_the_deadline() {
    let at = |seconds| NOW.plus(Duration::from_secs(seconds));
    let record = |used, expires| RecordBuilder::new(NOW).used_at(used).expires_at(expires).build();
    let base = record(NOW, at(60));
    let table = [
        (record(NOW, at(60)), Ttl::Keep),
        (record(at(30), at(60)), Ttl::Keep),
        (record(at(30), at(90)), Ttl::Millis(660_000)),
        (record(at(30), at(31)), Ttl::Millis(601_000)),
        (record(at(30), at(20)), Ttl::Millis(600_000)),
        (record(at(30), Timestamp::MAX), Ttl::None),
    ];
    for (record, ttl) in table {
        assert_eq!(Ttl::after(&base, &record), ttl, "{record:?}");
    }
    let endless = record(NOW, Timestamp::MAX);
    assert_eq!(Ttl::after(&endless, &endless), Ttl::Keep);
    assert_eq!(Ttl::after(&endless, &base), Ttl::Millis(660_000));
    assert_eq!((Ttl::of(&base), Ttl::of(&endless)), (Ttl::Millis(660_000), Ttl::None));
}

/// A bare `SET .. IFEQ` would drop the TTL of a record that has one.
#[test]
fn the_commands_are_as_the_servers_know_them() {
    let shown = |command: &Cmd| String::from_utf8(command.get_packed_command()).unwrap().replace("\r\n", " ");
    let has = |ttl, end: &str| assert!(shown(&if_equal(b"k", b"old", b"new", ttl)).ends_with(end), "{ttl:?}");
    has(Ttl::Keep, "$3 new $4 IFEQ $3 old $7 KEEPTTL ");
    has(Ttl::Millis(7), "$3 new $4 IFEQ $3 old $2 PX $1 7 ");
    has(Ttl::None, "$3 new $4 IFEQ $3 old ");

    let base = RecordBuilder::new(NOW).nonce(0xab).build();
    let call = head(b"k", &base, b"0123456789", 4, Ttl::Keep);
    assert!(shown(call.by_hash()).ends_with(" $1 1 $1 k $16 00000000000000ab $4 keep $4 0123 $2 10 "));
    assert!(shown(&call.by_source()).ends_with(" $1 1 $1 k $16 00000000000000ab $4 keep $4 0123 $2 10 "));
    let call = whole(b"k", &base, b"new", Ttl::Millis(7));
    assert!(shown(call.by_hash()).ends_with(" $16 00000000000000ab $1 7 $3 new "));
    let call = tombstone(b"k", &base.nonce_digits());
    assert!(shown(call.by_hash()).ends_with(" $16 00000000000000ab $6 600000 $0  "));
    assert_eq!(TOMBSTONE.parse(), Ok(Record::TOMBSTONE.as_millis()));
}
