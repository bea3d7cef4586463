//! `MemoryStore`: its limit, its snapshots and its clean-up.

use std::{fs, io, path::PathBuf, time::Duration};

use cloakroom::{
    MemoryStore, SessionId, SessionLayer, StoreError,
    store::{Created, Credentials, Record, Replaced, SecretHash, SessionStore, State, Timestamp},
    testing::{RecordBuilder, TestClock},
};
use http::StatusCode;
use tempfile::TempDir;
use tokio::task::JoinSet;

use crate::app::Browser;

const DAY: u64 = 24 * 60 * 60 * 1000;
/// The grace in minutes.
const GRACE: u64 = Record::GRACE.as_secs() / 60;

fn at(minutes: u64) -> Timestamp {
    Timestamp::from_millis(1000 * DAY + minutes * 60_000)
}

/// Returns a record that lives for an hour.
fn record(now: Timestamp) -> Record {
    let state: State = [("n", "1")].into_iter().collect();
    Record::new(Credentials::new(SecretHash::from_bytes([7; 32])), state, now, now.plus(Duration::from_secs(3600)))
}

async fn create(store: &MemoryStore, minutes: u64) -> Result<SessionId, StoreError> {
    let id = SessionId::random();
    assert_eq!(store.create(&id, &record(at(minutes))).await?, Created::Done);
    Ok(id)
}

async fn own(store: &MemoryStore, id: &SessionId, owner: Option<&str>, minutes: u64) {
    assert_eq!(try_own(store, id, owner, minutes).await, Replaced::Done);
}

async fn try_own(store: &MemoryStore, id: &SessionId, owner: Option<&str>, minutes: u64) -> Replaced {
    let Some(base) = store.load(id).await.expect("memory") else { return Replaced::Gone };
    let record = RecordBuilder::after(&base).owner(owner).used_at(at(minutes)).build();
    store.replace(id, &base, &record).await.expect("memory")
}

async fn is_there(store: &MemoryStore, id: &SessionId) -> bool {
    store.load(id).await.expect("memory").is_some()
}

#[tokio::test]
async fn a_full_store_ends_the_oldest_without_an_owner_first() {
    let store = MemoryStore::bounded(3);
    let mut ids = Vec::new();
    for minute in 0..3 {
        ids.push(create(&store, minute).await.expect("room"));
    }
    own(&store, &ids[0], Some("alice"), 3).await;
    for (minute, ends) in [(4, 1), (5, 2)] {
        ids.push(create(&store, minute).await.expect("room is made"));
        assert!(!is_there(&store, &ids[ends]).await, "{ends}");
        assert_eq!(store.len(), 3);
    }
    assert!(is_there(&store, &ids[0]).await, "the oldest has an owner");

    // It has no owner again, so as the oldest it is replaced next.
    own(&store, &ids[0], None, 6).await;
    ids.push(create(&store, 7).await.expect("room is made"));
    assert!(!is_there(&store, &ids[0]).await);
    for id in &ids[3..] {
        assert!(is_there(&store, id).await);
        own(&store, id, Some("bob"), 8).await;
    }
    let full = create(&store, 9).await.expect_err("all are owned");
    let cause = std::error::Error::source(&full).expect("a cause").to_string();
    assert_eq!(cause, "the memory store is full: each of its 3 sessions has an owner");
    assert_eq!(store.len(), 3);
    store.delete(&ids[3], None).await.expect("memory");
    create(&store, 10).await.expect("room");
}

#[tokio::test]
async fn a_full_store_is_a_503_for_newcomers_only() {
    let layer = SessionLayer::new(MemoryStore::bounded(1));
    let mut alice = Browser::default();
    alice.visit(&layer, async |session| session.set_owner("alice")).await;
    let mut newcomer = Browser::default();
    let response = newcomer.send(&layer, async |session| session.insert("n", 1).unwrap()).await;
    assert_eq!((response.status(), newcomer.token()), (StatusCode::SERVICE_UNAVAILABLE, None));
    newcomer.visit(&layer, async |_| ()).await;
    alice.visit(&layer, async |session| session.insert("n", 1).unwrap()).await;
    alice.visit(&layer, async |session| session.purge()).await;
    newcomer.visit(&layer, async |session| session.insert("n", 1).unwrap()).await;
    assert!(newcomer.token().is_some());
}

/// Only time ends sessions with an owner, and then they make room.
#[tokio::test]
async fn a_store_full_of_expired_sessions_is_not_full() {
    let clock = TestClock::new();
    let layer = SessionLayer::new(MemoryStore::bounded(100)).clock(clock.clone());
    for _ in 0..2 {
        for n in 0..100 {
            Browser::default().visit(&layer, async |session| session.set_owner(format!("user {n}"))).await;
        }
        let full = Browser::default().send(&layer, async |session| session.set_owner("late")).await;
        assert_eq!(full.status(), StatusCode::SERVICE_UNAVAILABLE);
        clock.advance(Duration::from_secs(25 * 60 * 60));
    }
    let owners = layer.owners().expect("an index");
    assert_eq!(owners.list("user 7").await.expect("memory").len(), 0);
}

#[tokio::test]
async fn the_count_is_right_whatever_made_room() {
    let store = MemoryStore::bounded(4);
    let index = store.owner_index().expect("an index");
    let mut minute = 0;
    for round in 0..50 {
        // The store is filled with sessions that have owners, which are never ended for room.
        let mut ids = Vec::new();
        for _ in 0..4 {
            let id = create(&store, minute).await.unwrap_or_else(|error| panic!("round {round}: {error:?}"));
            own(&store, &id, Some("alice"), minute).await;
            ids.push(id);
        }
        assert_eq!(store.len(), 4);
        assert!(create(&store, minute).await.is_err(), "round {round}: full");
        match round % 5 {
            0 => {
                for id in &ids {
                    store.delete(id, None).await.expect("memory");
                    store.delete(id, None).await.expect("twice is once");
                }
            }
            1 => assert_eq!(index.revoke_all("alice", None).await.expect("memory").len(), 4),
            2 => {
                for id in &ids {
                    assert!(index.revoke("alice", id).await.expect("memory"));
                    assert!(!index.revoke("alice", id).await.expect("memory"));
                }
            }
            3 => minute += 60 + GRACE,
            _ => {
                for id in &ids {
                    own(&store, id, Some("bob"), minute).await;
                    own(&store, id, None, minute).await;
                    own(&store, id, None, minute).await;
                }
            }
        }
        // The index does not judge deadlines. Expired sessions are removed when room is needed.
        let listed = if round % 5 == 3 { 4 } else { 0 };
        assert_eq!(index.list("alice").await.expect("memory").len(), listed, "round {round}");
    }
}

#[tokio::test]
async fn what_has_expired_is_given_back_as_others_come() {
    let store = MemoryStore::new();
    for wave in 0..5 {
        for _ in 0..10_000 {
            create(&store, wave * 71).await.expect("memory");
        }
        assert!(store.len() < 15_000, "wave {wave}: {}", store.len());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_maximum_holds_for_many_at_once() {
    let store = MemoryStore::bounded(50);
    for round in 0..40 {
        let mut tasks = JoinSet::new();
        for task in 0..4 {
            let store = store.clone();
            tasks.spawn(async move {
                for n in 0..100 {
                    let id = create(&store, round).await.expect("nobody owns anything for long");
                    if n % 3 == task % 3 {
                        // The store may have ended it for another session.
                        try_own(&store, &id, Some("alice"), round).await;
                        store.delete(&id, None).await.expect("memory");
                    }
                }
            });
        }
        tasks.join_all().await;
        assert!((46..=50).contains(&store.len()), "round {round}: {}", store.len());
    }
}

fn file() -> (TempDir, PathBuf) {
    let folder = TempDir::new().expect("a folder");
    let path = folder.path().join("sessions");
    (folder, path)
}

#[tokio::test]
async fn sessions_live_on_over_a_restart() {
    let clock = TestClock::new();
    let (_folder, path) = file();
    let before = MemoryStore::new();
    let layer = SessionLayer::new(before.clone()).clock(clock.clone());
    let mut browsers = Vec::new();
    for n in 0..20 {
        let mut browser = Browser::default();
        browser
            .visit(&layer, async |session| {
                session.insert("n", n).unwrap();
                session.insert("cart", vec!["hat"; n]).unwrap();
                if n % 2 == 0 {
                    session.set_owner("alice");
                    session.set_label(format!("device {n}"));
                }
            })
            .await;
        browsers.push(browser);
    }
    let mut gone = browsers.pop().expect("twenty");
    gone.visit(&layer, async |session| session.purge()).await;
    assert_eq!(before.save_to(&path).expect("a file"), 19);

    let after = MemoryStore::new();
    assert_eq!(after.restore_from(&path).expect("a snapshot"), 19);
    assert_eq!(after.restore_from(&path).expect("a snapshot"), 0, "those that are there stay");
    let layer = SessionLayer::new(after).clock(clock.clone());
    for (n, browser) in browsers.iter_mut().enumerate() {
        let seen = browser
            .visit(&layer, async |session| (session.get("n").unwrap(), session.get("cart").unwrap(), session.owner()))
            .await;
        assert_eq!(seen, (Some(n), Some(vec!["hat".to_owned(); n]), (n % 2 == 0).then(|| "alice".to_owned())));
    }
    assert!(!gone.visit(&layer, async |session| session.was_presented()).await);
    let owners = layer.owners().expect("an index");
    let list = owners.list("alice").await.expect("memory");
    assert!(list.iter().all(|session| session.label.as_deref().is_some_and(|label| label.starts_with("device "))));
    assert_eq!(owners.revoke_all("alice").await.expect("memory"), 10);

    // The deadlines do not change.
    clock.advance(Duration::from_secs(25 * 60 * 60));
    assert!(!browsers[1].visit(&layer, async |session| session.was_presented()).await);
}

#[tokio::test]
async fn a_snapshot_that_is_not_whole_adds_nothing() {
    let (_folder, path) = file();
    let store = MemoryStore::new();
    for minute in 0..3 {
        create(&store, minute).await.expect("memory");
    }
    store.save_to(&path).expect("a file");
    let whole = fs::read(&path).expect("a file");
    let mut damaged: Vec<(String, Vec<u8>)> = Vec::new();
    for at in (0..whole.len()).step_by(5) {
        damaged.push((format!("cut at {at}"), whole[..at].to_vec()));
        let mut flipped = whole.clone();
        flipped[at] ^= 1;
        damaged.push((format!("flipped at {at}"), flipped));
    }
    damaged.push(("longer".to_owned(), [&whole[..], b"x"].concat()));
    damaged.push(("twice".to_owned(), [&whole[..], &whole[..]].concat()));
    let later = String::from_utf8_lossy(&whole).find(" 1\n").expect("the version");
    let mut other = whole[..whole.len() - 32].to_vec();
    other[later + 1] = b'2';
    let hash = <sha2::Sha256 as sha2::Digest>::digest(&other);
    damaged.push(("a later version, well made".to_owned(), [&other[..], &hash[..]].concat()));
    for (what, bytes) in damaged {
        fs::write(&path, bytes).expect("a file");
        let restored = MemoryStore::new();
        let error = restored.restore_from(&path).expect_err(&what);
        assert_eq!(error.kind(), io::ErrorKind::InvalidData, "{what}: {error}");
        assert!(restored.is_empty(), "{what}");
    }
    fs::remove_file(&path).expect("a file");
    let missing = MemoryStore::new().restore_from(&path).expect_err("no file");
    assert_eq!(missing.kind(), io::ErrorKind::NotFound);
}

#[cfg(unix)]
#[tokio::test]
async fn a_snapshot_is_for_its_owner_only_and_appears_whole_or_not_at_all() {
    use std::os::unix::fs::PermissionsExt as _;

    let (folder, path) = file();
    let store = MemoryStore::new();
    create(&store, 0).await.expect("memory");
    // Files that another program left there, readable for everybody.
    for name in ["sessions", "sessions.new"] {
        let left = folder.path().join(name);
        fs::write(&left, b"left").expect("a file");
        fs::set_permissions(&left, fs::Permissions::from_mode(0o666)).expect("a mode");
    }
    for _ in 0..2 {
        store.save_to(&path).expect("a file");
        let mode = fs::metadata(&path).expect("a file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 1, "nothing is left beside it");
    }
    let whole = fs::read(&path).expect("a file");
    let taken = folder.path().join("taken");
    fs::create_dir_all(taken.join("inside")).expect("a folder");
    assert!(store.save_to(&taken).is_err(), "a folder stands there");
    assert!(store.save_to(folder.path().join("nowhere/sessions")).is_err());
    assert_eq!(fs::read(&path).expect("a file"), whole);
    assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 2, "nothing is left beside them");
}

#[tokio::test]
async fn a_smaller_store_takes_the_owned_and_the_newest_and_ends_nobody() {
    let (_folder, path) = file();
    let before = MemoryStore::new();
    let mut ids = Vec::new();
    for minute in 0..6 {
        ids.push(create(&before, minute).await.expect("memory"));
    }
    own(&before, &ids[0], Some("alice"), 6).await;
    before.save_to(&path).expect("a file");

    let after = MemoryStore::bounded(4);
    let here = create(&after, 1).await.expect("room");
    assert_eq!(after.restore_from(&path).expect("a snapshot"), 3);
    assert_eq!(after.len(), 4);
    for id in [here, ids[0], ids[4], ids[5]] {
        assert!(is_there(&after, &id).await);
    }
    assert_eq!(after.restore_from(&path).expect("a snapshot"), 0);
    // Restored sessions count, and have their place in the order.
    create(&after, 7).await.expect("room is made");
    assert!(!is_there(&after, &here).await);
    assert_eq!(after.len(), 4);
}
