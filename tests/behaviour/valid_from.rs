//! Sessions that end because a value becomes a later one: one value for all sessions, and one for each owner.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, SystemTime},
};

use cloakroom::{
    Clock as _, MemoryStore, OnStoreError, OverLimit, SessionLayer, StoreError,
    testing::{FaultStore, TestClock, Verb},
};
use http::StatusCode;

use crate::app::Browser;

const MINUTE: Duration = Duration::from_secs(60);

/// The application's table of users, with the times of the last change of their passwords.
#[derive(Clone, Default)]
struct Users {
    changed: Arc<Mutex<BTreeMap<String, SystemTime>>>,
    asked: Arc<AtomicUsize>,
}

impl Users {
    fn value(&self, user: &str) -> Option<SystemTime> {
        self.changed.lock().expect("no panic").get(user).copied()
    }

    fn change(&self, user: &str, at: SystemTime) {
        self.changed.lock().expect("no panic").insert(user.to_owned(), at);
    }

    /// Returns the number of calls of the layer since the last call of this function.
    fn asked(&self) -> usize {
        self.asked.swap(0, Ordering::Relaxed)
    }

    fn under(&self, layer: SessionLayer) -> SessionLayer {
        let users = self.clone();
        layer.owner_valid_from(move |user| {
            users.asked.fetch_add(1, Ordering::Relaxed);
            let value = users.value(&user);
            async move { if user == "mallory" { Err(StoreError::new("the table is down")) } else { Ok(value) } }
        })
    }
}

async fn login(layer: &SessionLayer, user: &str) -> Browser {
    let mut browser = Browser::default();
    browser.visit(layer, async |session| session.login(user)).await;
    browser
}

async fn is_in(layer: &SessionLayer, browser: &mut Browser) -> bool {
    browser.visit(layer, async |session| session.was_presented()).await
}

async fn owner(layer: &SessionLayer, browser: &mut Browser) -> Option<String> {
    browser.visit(layer, async |session| session.owner()).await
}

#[tokio::test]
async fn sessions_from_before_valid_from_are_over() {
    let clock = TestClock::new();
    let store = MemoryStore::new();
    let layer = SessionLayer::new(store.clone()).clock(clock.clone());
    let mut early = login(&layer, "alice").await;
    clock.advance(MINUTE);
    let leak = clock.now();
    let mut late = login(&layer, "alice").await;
    let layer = SessionLayer::new(store).clock(clock.clone()).valid_from(leak);
    assert!(!is_in(&layer, &mut early).await);
    assert!(is_in(&layer, &mut late).await, "made at that very moment");
    // A renewal does not make a session younger.
    clock.advance(MINUTE);
    late.visit(&layer, async |session| session.renew()).await;
    let layer = layer.valid_from(clock.now());
    assert!(!is_in(&layer, &mut late).await);
}

#[tokio::test]
async fn the_application_is_asked_about_owners_only_and_its_error_is_not_taken_for_absence() {
    let (users, store) = (Users::default(), MemoryStore::new());
    let layer = users.under(SessionLayer::new(store.clone()));
    let mut visitor = Browser::default();
    visitor.visit(&layer, async |session| session.insert("cart", 1).unwrap()).await;
    assert!(is_in(&layer, &mut visitor).await);
    assert_eq!(users.asked(), 0);

    let mut bob = login(&layer, "bob").await;
    assert_eq!(users.asked(), 1, "once a login");
    assert!(is_in(&layer, &mut bob).await);
    assert_eq!(users.asked(), 1, "once a load");

    let refused = Browser::default().send(&layer, async |session| session.login("mallory")).await;
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    let mut mallory = login(&SessionLayer::new(store), "mallory").await;
    let token = mallory.token();
    let response = mallory.send(&layer, async |_| panic!("no session for it")).await;
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    let layer = layer.on_store_error(OnStoreError::Anonymous);
    assert!(!is_in(&layer, &mut mallory).await);
    assert_eq!(mallory.token(), token);
}

/// No two clocks are compared: the database's clock may be ahead of this server or behind it by any time.
#[tokio::test]
async fn a_session_is_valid_until_its_owners_value_moves_on_whatever_the_clocks_say() {
    let hour = 60 * MINUTE;
    for ahead in [Duration::ZERO, hour] {
        for behind in [Duration::ZERO, hour] {
            let (users, clock) = (Users::default(), TestClock::new());
            let layer = users.under(SessionLayer::new(MemoryStore::new()).clock(clock.clone()));
            let mut first = login(&layer, "alice").await;
            assert!(is_in(&layer, &mut first).await, "no value yet");
            users.change("alice", clock.now() + ahead - behind);
            assert!(!is_in(&layer, &mut first).await, "{ahead:?} {behind:?}");
            let mut second = login(&layer, "alice").await;
            assert!(is_in(&layer, &mut second).await, "logged in under the new value: {ahead:?} {behind:?}");
            second.visit(&layer, async |session| session.renew()).await;
            assert!(is_in(&layer, &mut second).await, "a renewal keeps the value: {ahead:?} {behind:?}");
            users.change("alice", clock.now() + ahead - behind + Duration::from_millis(1));
            assert!(!is_in(&layer, &mut second).await, "{ahead:?} {behind:?}");
        }
    }
}

/// A renewal, or the same owner written again, is no login: it must not carry a session over the change.
#[tokio::test]
async fn only_a_login_takes_the_new_value() {
    for is_login in [false, true] {
        let users = Users::default();
        let (store, clock) = (FaultStore::new(MemoryStore::new()), TestClock::new());
        let layer = users.under(SessionLayer::new(store.clone()).clock(clock.clone()));
        let mut browser = login(&layer, "alice").await;
        browser
            .visit(&layer, async |session| {
                // Alice changes her password meanwhile.
                users.change("alice", clock.now());
                if is_login {
                    session.login("alice");
                } else {
                    session.renew();
                    session.set_owner("alice");
                }
            })
            .await;
        assert_eq!(is_in(&layer, &mut browser).await, is_login);
    }
}

/// The owner was set before the layer had the option.
#[tokio::test]
async fn a_record_without_a_value_is_valid_as_long_as_its_owner_has_none() {
    let (users, store) = (Users::default(), MemoryStore::new());
    let before = SessionLayer::new(store.clone());
    let (mut alice, mut bob) = (login(&before, "alice").await, login(&before, "bob").await);
    let layer = users.under(SessionLayer::new(store));
    assert!(is_in(&layer, &mut alice).await);
    users.change("alice", SystemTime::UNIX_EPOCH + MINUTE);
    assert!(!is_in(&layer, &mut alice).await);
    assert!(is_in(&layer, &mut bob).await);
}

/// The session is older than the change of the password, but got its owner after it.
#[tokio::test]
async fn a_visitor_from_before_the_password_changed_can_log_in() {
    let (users, clock) = (Users::default(), TestClock::new());
    let layer = users.under(SessionLayer::new(MemoryStore::new()).clock(clock.clone()));
    let mut browser = Browser::default();
    browser.visit(&layer, async |session| session.insert("cart", 1).unwrap()).await;
    clock.advance(MINUTE);
    users.change("alice", clock.now());
    browser
        .visit(&layer, async |session| {
            session.renew();
            session.set_owner("alice");
        })
        .await;
    assert_eq!(owner(&layer, &mut browser).await.as_deref(), Some("alice"));
}

/// The password was checked before it was changed, and the login is stored after "log out everywhere".
#[tokio::test]
async fn a_login_under_an_older_value_has_to_be_made_again() {
    let (users, clock) = (Users::default(), TestClock::new());
    let layer = users.under(SessionLayer::new(MemoryStore::new()).clock(clock.clone()));
    for (before, is_refused) in [(None, true), (Some(clock.now()), true), (Some(clock.now() + MINUTE), false)] {
        let now = clock.now() + MINUTE;
        if let Some(before) = before {
            users.change("alice", before);
        }
        let seen = users.value("alice");
        assert_eq!(seen, before);
        let mut browser = Browser::default();
        let mut saved = None;
        let response = browser
            .send(&layer, async |session| {
                users.change("alice", now);
                session.login_at("alice", seen);
                saved = session.save().await.err();
            })
            .await;
        assert_eq!(saved.is_some_and(|error| error.is_login_expired() && !error.is_store()), is_refused, "{before:?}");
        assert_eq!(browser.token().is_none(), is_refused, "{before:?}");
        let status = if is_refused { StatusCode::FORBIDDEN } else { StatusCode::OK };
        assert_eq!(response.status(), status, "{before:?}");
        assert_eq!(is_in(&layer, &mut browser).await, !is_refused, "{before:?}");
    }
}

/// The value changes while the login waits for the store. The value that was read before the check of the password
/// counts.
#[tokio::test]
async fn a_login_that_is_overtaken_while_it_is_stored_opens_nothing() {
    let (users, clock) = (Users::default(), TestClock::new());
    let store = FaultStore::new(MemoryStore::new());
    let layer = users.under(SessionLayer::new(store.clone()).clock(clock.clone()));
    let gate = store.next(Verb::Create).waits();
    let mut browser = Browser::default();
    let change = async {
        gate.reached().await;
        users.change("alice", clock.now());
        gate.open();
    };
    tokio::join!(browser.visit(&layer, async |session| session.login_at("alice", None)), change);
    assert!(!is_in(&layer, &mut browser).await);
}

/// Sessions that the change ended do not count towards the limit, and are not listed.
#[tokio::test]
async fn sessions_that_the_value_ended_are_not_listed_and_take_no_place() {
    let (users, clock) = (Users::default(), TestClock::new());
    let layer = users.under(SessionLayer::new(MemoryStore::new()).clock(clock.clone()));
    let layer = layer.max_per_owner(1, OverLimit::Refuse).expect("a limit");
    login(&layer, "alice").await;
    let owners = layer.owners().expect("an index");
    assert_eq!(owners.list("alice").await.expect("memory").len(), 1);
    users.change("alice", clock.now());
    assert_eq!(owners.list("alice").await.expect("memory").len(), 0);
    let mut alice = login(&layer, "alice").await;
    assert!(is_in(&layer, &mut alice).await);
    assert_eq!(owners.list("alice").await.expect("memory").len(), 1);
}
