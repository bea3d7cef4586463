//! Snapshots keep all records unchanged.

use super::*;
use crate::testing::RecordBuilder;

fn records() -> Vec<Record> {
    let made = at(1_000_000);
    let bare = RecordBuilder::new(made).nonce(0);
    let full = RecordBuilder::new(made).trail().set("", "{\"a\": 1}").set("k=\n", "\"\\u0000\"").owner(Some("alice"));
    let full = full.label(Some("\u{1f4bb}\n")).lifetime(Some(crate::store::Lifetime::default())).admitted(Some(at(7)));
    let full = full.unknown("later", "1\n2").nonce(u64::MAX);
    let old = record(0, 1, Some("bob"));
    let rotated = old.credentials().rotated(SecretHash::from_bytes([1; 32]), made);
    let builders = [bare, full, RecordBuilder::new(made).credentials(rotated).expires_at(Timestamp::MAX)];
    // Expired records are kept, too: the store removes them.
    builders.map(RecordBuilder::build).into_iter().chain([old]).collect()
}

#[test]
fn every_record_comes_back_equal_and_listed() {
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("sessions");
    let (before, after) = (MemoryStore::new(), MemoryStore::new());
    // A shard each: a write removes records of its shard that expired long before it.
    let ids = (0..).map(|n| SessionId::from_bytes([n; 16]));
    let records: Vec<_> = ids.zip(records()).collect();
    for (id, record) in &records {
        now(before.create(id, record));
    }
    let count = before.len();
    assert_eq!(before.save_to(&file).unwrap(), count);
    assert_eq!(after.restore_from(&file).unwrap(), count);
    for (id, _) in &records {
        assert_eq!(after.find(id), before.find(id));
    }
    assert_eq!(listed(&after, "alice"), listed(&before, "alice"));
    assert_eq!(after.restore_from(&file).unwrap(), 0, "those that are there stay");
}

#[test]
fn a_restored_record_is_replaced_by_its_nonce() {
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("sessions");
    let (before, after) = (MemoryStore::new(), MemoryStore::new());
    let loaded = next(&record(0, 1000, None), 1, 1001, Some("alice"));
    now(before.create(&id(1), &loaded));
    before.save_to(&file).unwrap();
    after.restore_from(&file).unwrap();
    write(&after, &id(1), 2, Some("bob"));
    assert!(matches!(after.swap(&id(1), &loaded, &loaded), Replaced::Changed(_)));
    assert_eq!((listed(&after, "alice").len(), listed(&after, "bob").len()), (0, 1));
}
