//! `Session::login`, which an application calls after it checked the password.

use cloakroom::{
    Event, MemoryStore, OverLimit, Session, SessionId, SessionLayer, SessionStatus,
    testing::{FaultStore, TestClock, Verb},
};
use http::StatusCode;
use std::sync::{Arc, Mutex};

use crate::{app::Browser, support::soon};

fn layer() -> (SessionLayer, FaultStore<MemoryStore>) {
    let store = FaultStore::new(MemoryStore::new());
    (SessionLayer::new(store.clone()).clock(TestClock::new()), store)
}

async fn browser(layer: &SessionLayer, act: impl FnOnce(&Session)) -> Browser {
    let mut browser = Browser::default();
    browser.visit(layer, async |session| act(&session)).await;
    browser
}

/// Returns the owner, the keys and the id.
async fn look(layer: &SessionLayer, browser: &Browser) -> (Option<String>, String, Option<SessionId>) {
    let look = async |session: Session| (session.owner(), session.keys().join("+"), session.id());
    browser.clone().visit(layer, look).await
}

async fn whose(layer: &SessionLayer, browser: &Browser) -> Option<String> {
    look(layer, browser).await.0
}

#[tokio::test]
async fn a_login_keeps_a_visitors_session_and_ends_its_token() {
    let (layer, store) = layer();
    let mut visitor = browser(&layer, |session| session.insert("cart", 1).unwrap()).await;
    let old = visitor.clone();
    let before = look(&layer, &visitor).await;
    let status = visitor
        .visit(&layer, async |session| {
            session.login("alice");
            assert_eq!(session.owner().as_deref(), Some("alice"), "at once");
            session.status()
        })
        .await;
    assert_eq!(status, SessionStatus::Renewed);
    assert_eq!(look(&layer, &visitor).await, (Some("alice".to_owned()), "cart".to_owned(), before.2));
    assert_eq!(look(&layer, &old).await.1, "", "an attacker who knows the old token gains nothing");
    assert_eq!(store.inner().len(), 1);
}

/// "Switch user": the new user sees nothing of the old one, and keeps what this request wrote.
#[tokio::test]
async fn a_login_to_the_session_of_another_user_starts_from_an_empty_one() {
    type Act = fn(&Session);
    let acts: &[(&str, Act, &str)] = &[
        ("an insert before", |session| session.insert("own", 1).unwrap(), "own"),
        ("an insert of an equal value", |session| session.insert("secret", "x").unwrap(), "secret"),
        ("a removal", |session| drop(session.remove("secret")), ""),
        ("an update of what was loaded", |session| session.update("n", |n: u32| n + 1).unwrap(), ""),
        ("nothing", |_| (), ""),
    ];
    for (what, act, keys) in acts {
        for is_overtaken in [false, true] {
            let (layer, _) = layer();
            let mut alice = browser(&layer, |session| {
                session.login("alice");
                session.insert("secret", "x").unwrap();
                session.insert("n", 5).unwrap();
            })
            .await;
            let sibling = alice.clone();
            alice
                .visit(&layer, async |session| {
                    act(&session);
                    session.login("bob");
                    assert_eq!(session.keys().join("+"), *keys, "{what}");
                    assert_eq!(session.get::<u32>("n").unwrap(), None, "{what}");
                    session.insert("after", 1).unwrap();
                    if is_overtaken {
                        sibling.clone().visit(&layer, async |session| session.insert("late", 1).unwrap()).await;
                    }
                })
                .await;
            let expected: Vec<_> = ["after", keys].into_iter().filter(|key| !key.is_empty()).collect();
            let (owner, found, _) = look(&layer, &alice).await;
            assert_eq!((owner.as_deref(), found), (Some("bob"), expected.join("+")), "{what}, {is_overtaken}");
            assert_eq!(layer.owners().expect("an index").list("alice").await.expect("memory").len(), 0, "{what}");
        }
    }
}

#[tokio::test]
async fn a_login_of_the_same_user_again_renews_and_keeps_everything() {
    let (layer, store) = layer();
    let mut alice = browser(&layer, |session| {
        session.login("alice");
        session.insert("cart", 1).unwrap();
    })
    .await;
    let (old, before) = (alice.clone(), look(&layer, &alice).await);
    alice.visit(&layer, async |session| session.login("alice")).await;
    assert_ne!(alice.token(), old.token());
    assert_eq!(look(&layer, &alice).await, before);
    assert_eq!(whose(&layer, &old).await, None);
    assert_eq!(store.inner().len(), 1);
}

#[tokio::test]
async fn a_login_after_a_purge_begins_a_session_and_the_last_login_counts() {
    let (layer, store) = layer();
    let mut alice = browser(&layer, |session| {
        session.login("alice");
        session.insert("secret", "x").unwrap();
    })
    .await;
    let old = look(&layer, &alice).await.2;
    alice
        .visit(&layer, async |session| {
            session.insert("lost", 1).unwrap();
            session.purge();
            session.insert("lost", 1).unwrap();
            session.login("bob");
            session.insert("kept", 1).unwrap();
        })
        .await;
    let (owner, keys, id) = look(&layer, &alice).await;
    assert_eq!((owner.as_deref(), keys.as_str()), (Some("bob"), "kept"));
    assert_ne!(id, old, "another session");
    alice
        .visit(&layer, async |session| {
            session.login("carol");
            session.login("dave");
        })
        .await;
    assert_eq!(whose(&layer, &alice).await.as_deref(), Some("dave"));
    // A purge after a login wins.
    alice
        .visit(&layer, async |session| {
            session.login("bob");
            session.purge();
        })
        .await;
    assert_eq!(alice.token(), None);
    assert!(store.inner().is_empty());
}

/// Another request ends or renews the session while the login is in progress. The login is never dropped, and takes no
/// data of the session.
#[tokio::test]
async fn a_login_that_loses_its_race_begins_a_session_of_its_own_inserts() {
    type Rival = fn(&Session);
    let rivals: &[(&str, Rival)] = &[
        ("purge", Session::purge),
        ("renew", Session::renew),
        ("login", |session| session.login("alice")),
        ("another login", |session| session.login("carol")),
    ];
    for before in [None, Some("alice"), Some("bob")] {
        for (what, rival) in rivals {
            let (layer, store) = layer();
            let mut slow = browser(&layer, |session| {
                session.insert("loaded", "x").unwrap();
                if let Some(before) = before {
                    session.login(before);
                }
            })
            .await;
            let mut fast = slow.clone();
            let gate = store.next(Verb::Replace).waits();
            let login = async |session: Session| {
                session.insert("own", 1).unwrap();
                session.login("alice");
            };
            let race = async {
                gate.reached().await;
                fast.visit(&layer, async |session| rival(&session)).await;
                gate.open();
            };
            soon(async { tokio::join!(slow.visit(&layer, login), race) }).await;
            let (owner, keys, _) = look(&layer, &slow).await;
            assert_eq!((owner.as_deref(), keys.as_str()), (Some("alice"), "own"), "{before:?}, {what}");
            let listed = layer.owners().expect("an index").list("alice").await.expect("memory").len();
            let rivals = usize::from(*what == "login" || (*what == "renew" && before == Some("alice")));
            assert_eq!(listed, 1 + rivals, "{before:?}, {what}: both are listed");
        }
    }
}

/// The second click has no place because of the first. It counts as merged, and the first click's response has the
/// cookie.
#[tokio::test]
async fn a_double_click_under_a_limit_of_one_is_no_error() {
    let (layer, store) = layer();
    let layer = layer.max_per_owner(1, OverLimit::Refuse).expect("a limit");
    let mut slow = browser(&layer, |session| session.insert("cart", 1).unwrap()).await;
    let mut fast = slow.clone();
    let token = slow.token();
    let gate = store.next(Verb::Replace).waits();
    let race = async {
        gate.reached().await;
        fast.visit(&layer, async |session| session.login("alice")).await;
        gate.open();
    };
    let login = slow.send(&layer, async |session| {
        session.insert("theme", "dark").unwrap();
        session.update("cart", |items: u32| items + 1).unwrap();
        session.login("alice");
    });
    let (response, ()) = soon(async { tokio::join!(login, race) }).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(look(&layer, &fast).await.1, "cart+theme", "its writes are merged");
    assert_eq!(slow.token(), token, "no cookie over the newer one");
    assert_eq!(whose(&layer, &fast).await.as_deref(), Some("alice"));
    assert_eq!(store.inner().len(), 1);

    let response = Browser::default().send(&layer, async |session| session.login("alice")).await;
    assert_eq!(response.status(), StatusCode::FORBIDDEN, "another device has no place");
}

/// A login emits one event: a renewal, or a creation.
#[tokio::test]
async fn a_login_is_told_as_a_renewal_or_as_a_creation() {
    let told = Arc::<Mutex<Vec<&'static str>>>::default();
    let into = Arc::clone(&told);
    let (layer, _) = layer();
    let layer = layer.on_event(move |event| {
        into.lock().unwrap().push(match event {
            Event::Created { .. } => "created",
            Event::Rotated { .. } => "rotated",
            Event::Destroyed { .. } => "destroyed",
            _ => "other",
        });
    });
    let mut alice = browser(&layer, |session| session.login("alice")).await;
    alice.visit(&layer, async |session| session.login("alice")).await;
    alice.visit(&layer, async |session| session.login("bob")).await;
    alice
        .visit(&layer, async |session| {
            session.purge();
            session.login("bob");
        })
        .await;
    assert_eq!(*told.lock().unwrap(), ["created", "rotated", "rotated", "destroyed", "created"]);
}
