//! The owner of a session, and the operations on all sessions of an owner.

use std::time::Duration;

use axum::{Router, extract::Path, response::Result, routing::get};
use cloakroom::{
    Lifetime, MemoryStore, OverLimit, Owners, Session, SessionId, SessionLayer, StoreError,
    store::{Created, Deleted, Record, Replaced, SessionStore},
    testing::{FaultStore, TestClock, Verb},
};
use http::StatusCode;
use tokio::task::JoinSet;

use crate::app::Browser;

const MINUTE: Duration = Duration::from_secs(60);

fn owners(layer: &SessionLayer) -> Owners {
    layer.owners().expect("the memory store has an index")
}

async fn ids(layer: &SessionLayer, owner: &str) -> Vec<SessionId> {
    owners(layer).list(owner).await.expect("memory").into_iter().map(|session| session.id).collect()
}

/// Returns a browser that is logged in, and its session's id.
async fn login(layer: &SessionLayer, user: &str) -> (Browser, SessionId) {
    let mut browser = Browser::default();
    browser
        .visit(layer, async |session| {
            session.renew();
            session.set_owner(user);
        })
        .await;
    let id = browser.visit(layer, async |session| session.id()).await;
    (browser, id.expect("logged in"))
}

async fn is_in(layer: &SessionLayer, browser: &mut Browser) -> bool {
    browser.visit(layer, async |session| session.was_presented()).await
}

async fn owner(layer: &SessionLayer, browser: &mut Browser) -> Option<String> {
    browser.visit(layer, async |session| session.owner()).await
}

#[tokio::test]
async fn the_list_says_what_a_devices_page_shows_newest_first() {
    let clock = TestClock::new();
    let layer = SessionLayer::new(MemoryStore::new()).clock(clock.clone());
    let (mut phone, first) = login(&layer, "alice").await;
    phone.visit(&layer, async |session| session.set_label("phone")).await;
    clock.advance(MINUTE);
    let (mut laptop, second) = login(&layer, "alice").await;
    laptop.visit(&layer, async |session| session.set_label("laptop")).await;
    let (_, other) = login(&layer, "bob").await;
    clock.advance(MINUTE);
    phone.visit(&layer, async |session| session.insert("seen", true)).await.expect("JSON");

    let list = owners(&layer).list("alice").await.expect("memory");
    let shown: Vec<_> = list
        .iter()
        .map(|session| {
            let idle = session.last_used.duration_since(session.created_at).expect("later");
            (session.id, session.label.as_deref().expect("a label"), idle.as_secs() / 60)
        })
        .collect();
    assert_eq!(shown, [(second, "laptop", 0), (first, "phone", 2)]);
    assert_eq!(list[0].created_at, list[1].created_at + MINUTE);
    assert!(list.iter().all(|session| session.expires_at > session.last_used));
    assert_eq!(ids(&layer, "bob").await, [other]);
    assert_eq!(ids(&layer, "carol").await, []);
}

#[tokio::test]
async fn one_session_of_an_owner_is_revoked_and_nobody_elses() {
    let layer = SessionLayer::new(MemoryStore::new());
    let (mut thief, stolen) = login(&layer, "alice").await;
    let (mut alice, _) = login(&layer, "alice").await;
    let (mut bob, bobs) = login(&layer, "bob").await;
    let owners = owners(&layer);
    assert!(!owners.revoke("alice", &bobs).await.expect("memory"), "the id may come from the user");
    assert!(!owners.revoke("alice", &SessionId::random()).await.expect("memory"));
    assert!(owners.revoke("alice", &stolen).await.expect("memory"));
    assert!(!owners.revoke("alice", &stolen).await.expect("memory"), "once");
    assert!(!is_in(&layer, &mut thief).await);
    assert!(is_in(&layer, &mut alice).await);
    assert!(is_in(&layer, &mut bob).await);
}

#[tokio::test]
async fn all_or_all_others_are_revoked() {
    let layer = SessionLayer::new(MemoryStore::new());
    let mut devices = Vec::new();
    for _ in 0..3 {
        devices.push(login(&layer, "alice").await);
    }
    let (mut bob, bobs) = login(&layer, "bob").await;
    let kept = devices[1].1;
    assert_eq!(owners(&layer).revoke_others("alice", &kept).await.expect("memory"), 2);
    assert_eq!(ids(&layer, "alice").await, [kept]);
    for (browser, id) in &mut devices {
        assert_eq!(is_in(&layer, browser).await, *id == kept);
    }
    // The session to keep belongs to another owner, so all end.
    assert_eq!(owners(&layer).revoke_others("alice", &bobs).await.expect("memory"), 1);
    login(&layer, "alice").await;
    assert_eq!(owners(&layer).revoke_all("alice").await.expect("memory"), 1);
    assert_eq!(owners(&layer).revoke_all("alice").await.expect("memory"), 0);
    assert_eq!(ids(&layer, "alice").await, []);
    assert!(is_in(&layer, &mut bob).await);
}

#[tokio::test]
async fn a_store_that_fails_says_so() {
    let store = FaultStore::new(MemoryStore::new());
    let layer = SessionLayer::new(store.clone());
    let (_, id) = login(&layer, "alice").await;
    for verb in [Verb::List, Verb::Revoke, Verb::RevokeAll] {
        store.every(verb).fails();
    }
    let owners = owners(&layer);
    assert!(owners.list("alice").await.is_err_and(|error| error.is_store()));
    assert!(owners.revoke("alice", &id).await.is_err_and(|error| error.is_store()));
    assert!(owners.revoke_all("alice").await.is_err_and(|error| error.is_store()));
    assert!(owners.revoke_others("alice", &id).await.is_err_and(|error| error.is_store()));
}

const LARGEST: &str = "340282366920938463463374607431768211455";

#[tokio::test]
async fn the_owner_key_says_whose_a_session_is() {
    type Act = fn(&Session);
    let table: &[(&str, Act, Option<&str>)] = &[
        ("a string", |session| session.insert("user_id", "alice").unwrap(), Some("alice")),
        ("a number", |session| session.insert("user_id", 17).unwrap(), Some("17")),
        ("a large number", |session| session.insert("user_id", u64::MAX).unwrap(), Some("18446744073709551615")),
        ("a larger number", |session| session.insert("user_id", u128::MAX).unwrap(), Some(LARGEST)),
        ("null", |session| session.insert("user_id", None::<u8>).unwrap(), None),
        ("another key", |session| session.insert("user", "alice").unwrap(), Some("before")),
        ("an equal value", |session| session.insert("user_id", "before").unwrap(), Some("before")),
        ("removed", |session| drop(session.remove("user_id")), None),
        ("cleared", Session::clear, None),
        (
            "cleared and set",
            |session| {
                session.clear();
                session.insert("user_id", "alice").unwrap();
            },
            Some("alice"),
        ),
        (
            "updated",
            |session| session.update("user_id", |id: String| id + " and after").unwrap(),
            Some("before and after"),
        ),
        (
            "set by hand as well",
            |session| {
                session.set_owner("carol");
                session.insert("user_id", "alice").unwrap();
            },
            Some("carol"),
        ),
        (
            "taken by hand",
            |session| {
                session.insert("user_id", "alice").unwrap();
                session.clear_owner();
            },
            None,
        ),
        ("purged", Session::purge, None),
        (
            "begun anew",
            |session| {
                session.restart();
                session.insert("user_id", "alice").unwrap();
            },
            Some("alice"),
        ),
    ];
    for (what, act, expected) in table {
        let layer = SessionLayer::new(MemoryStore::new()).owner_key("user_id");
        let mut browser = Browser::default();
        browser.visit(&layer, async |session| session.insert("user_id", "before").unwrap()).await;
        assert_eq!(ids(&layer, "before").await.len(), 1);
        let token = browser.token();
        let (before, during) = browser
            .visit(&layer, async |session| {
                let before = session.owner();
                act(&session);
                (before, session.owner())
            })
            .await;
        assert_eq!(before.as_deref(), Some("before"), "{what}");
        assert_eq!(during.as_deref(), *expected, "{what}: what the handler sees");
        assert_eq!(owner(&layer, &mut browser).await.as_deref(), *expected, "{what}");
        let is_renewed = browser.token() != token;
        assert_eq!(is_renewed, *expected != Some("before"), "{what}: another owner, another secret");
        for name in ["before", "alice", "17", "18446744073709551615", LARGEST, "carol", "before and after"] {
            assert_eq!(ids(&layer, name).await.len(), usize::from(*expected == Some(name)), "{what}: {name}");
        }
    }
}

/// axum-login keeps the user in a field of an object.
#[tokio::test]
async fn the_owner_is_a_field_of_a_value_or_what_a_closure_says() {
    let path = |layer: SessionLayer| layer.owner_key("app.data.user.id");
    let closure = |layer: SessionLayer| {
        layer.owner_from(|state| {
            let value: serde_json::Value = serde_json::from_str(state.get("app.data")?).ok()?;
            Some(value.pointer("/user/id")?.as_str()?.to_owned())
        })
    };
    for (what, layer) in [
        ("a path", path(SessionLayer::new(MemoryStore::new()))),
        ("a closure", closure(SessionLayer::new(MemoryStore::new()))),
    ] {
        let user = |name: &str| serde_json::json!({ "user": { "id": name }, "since": 7 });
        let (mut phone, mut laptop) = (Browser::default(), Browser::default());
        for browser in [&mut phone, &mut laptop] {
            browser.visit(&layer, async |session| session.insert("cart", 1).unwrap()).await;
            let before = browser.token();
            let seen = browser.visit(&layer, async |session| {
                session.insert("app.data", user("ada")).unwrap();
                session.owner()
            });
            assert_eq!(seen.await.as_deref(), Some("ada"), "{what}");
            assert_ne!(browser.token(), before, "{what}: a login renews");
        }
        let token = phone.token();
        phone.visit(&layer, async |session| session.insert("cart", 2).unwrap()).await;
        assert_eq!(phone.token(), token, "{what}: another key");
        assert_eq!(ids(&layer, "ada").await.len(), 2, "{what}");
        laptop.visit(&layer, async |session| drop(session.remove("app.data"))).await;
        assert_eq!(owner(&layer, &mut laptop).await, None, "{what}");
        assert_eq!(owners(&layer).revoke_all("ada").await.expect("memory"), 1, "{what}");
        assert!(!is_in(&layer, &mut phone).await && is_in(&layer, &mut laptop).await, "{what}");
    }
}

/// Each digit counts: a number that was rounded to a float would name another user.
#[tokio::test]
async fn two_large_numbers_that_differ_in_the_last_digit_are_two_owners() {
    let layer = SessionLayer::new(MemoryStore::new()).owner_key("user_id");
    let (mut first, mut second) = (Browser::default(), Browser::default());
    first.visit(&layer, async |session| session.insert("user_id", u128::MAX).unwrap()).await;
    second.visit(&layer, async |session| session.insert("user_id", u128::MAX - 1).unwrap()).await;
    assert_eq!(owner(&layer, &mut first).await.as_deref(), Some(LARGEST));
    assert_eq!(owners(&layer).revoke_all(LARGEST).await.expect("memory"), 1);
    assert!(!is_in(&layer, &mut first).await);
    assert!(is_in(&layer, &mut second).await, "another user");
}

/// Without an error, "log out everywhere" would find nothing of such a user.
#[tokio::test]
async fn a_value_that_names_no_owner_is_an_error_under_the_owner_key() {
    type Act = fn(&Session);
    let table: &[(&str, Act)] = &[
        ("an object", |session| session.insert("user_id", serde_json::json!({ "id": 7 })).unwrap()),
        ("an array", |session| session.insert("user_id", [7]).unwrap()),
        ("a bool", |session| session.insert("user_id", true).unwrap()),
        ("a float", |session| session.insert("user_id", 7.5).unwrap()),
        ("a whole float", |session| session.insert("user_id", 7.0).unwrap()),
    ];
    for (what, act) in table {
        for is_in_before in [false, true] {
            let layer = SessionLayer::new(MemoryStore::new()).owner_key("user_id");
            let mut browser = Browser::default();
            if is_in_before {
                browser.visit(&layer, async |session| session.insert("user_id", 7).unwrap()).await;
            }
            let token = browser.token();
            let mut saved = None;
            let response = browser
                .send(&layer, async |session| {
                    act(&session);
                    saved = session.save().await.err();
                })
                .await;
            assert!(saved.is_some_and(|error| error.is_no_owner() && !error.is_store()), "{what}");
            assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR, "{what}");
            assert_eq!(browser.token(), token, "{what}: nothing is stored");
            let expected = is_in_before.then_some("7");
            assert_eq!(owner(&layer, &mut browser).await.as_deref(), expected, "{what}");
        }
    }
}

/// Only sessions that the layer would open now are listed and counted.
#[tokio::test]
async fn a_session_that_would_not_open_is_not_listed_and_takes_no_place() {
    let clock = TestClock::new();
    let lifetime = |idle| Lifetime::builder().idle(idle).build().expect("in order");
    let layer = |idle| {
        let layer = SessionLayer::new(MemoryStore::new()).clock(clock.clone()).lifetime(lifetime(idle));
        layer.max_per_owner(1, OverLimit::Refuse).expect("a limit")
    };
    let before = layer(60 * MINUTE);
    let (mut phone, _) = login(&before, "alice").await;
    clock.advance(10 * MINUTE);
    let refused = Browser::default().send(&before, async |session| session.login("alice")).await;
    assert_eq!(refused.status(), StatusCode::FORBIDDEN, "the phone's session is live");

    let lowered = before.lifetime(lifetime(5 * MINUTE));
    assert!(!is_in(&lowered, &mut phone).await);
    assert_eq!(ids(&lowered, "alice").await, []);
    let (mut laptop, id) = login(&lowered, "alice").await;
    assert!(is_in(&lowered, &mut laptop).await);
    assert_eq!(ids(&lowered, "alice").await, [id]);
}

#[tokio::test]
async fn an_owner_set_by_hand_stays_when_other_keys_are_written() {
    let layer = SessionLayer::new(MemoryStore::new()).owner_key("user_id");
    let (mut browser, id) = login(&layer, "alice").await;
    let seen = browser
        .visit(&layer, async |session| {
            session.insert("visits", 1).unwrap();
            session.owner()
        })
        .await;
    assert_eq!(seen.as_deref(), Some("alice"));
    assert_eq!(ids(&layer, "alice").await, [id]);
}

/// A form is sent twice, and the browser drops the first response. The second one must log the user in.
#[tokio::test]
async fn a_login_sent_twice_ends_logged_in() {
    type Act = fn(&Session);
    let by_hand: Act = |session| {
        session.renew();
        session.set_owner("alice");
        session.insert("user_id", "alice").unwrap();
    };
    let by_key: Act = |session| {
        session.renew();
        session.insert("user_id", "alice").unwrap();
    };
    let with_key = || SessionLayer::new(MemoryStore::new()).owner_key("user_id");
    for (layer, act) in [(SessionLayer::new(MemoryStore::new()), by_hand), (with_key(), by_hand), (with_key(), by_key)]
    {
        let mut browser = Browser::default();
        browser.visit(&layer, async |session| session.insert("cart", 1).unwrap()).await;
        let mut sent_first = browser.clone();
        browser
            .visit(&layer, async |session| {
                act(&session);
                sent_first.visit(&layer, async |session| act(&session)).await;
            })
            .await;
        assert_eq!(owner(&layer, &mut browser).await.as_deref(), Some("alice"));
    }
}

/// A user who was logged in before the layer had the owner key is found after the next login.
#[tokio::test]
async fn a_login_again_as_the_same_user_names_the_owner() {
    let store = MemoryStore::new();
    let before = SessionLayer::new(store.clone());
    let mut browser = Browser::default();
    browser.visit(&before, async |session| session.insert("user_id", "alice").unwrap()).await;
    let layer = SessionLayer::new(store).owner_key("user_id");
    browser
        .visit(&layer, async |session| {
            session.renew();
            session.insert("user_id", "alice").unwrap();
        })
        .await;
    assert_eq!(ids(&layer, "alice").await.len(), 1);
}

#[tokio::test]
async fn a_login_over_the_limit_is_refused() {
    let layer = SessionLayer::new(MemoryStore::new()).max_per_owner(2, OverLimit::Refuse).expect("a limit");
    let (mut first, _) = login(&layer, "alice").await;
    login(&layer, "alice").await;
    let mut third = Browser::default();
    let mut saved = None;
    let response = third
        .send(&layer, async |session| {
            session.set_owner("alice");
            saved = session.save().await.err();
        })
        .await;
    assert!(saved.is_some_and(|error| error.is_over_limit() && !error.is_store()));
    assert_eq!(response.status(), StatusCode::FORBIDDEN);
    assert_eq!(third.token(), None, "nothing is stored for it");
    assert_eq!(ids(&layer, "alice").await.len(), 2);

    // A visitor keeps the session if the login is refused.
    third.visit(&layer, async |session| session.insert("cart", 1).unwrap()).await;
    let response = third
        .send(&layer, async |session| {
            session.renew();
            session.set_owner("alice");
        })
        .await;
    assert_eq!(response.status(), StatusCode::FORBIDDEN);
    assert_eq!(third.visit(&layer, async |session| session.get::<u8>("cart")).await.unwrap(), Some(1));

    // A logged-in user stays logged in, and may log in again.
    first
        .visit(&layer, async |session| {
            session.renew();
            session.set_owner("alice");
        })
        .await;
    assert!(is_in(&layer, &mut first).await);
    login(&layer, "bob").await;
    first.visit(&layer, async |session| session.purge()).await;
    login(&layer, "alice").await;
    assert_eq!(ids(&layer, "alice").await.len(), 2);
}

#[tokio::test]
async fn a_login_over_the_limit_ends_the_oldest() {
    let clock = TestClock::new();
    let layer = SessionLayer::new(MemoryStore::new())
        .clock(clock.clone())
        .max_per_owner(2, OverLimit::EndOldest)
        .expect("a limit");
    let mut devices = Vec::new();
    for _ in 0..4 {
        clock.advance(MINUTE);
        devices.push(login(&layer, "alice").await);
    }
    assert_eq!(ids(&layer, "alice").await, [devices[3].1, devices[2].1]);
    let mut are_in = Vec::new();
    for (browser, _) in &mut devices {
        are_in.push(is_in(&layer, browser).await);
    }
    assert_eq!(are_in, [false, false, true, true]);
}

/// The session that logs in may be older than all others, because it began as a visitor's.
#[tokio::test]
async fn the_login_itself_is_never_the_oldest() {
    let clock = TestClock::new();
    let layer = SessionLayer::new(MemoryStore::new())
        .clock(clock.clone())
        .max_per_owner(1, OverLimit::EndOldest)
        .expect("a limit");
    let mut visitor = Browser::default();
    visitor.visit(&layer, async |session| session.insert("cart", 1).unwrap()).await;
    clock.advance(MINUTE);
    let (mut device, _) = login(&layer, "alice").await;
    clock.advance(MINUTE);
    visitor
        .visit(&layer, async |session| {
            session.renew();
            session.set_owner("alice");
        })
        .await;
    assert!(is_in(&layer, &mut visitor).await);
    assert!(!is_in(&layer, &mut device).await);
}

/// A clock that stands still, or a server's clock that is behind, must not put a login before the others.
#[tokio::test]
async fn of_two_logins_one_after_the_other_the_second_stays() {
    let clock = TestClock::new();
    for behind in [0, 1, 60].map(Duration::from_secs) {
        for _ in 0..8 {
            let layer = SessionLayer::new(MemoryStore::new())
                .clock(clock.clone())
                .max_per_owner(1, OverLimit::EndOldest)
                .expect("a limit");
            let mut visitor = Browser::default();
            clock.set(cloakroom::Clock::now(&clock) - behind);
            visitor.visit(&layer, async |session| session.insert("cart", 1).unwrap()).await;
            clock.advance(behind);
            login_once(&layer).await;
            clock.set(cloakroom::Clock::now(&clock) - behind);
            visitor.visit(&layer, async |session| session.set_owner("alice")).await;
            assert!(is_in(&layer, &mut visitor).await, "updated");
            let mut second = login_once(&layer).await;
            assert!(is_in(&layer, &mut second).await, "created");
            assert_eq!(ids(&layer, "alice").await.len(), 1);
            clock.advance(behind);
        }
    }
}

/// Both logins are stored before either one looks: they must not end each other.
#[tokio::test]
async fn of_two_logins_at_once_one_stays() {
    let store = FaultStore::new(MemoryStore::new());
    let layer = SessionLayer::new(store.clone())
        .clock(TestClock::new())
        .max_per_owner(1, OverLimit::EndOldest)
        .expect("a limit");
    let gate = store.every(Verb::Create).answers_late();
    let both = async {
        let first = login_once(&layer);
        let second = login_once(&layer);
        tokio::join!(first, second)
    };
    let let_go = async {
        gate.reached().await;
        gate.reached().await;
        gate.open();
    };
    let ((mut first, mut second), ()) = tokio::join!(both, let_go);
    assert_eq!(ids(&layer, "alice").await.len(), 1);
    assert!(is_in(&layer, &mut first).await != is_in(&layer, &mut second).await);
}

/// The other device is used during the login, and so has a later last use. The login wins all the same.
#[tokio::test]
async fn a_login_ends_a_session_that_is_used_just_then() {
    let (store, clock) = (FaultStore::new(MemoryStore::new()), TestClock::new());
    let layer =
        SessionLayer::new(store.clone()).clock(clock.clone()).max_per_owner(1, OverLimit::EndOldest).expect("a limit");
    let mut device = login_once(&layer).await;
    let gate = store.next(Verb::Create).answers_late();
    let used = async {
        gate.reached().await;
        clock.advance(MINUTE);
        device.visit(&layer, async |session| session.insert("n", 1).unwrap()).await;
        gate.open();
    };
    let (mut newcomer, ()) = tokio::join!(login_once(&layer), used);
    assert!(is_in(&layer, &mut newcomer).await);
    assert!(!is_in(&layer, &mut device).await);
}

async fn login_once(layer: &SessionLayer) -> Browser {
    let mut browser = Browser::default();
    browser.visit(layer, async |session| session.set_owner("alice")).await;
    browser
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn twenty_logins_at_once_never_exceed_the_limit() {
    async fn enter(session: Session, Path(user): Path<String>) -> Result<()> {
        session.renew();
        session.insert("user_id", user)?;
        Ok(())
    }
    for (over, at_least) in [(OverLimit::Refuse, 0), (OverLimit::EndOldest, 3)] {
        let layer = SessionLayer::new(MemoryStore::new()).owner_key("user_id").max_per_owner(3, over).expect("a limit");
        let app = Router::new().route("/{user}", get(enter)).layer(layer.clone());
        for round in 0..20 {
            let mut logins = JoinSet::new();
            for _ in 0..20 {
                let app = app.clone();
                logins.spawn(async move {
                    let mut browser = Browser::default();
                    let response = browser.axum(&app, &format!("/{round}")).await;
                    assert_eq!(response.status() == StatusCode::OK, browser.token().is_some());
                    browser
                });
            }
            let browsers = logins.join_all().await;
            let live = ids(&layer, &round.to_string()).await.len();
            assert!((at_least..=3).contains(&live), "{over:?}: {live} sessions");
            let mut are_in = 0;
            for mut browser in browsers {
                are_in += usize::from(is_in(&layer, &mut browser).await);
            }
            assert_eq!(are_in, live, "{over:?}: whoever is listed is in");
        }
    }
}

/// The limit holds for new sessions. Ending the old ones may fail, which is an event.
#[tokio::test]
async fn a_store_that_cannot_count_refuses_or_lets_in_with_an_event() {
    let store = FaultStore::new(MemoryStore::new());
    store.every(Verb::List).fails();
    for (over, status) in [(OverLimit::Refuse, StatusCode::SERVICE_UNAVAILABLE), (OverLimit::EndOldest, StatusCode::OK)]
    {
        let layer = SessionLayer::new(store.clone()).max_per_owner(1, over).expect("a limit");
        let response = Browser::default().send(&layer, async |session| session.set_owner("alice")).await;
        assert_eq!(response.status(), status, "{over:?}");
    }
}

/// A store without an index of owners.
struct Plain(MemoryStore);

impl SessionStore for Plain {
    async fn load(&self, id: &SessionId) -> Result<Option<Record>, StoreError> {
        self.0.load(id).await
    }

    async fn create(&self, id: &SessionId, record: &Record) -> Result<Created, StoreError> {
        self.0.create(id, record).await
    }

    async fn replace(&self, id: &SessionId, base: &Record, record: &Record) -> Result<Replaced, StoreError> {
        self.0.replace(id, base, record).await
    }

    async fn delete(&self, id: &SessionId, base: Option<&Record>) -> Result<Deleted, StoreError> {
        self.0.delete(id, base).await
    }
}

#[test]
fn limits_that_cannot_hold_are_refused_when_they_are_made() {
    let none = SessionLayer::new(MemoryStore::new()).max_per_owner(0, OverLimit::Refuse).expect_err("none at all");
    assert!(!none.is_store(), "{none}");
    assert_eq!(none.to_string(), "the limit of sessions per owner must be at least 1");
    let plain = || SessionLayer::new(Plain(MemoryStore::new()));
    let error = plain().max_per_owner(1, OverLimit::EndOldest).expect_err("no index");
    assert!(error.is_misconfigured(), "{error}");
    assert!(plain().owners().is_none());
}
