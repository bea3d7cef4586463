use super::*;
use crate::testing::RecordBuilder;

const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn record(owner: Option<&str>, used: Timestamp, expires: Timestamp) -> Record {
    RecordBuilder::new(NOW).owner(owner).used_at(used).expires_at(expires).build()
}

#[test]
fn an_entry_covers_the_record_s_ttl_and_one_to_two_spans_more() {
    for idle in [0, 1, 60, 600, 3600, 86_400, 86_400 * 30, 86_400 * 400] {
        let span = 1 << seconds(idle).clamp(SPANS.0, SPANS.1).as_millis().ilog2();
        for later in (0..10_000).step_by(37) {
            let used = NOW.plus(seconds(later));
            let found = record(Some("bob"), used, used.plus(seconds(idle)));
            let until = Entry::of(&found).unwrap().until;
            let more = until.since(used.plus(found.ttl().unwrap())).as_millis();
            assert!((span..2 * span).contains(&more), "{idle} {later}: {more}");
        }
    }
    let endless = record(Some("bob"), NOW, Timestamp::MAX);
    assert_eq!(Entry::of(&endless), Some(Entry { owner: "bob", until: Timestamp::MAX }));
    assert_eq!(Entry::of(&record(None, NOW, Timestamp::MAX)), None);
}

#[test]
fn an_entry_is_due_for_a_new_owner_and_for_a_later_end() {
    let at = |later| NOW.plus(seconds(later));
    let bobs = record(Some("bob"), NOW, at(3600));
    let due = |base: Option<&Record>, record: &Record| {
        Due::of(base, record).map(|due| (due.entry.owner.to_owned(), due.is_new))
    };
    let is_new = |owner: &str| Some((owner.to_owned(), true));
    assert_eq!(due(None, &bobs), is_new("bob"));
    assert_eq!(due(Some(&record(None, NOW, at(3600))), &bobs), is_new("bob"));
    assert_eq!(due(Some(&record(Some("eve"), NOW, at(3600))), &bobs), is_new("bob"));
    // The owner's entry was never removed, but the store does not know the owners in between.
    assert_eq!(due(Some(&bobs), &record(Some("eve"), NOW, at(1))), is_new("eve"));

    assert_eq!(due(Some(&bobs), &bobs), None);
    assert_eq!(due(Some(&bobs), &record(None, NOW, at(99_999))), None);
    assert_eq!(due(Some(&bobs), &record(Some("bob"), at(1), at(1))), None, "an earlier end");
    let refreshed = Some(("bob".to_owned(), false));
    assert_eq!(due(Some(&bobs), &record(Some("bob"), NOW, at(99_999))), refreshed);
    assert_eq!(due(Some(&bobs), &record(Some("bob"), NOW, Timestamp::MAX)), refreshed);
}
