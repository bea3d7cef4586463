//! Each event is emitted once for its cause, with the public id and never with a secret.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use cloakroom::{
    Event, MemoryStore, OverLimit, Session, SessionLayer,
    testing::{FaultStore, TestClock, Verb},
};
use http::StatusCode;

use crate::{app::Browser, support::log::Log};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A layer, and the events that it emitted.
struct House {
    store: FaultStore<MemoryStore>,
    clock: TestClock,
    layer: SessionLayer,
    told: Arc<Mutex<Vec<String>>>,
}

impl House {
    fn new() -> Self {
        let (store, clock) = (FaultStore::new(MemoryStore::new()), TestClock::new());
        let told = Arc::<Mutex<Vec<String>>>::default();
        let into = Arc::clone(&told);
        let layer = SessionLayer::new(store.clone()).clock(clock.clone()).on_event(move |event| {
            into.lock().unwrap().push(line(event));
        });
        Self { store, clock, layer, told }
    }

    /// Returns the events since the last call of this function.
    fn told(&self) -> Vec<String> {
        std::mem::take(&mut self.told.lock().unwrap())
    }

    async fn visit<T>(&self, browser: &mut Browser, handler: impl AsyncFnOnce(Session) -> T) -> T {
        browser.visit(&self.layer, handler).await
    }

    /// Returns a browser with a session, and that session's id.
    async fn guest(&self) -> (Browser, String) {
        let mut browser = Browser::default();
        self.visit(&mut browser, async |session| session.insert("visits", 1).unwrap()).await;
        let id = self.visit(&mut browser, async |session| session.id()).await.expect("stored");
        self.told();
        (browser, id.to_string())
    }
}

fn line(event: &Event<'_>) -> String {
    match event {
        Event::Created { id } => format!("created {id}"),
        Event::Rotated { id } => format!("rotated {id}"),
        Event::Destroyed { id } => format!("destroyed {id}"),
        Event::Rejected { id, reason } => format!("rejected {id} {reason:?}"),
        Event::SupersededWriteDropped { id } => format!("superseded write dropped {id}"),
        Event::GoneWriteDropped { id } => format!("gone write dropped {id}"),
        Event::ConflictReplayed { id } => format!("conflict replayed {id}"),
        Event::StoreFailed { error } => format!("store failed: {error}"),
        other => format!("{other:?}"),
    }
}

#[tokio::test]
async fn a_session_is_created_rotated_and_destroyed_once_each() {
    let house = House::new();
    let mut browser = Browser::default();
    house.visit(&mut browser, async |_| ()).await;
    assert_eq!(house.told(), [""; 0], "nothing happened");

    house.visit(&mut browser, async |session| session.insert("visits", 1).unwrap()).await;
    let id = house.visit(&mut browser, async |session| session.id()).await.expect("stored");
    assert_eq!(house.told(), [format!("created {id}")]);

    house.visit(&mut browser, async |session| session.insert("visits", 2).unwrap()).await;
    assert_eq!(house.told(), [""; 0], "a write is no event");

    house.visit(&mut browser, async |session| session.renew()).await;
    assert_eq!(house.told(), [format!("rotated {id}")]);

    house
        .visit(&mut browser, async |session| {
            session.restart();
            session.insert("message", "bye").unwrap();
        })
        .await;
    let next = house.visit(&mut browser, async |session| session.id()).await.expect("stored");
    assert_eq!(house.told(), [format!("destroyed {id}"), format!("created {next}")]);

    house.visit(&mut browser, async |session| session.purge()).await;
    assert_eq!(house.told(), [format!("destroyed {next}")]);
}

#[tokio::test]
async fn a_token_is_rejected_with_the_reason() {
    let house = House::new();

    let (browser, id) = house.guest().await;
    let mut stolen = browser.clone();
    house.visit(&mut browser.clone(), async |session| session.renew()).await;
    house.told();
    house.visit(&mut stolen, async |_| ()).await;
    assert_eq!(house.told(), [format!("rejected {id} Superseded")]);
    house.clock.advance(Duration::from_secs(59));
    house.visit(&mut stolen, async |_| ()).await;
    assert_eq!(house.told(), [format!("rejected {id} Superseded")]);
    house.clock.advance(Duration::from_secs(1));
    house.visit(&mut stolen, async |_| ()).await;
    assert_eq!(house.told(), [format!("rejected {id} WrongSecret")]);

    let (mut browser, id) = house.guest().await;
    house.clock.advance(DAY);
    house.visit(&mut browser, async |_| ()).await;
    assert_eq!(house.told(), [format!("rejected {id} Expired")]);

    let (browser, id) = house.guest().await;
    house.visit(&mut browser.clone(), async |session| session.purge()).await;
    house.told();
    house.visit(&mut browser.clone(), async |_| ()).await;
    assert_eq!(house.told(), [format!("rejected {id} Unknown")]);

    let (mut browser, id) = house.guest().await;
    let leak = cloakroom::Clock::now(&house.clock) + DAY;
    browser.visit(&house.layer.clone().valid_from(leak), async |_| ()).await;
    assert_eq!(house.told(), [format!("rejected {id} Revoked")]);
}

#[tokio::test]
async fn writes_that_come_to_nothing_are_told() {
    let house = House::new();

    let (mut browser, id) = house.guest().await;
    let mut elsewhere = browser.clone();
    house
        .visit(&mut browser, async |session| {
            house.visit(&mut elsewhere, async |session| session.purge()).await;
            session.insert("late", 1).unwrap();
        })
        .await;
    assert_eq!(house.told(), [format!("destroyed {id}"), format!("gone write dropped {id}")]);

    let (browser, id) = house.guest().await;
    house.visit(&mut browser.clone(), async |session| session.renew()).await;
    house.visit(&mut browser.clone(), async |session| session.insert("late", 1).unwrap()).await;
    assert_eq!(
        house.told(),
        [format!("rotated {id}"), format!("rejected {id} Superseded"), format!("superseded write dropped {id}")]
    );
    // A request that only reads drops nothing.
    house.visit(&mut browser.clone(), async |_| ()).await;
    assert_eq!(house.told(), [format!("rejected {id} Superseded")]);
}

#[tokio::test]
async fn an_update_that_ran_again_is_told() {
    let house = House::new();
    let (mut browser, id) = house.guest().await;
    let mut elsewhere = browser.clone();
    let add = async |session: Session| session.update("visits", |visits: u32| visits + 1).unwrap();
    house
        .visit(&mut browser, async |session| {
            add(session).await;
            house.visit(&mut elsewhere, add).await;
        })
        .await;
    assert_eq!(house.told(), [format!("conflict replayed {id}")]);
    assert_eq!(house.visit(&mut browser, async |session| session.get::<u32>("visits")).await.unwrap(), Some(3));
}

#[tokio::test]
async fn a_store_that_fails_is_told_once_a_call() {
    let house = House::new();
    let (mut browser, _) = house.guest().await;
    for (verb, during) in [(Verb::Load, "load"), (Verb::Replace, "commit")] {
        house.store.next(verb).fails();
        let response = browser.send(&house.layer, async |session| session.insert("n", during).unwrap()).await;
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(house.told(), ["store failed: the session store failed"], "{during}");
    }
    house.store.next(Verb::Delete).fails();
    let response = browser.send(&house.layer, async |session| session.purge()).await;
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(house.told(), ["store failed: the session store failed"]);
}

#[tokio::test]
async fn who_ends_an_owners_session_is_told_like_a_purge() {
    let house = House::new();
    let (mut browser, id) = house.guest().await;
    house.visit(&mut browser, async |session| session.set_owner("alice")).await;
    assert_eq!(house.told(), [format!("rotated {id}")], "a new owner is a new secret");
    let owners = house.layer.owners().expect("an index");
    assert!(owners.revoke("alice", &id.parse().expect("an id")).await.expect("memory"));
    assert_eq!(house.told(), [format!("destroyed {id}")]);

    let mut ended = Vec::new();
    for _ in 0..3 {
        let (mut browser, id) = house.guest().await;
        house.visit(&mut browser, async |session| session.set_owner("bob")).await;
        ended.push(format!("destroyed {id}"));
    }
    house.told();
    let kept = ended.pop().and_then(|line| line.split(' ').next_back()?.parse().ok()).expect("an id");
    assert_eq!(owners.revoke_others("bob", &kept).await.expect("memory"), 2);
    let mut told = house.told();
    told.sort();
    ended.sort();
    assert_eq!(told, ended, "and nothing of the one that is kept");

    let (mut browser, first) = house.guest().await;
    let layer = house.layer.clone().max_per_owner(1, OverLimit::EndOldest).expect("a limit");
    browser.visit(&layer, async |session| session.set_owner("alice")).await;
    assert_eq!(house.told(), [format!("rotated {first}")]);
    house.clock.advance(DAY / 2);
    let mut newer = Browser::default();
    newer.visit(&layer, async |session| session.set_owner("alice")).await;
    let second = newer.visit(&layer, async |session| session.id()).await.expect("stored");
    assert_eq!(house.told(), [format!("destroyed {first}"), format!("created {second}")]);
}

/// Runs all of the above, with the most detailed log: no half of a token that is not the id, and no value, is ever in
/// it.
#[tokio::test]
async fn no_secret_and_no_value_is_ever_told_or_logged() {
    let log = Log::capture();
    let house = House::new();
    let mut secrets = vec!["hunter2".to_owned()];
    let mut browser = Browser::default();
    let mut note = |browser: &Browser| {
        let token = browser.token().expect("a token");
        secrets.push(token[22..].to_owned());
    };
    house.visit(&mut browser, async |session| session.insert("password", "hunter2").unwrap()).await;
    note(&browser);
    let mut old = browser.clone();
    house.visit(&mut browser, async |session| session.renew()).await;
    note(&browser);
    house
        .visit(&mut browser, async |session| {
            tracing::info!(?session, "in the handler");
            session.set_owner("alice");
        })
        .await;
    house.visit(&mut old, async |session| session.insert("password", "hunter2").unwrap()).await;
    for verb in [Verb::Load, Verb::Replace] {
        house.store.next(verb).fails();
        browser.send(&house.layer, async |session| session.insert("more", "hunter2").unwrap()).await;
    }
    house.store.next(Verb::Load).is_undecodable();
    browser.send(&house.layer, async |_| ()).await;
    house
        .visit(&mut browser, async |session| {
            session.restart();
            session.insert("password", "hunter2").unwrap();
        })
        .await;
    note(&browser);
    house.clock.advance(40 * DAY);
    house.visit(&mut browser, async |session| drop(session.insert("password", "hunter2"))).await;
    note(&browser);
    house.visit(&mut browser, async |session| session.purge()).await;

    let heard = log.text() + &house.told().join("\n");
    for part in ["created", "renewed", "destroyed", "rejected", "dropped", "failed", "in the handler"] {
        assert!(heard.contains(part), "{part} is heard at all: {heard}");
    }
    assert_eq!(secrets.len(), 5);
    for secret in secrets {
        assert!(!heard.contains(&secret), "{secret} in {heard}");
    }
}
