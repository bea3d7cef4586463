//! Edge cases that no other test would notice.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use cloakroom::{
    Event, Lifetime, MemoryStore, Session, SessionId, SessionLayer, StoreError,
    store::{Created, Deleted, Record, Replaced, SessionStore},
    testing::{FaultStore, RecordBuilder, Verb},
};

use crate::{
    app::Browser,
    support::{log::Log, soon},
};

type Told = Arc<Mutex<Vec<&'static str>>>;

/// Returns a layer with a hook that keeps the failures.
fn listening(layer: SessionLayer) -> (SessionLayer, Told) {
    let told = Told::default();
    let into = Arc::clone(&told);
    let layer = layer.on_event(move |event| {
        into.lock().expect("no panic").push(match event {
            Event::StoreFailed { .. } => "store failed",
            Event::TooLarge { .. } => "too large",
            Event::Contended { .. } => "contended",
            Event::CommitFailed { .. } => "commit failed",
            _ => return,
        });
    });
    (layer, told)
}

fn take(told: &Told) -> Vec<&'static str> {
    std::mem::take(&mut told.lock().expect("no panic"))
}

/// A store in which another process writes before each write.
struct Rival(MemoryStore);

impl SessionStore for Rival {
    async fn load(&self, id: &SessionId) -> Result<Option<Record>, StoreError> {
        self.0.load(id).await
    }

    async fn create(&self, id: &SessionId, record: &Record) -> Result<Created, StoreError> {
        self.0.create(id, record).await
    }

    async fn replace(&self, id: &SessionId, base: &Record, record: &Record) -> Result<Replaced, StoreError> {
        if let Some(found) = self.0.load(id).await? {
            self.0.replace(id, &found, &RecordBuilder::after(&found).build()).await?;
        }
        self.0.replace(id, base, record).await
    }

    async fn delete(&self, id: &SessionId, base: Option<&Record>) -> Result<Deleted, StoreError> {
        self.0.delete(id, base).await
    }
}

#[tokio::test]
async fn a_commit_that_always_loses_its_race_ends_with_the_commit_timeout() {
    let (layer, told) = listening(SessionLayer::new(Rival(MemoryStore::new())));
    let layer = layer.commit_timeout(Duration::from_millis(20));
    let mut browser = Browser::default();
    browser.visit(&layer, async |session| session.insert("n", 1).expect("JSON")).await;
    let acts: [fn(&Session); 2] = [|session| session.insert("n", 2).expect("JSON"), Session::renew];
    for act in acts {
        let response = soon(browser.send(&layer, async |session| act(&session))).await;
        assert_eq!((response.status().as_u16(), take(&told)), (503, vec!["contended"]));
    }
}

#[tokio::test]
async fn a_session_of_exactly_the_limit_is_stored_and_one_byte_more_is_not() {
    let (layer, told) = listening(SessionLayer::new(MemoryStore::new()));
    let mut sizes = Vec::new();
    for limit in [200, 201] {
        let layer = layer.clone().max_bytes(limit);
        let fits = async |length: usize| {
            let text = "x".repeat(length);
            let response = Browser::default().send(&layer, async |session| session.insert("k", &text).unwrap()).await;
            assert_eq!(take(&told).is_empty(), response.status() == 200);
            response.status() == 200
        };
        let mut length = 0;
        while fits(length + 1).await {
            length += 1;
        }
        sizes.push(length);
    }
    assert_eq!(sizes[1], sizes[0] + 1);
    // The overhead: two words of an end each, a count, the key, and the quotes.
    assert_eq!(sizes[0], 200 - 3 * 4 - 1 - 2);
}

#[tokio::test]
async fn an_index_of_owners_that_fails_is_told() {
    let store = FaultStore::new(MemoryStore::new());
    let (layer, told) = listening(SessionLayer::new(store.clone()));
    let owners = layer.owners().expect("an index");
    let id = SessionId::random();
    store.next(Verb::List).fails();
    assert!(owners.list("alice").await.is_err());
    store.next(Verb::Revoke).fails();
    assert!(owners.revoke("alice", &id).await.is_err());
    store.every(Verb::RevokeAll).fails();
    assert!(owners.revoke_all("alice").await.is_err());
    assert!(owners.revoke_others("alice", &id).await.is_err());
    assert_eq!(take(&told), ["store failed"; 4]);
}

#[tokio::test]
async fn a_clear_during_a_save_is_kept() {
    let store = FaultStore::new(MemoryStore::new());
    let layer = SessionLayer::new(store.clone());
    let mut browser = Browser::default();
    browser.visit(&layer, async |session| session.insert("a", 1).expect("JSON")).await;
    let gate = store.next(Verb::Replace).waits();
    let cleared = async {
        browser
            .visit(&layer, async |session| {
                session.insert("b", 1).expect("JSON");
                let meanwhile = async {
                    gate.reached().await;
                    session.clear();
                    session.insert("c", 1).expect("JSON");
                    gate.open();
                };
                tokio::join!(session.save(), meanwhile).0.expect("it is there");
                assert_eq!(session.keys(), ["c"]);
            })
            .await;
    };
    soon(cleared).await;
    assert_eq!(browser.visit(&layer, async |session| session.keys()).await, ["c"]);
}

/// A value that uses the session when it is dropped.
struct Nosy(Session);

impl Drop for Nosy {
    fn drop(&mut self) {
        assert!(self.0.get::<u32>("n").is_ok());
    }
}

#[tokio::test]
async fn a_closure_is_dropped_without_a_lock() {
    let layer = SessionLayer::new(FaultStore::new(MemoryStore::new()));
    let mut browser = Browser::default();
    browser.visit(&layer, async |session| session.insert("n", 1).expect("JSON")).await;
    let acts: [fn(&Session); 6] = [
        |_| (),
        |session| session.insert("n", 5).expect("JSON"),
        |session| drop(session.remove("n")),
        Session::clear,
        Session::restart,
        Session::purge,
    ];
    let done = async {
        for act in acts {
            let mut browser = browser.clone();
            for is_saved in [false, true] {
                browser
                    .send(&layer, async |session| {
                        let nosy = Nosy(session.clone());
                        let count = move |n: u32| {
                            let _nosy = &nosy;
                            n + 1
                        };
                        session.update("n", count).expect("a number");
                        if is_saved {
                            session.save().await.expect("it is there");
                        }
                        act(&session);
                    })
                    .await;
            }
        }
    };
    soon(done).await;
}

#[tokio::test]
async fn a_change_after_the_end_is_logged_once() {
    let log = Log::capture();
    let layer = SessionLayer::new(MemoryStore::new());
    let mut browser = Browser::default();
    browser.visit(&layer, async |session| session.insert("n", 1).expect("JSON")).await;
    browser
        .visit(&layer, async |session| {
            session.purge();
            session.insert("flash", "bye").expect("no error");
            session.insert("flash", "bye").expect("no error");
            session.clear();
        })
        .await;
    assert_eq!(log.take_count("session changed after its end"), 1);
    browser.visit(&layer, async |session| session.purge()).await;
    assert_eq!(log.take_count("session changed after its end"), 0);
}

#[test]
fn a_lifetime_says_what_it_was_built_of() {
    let (idle, absolute) = (Duration::from_secs(60), Duration::from_secs(600));
    let lifetime = Lifetime::builder().idle(idle).absolute(absolute).persistent().build().expect("limits");
    assert_eq!((lifetime.idle(), lifetime.absolute(), lifetime.is_persistent()), (idle, Some(absolute), true));
    let lifetime = Lifetime::builder().idle(idle).insecure_no_absolute().build().expect("limits");
    assert_eq!((lifetime.idle(), lifetime.absolute(), lifetime.is_persistent()), (idle, None, false));
}
