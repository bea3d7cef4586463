//! A handle that is held for a long time sees and changes only what its own token opens.

use std::time::Duration;

use cloakroom::{
    Lifetime, MemoryStore, Session, SessionLayer,
    testing::{FaultStore, TestClock},
};
use http::StatusCode;

use crate::{app::Browser, session::escaped};

const MINUTE: Duration = Duration::from_secs(60);

/// Returns a layer over a store that the core knows by its type, and one over another type.
fn layers() -> Vec<(SessionLayer, MemoryStore, TestClock)> {
    let mut layers = Vec::new();
    for is_known in [true, false] {
        let (store, clock) = (MemoryStore::new(), TestClock::new());
        let layer =
            if is_known { SessionLayer::new(store.clone()) } else { SessionLayer::new(FaultStore::new(store.clone())) };
        layers.push((layer.clock(clock.clone()).owner_key("user"), store, clock));
    }
    layers
}

/// Returns the value of the cookie header.
fn cookies(browser: &Browser) -> String {
    format!("__Host-Http-id={}", browser.token().expect("a token"))
}

async fn alice(layer: &SessionLayer) -> Browser {
    let mut browser = Browser::default();
    let enter = async |session: Session| {
        session.insert("user", "alice").unwrap();
        session.insert("secret", "x").unwrap();
    };
    browser.visit(layer, enter).await;
    browser
}

async fn user(layer: &SessionLayer, browser: &mut Browser) -> Option<String> {
    browser.visit(layer, async |session| session.get("user").unwrap()).await
}

type Act = fn(&Session);

/// Operations of a change of privileges, in a handler that began before the session ended. None of them is a login.
const STEP_UPS: &[(&str, Act)] = &[
    ("renew", Session::renew),
    ("insert", |session| session.insert("role", "editor").unwrap()),
    ("renew and insert", |session| {
        session.renew();
        session.insert("role", "editor").unwrap();
    }),
    ("renew and the user as loaded", |session| {
        session.renew();
        session.insert("user", session.get::<String>("user").unwrap()).unwrap();
        session.insert("role", "editor").unwrap();
    }),
    ("renew and the owner as loaded", |session| {
        session.renew();
        session.set_owner("alice");
        session.insert("role", "editor").unwrap();
    }),
    ("clear and the user as loaded", |session| {
        session.clear();
        session.renew();
        session.insert("user", "alice").unwrap();
    }),
    ("the user removed", |session| drop(session.remove("user"))),
    ("update", |session| session.update("secret", |secret: String| secret + "y").unwrap()),
];

/// A slow request of a thief, whose victim logs out meanwhile: in this browser, or everywhere.
#[tokio::test]
async fn a_request_under_which_its_session_ended_brings_nothing_back() {
    for &(what, act) in STEP_UPS {
        for is_everywhere in [false, true] {
            for (layer, store, _) in layers() {
                let mut victim = alice(&layer).await;
                let mut thief = victim.clone();
                let token = thief.token();
                let response = thief
                    .send(&layer, async |session| {
                        if is_everywhere {
                            let owners = layer.owners().expect("an index");
                            assert_eq!(owners.revoke_all("alice").await.expect("memory"), 1);
                        } else {
                            victim.visit(&layer, async |session| session.purge()).await;
                        }
                        act(&session);
                    })
                    .await;
                let at = format!("{what}, everywhere: {is_everywhere}");
                assert_eq!(response.status(), StatusCode::OK, "{at}");
                assert!(!response.headers().contains_key("set-cookie"), "{at}");
                assert_eq!(thief.token(), token, "{at}");
                assert!(store.is_empty(), "{at}");
                assert_eq!(user(&layer, &mut thief).await, None, "{at}");
            }
        }
    }
}

/// Mallory planted the cookie of a session in alice's browser, and keeps a socket open on that session while she logs
/// in.
#[tokio::test]
async fn a_handle_from_before_a_login_sees_and_ends_nothing_of_it() {
    for late in [Duration::ZERO, 59 * Duration::from_secs(1), 61 * Duration::from_secs(1), 60 * MINUTE] {
        for (layer, _, clock) in layers() {
            let is_in_window = late < MINUTE;
            let mut planted = Browser::default();
            planted.visit(&layer, async |session| session.insert("cart", 1).unwrap()).await;
            let (socket, _) = escaped(&layer, &cookies(&planted), |_| ()).await;
            planted
                .visit(&layer, async |session| {
                    session.login("alice");
                    session.insert("user", "alice").unwrap();
                    session.insert("cart", 5).unwrap();
                })
                .await;
            clock.advance(late);
            let sees_nothing = |when: &str| {
                assert_eq!(socket.keys(), ["cart"], "{late:?} {when}");
                assert_eq!(socket.get::<u32>("cart").unwrap(), Some(1), "{late:?} {when}");
                assert_eq!(socket.owner(), None, "{late:?} {when}");
            };
            assert!(socket.reload().await.expect_err("its token is dead").is_gone(), "{late:?}");
            sees_nothing("after a reload");
            // There is nothing to write, so the store is not called.
            let _ = socket.save().await;
            sees_nothing("after a save of nothing");

            // Within the window, the write counts as a visitor's cart. A key that changed keeps the newer value.
            socket.insert("cart", 2).unwrap();
            socket.insert("late", 1).unwrap();
            let saved = socket.save().await;
            assert_eq!(saved.as_ref().is_ok(), is_in_window, "{late:?}");
            assert_eq!(saved.is_err_and(|error| error.is_gone()), !is_in_window, "{late:?}");
            assert_eq!(socket.owner(), None, "{late:?}");
            assert!(!socket.contains_key("user"), "{late:?}");
            let found = planted.visit(&layer, async |session| (session.get("cart").unwrap(), session.keys())).await;
            let keys: &[&str] = if is_in_window { &["cart", "late", "user"] } else { &["cart", "user"] };
            assert_eq!(
                (found.0, found.1.as_slice()),
                (Some(5), &*keys.iter().map(|key| (*key).to_owned()).collect::<Vec<_>>()),
                "{late:?}"
            );

            socket.purge();
            socket.save().await.expect("it ends nothing, or what it may end");
            let expected = (!is_in_window).then_some("alice");
            assert_eq!(
                user(&layer, &mut planted).await.as_deref(),
                expected,
                "a purge means it within the window: {late:?}"
            );
        }
    }
}

/// An update must not run on a value that its token does not open.
#[tokio::test]
async fn an_update_never_gets_a_value_from_after_the_login() {
    for changes in [false, true] {
        for (layer, _, _) in layers() {
            let mut browser = Browser::default();
            browser.visit(&layer, async |session| session.insert("n", 1).unwrap()).await;
            let (socket, _) = escaped(&layer, &cookies(&browser), |_| ()).await;
            browser
                .visit(&layer, async |session| {
                    session.login("alice");
                    if changes {
                        session.insert("n", 100).unwrap();
                    }
                })
                .await;
            socket
                .update("n", |n: u32| {
                    assert_eq!(n, 1, "what it has loaded, and nothing else");
                    n + 1
                })
                .unwrap();
            assert_eq!(socket.save().await.is_err_and(|error| error.is_gone()), changes);
            let expected = if changes { 100 } else { 2 };
            assert_eq!(browser.visit(&layer, async |session| session.get("n").unwrap()).await, Some(expected));
        }
    }
}

/// After a `save` found the session gone, nothing begins a new session in this request but a restart or a login.
#[tokio::test]
async fn after_a_save_that_found_the_session_gone_only_a_restart_or_a_login_begins_another() {
    let more: &[(&str, Act, Option<&str>)] = &[
        ("restart", |session| session.restart(), Some("again")),
        ("login", |session| session.login("bob"), Some("again")),
        ("login as before", |session| session.login("alice"), Some("again")),
        ("set_owner", |session| session.set_owner("bob"), None),
        ("purge", Session::purge, None),
        ("nothing", |_| (), None),
    ];
    let rows = STEP_UPS.iter().map(|&(what, act)| (what, act, None)).chain(more.iter().copied());
    for (what, act, expected) in rows {
        for (layer, store, _) in layers() {
            let mut victim = alice(&layer).await;
            let mut slow = victim.clone();
            let response = slow
                .send(&layer, async |session| {
                    victim.visit(&layer, async |session| session.purge()).await;
                    session.insert("first", 1).unwrap();
                    assert!(session.save().await.expect_err("it is gone").is_gone(), "{what}");
                    assert!(session.is_empty() && session.id().is_none() && session.owner().is_none(), "{what}");
                    act(&session);
                    session.insert("flash", "again").unwrap();
                    let is_saved = expected.is_some() || what == "purge";
                    assert_eq!(session.save().await.is_ok(), is_saved, "{what}: only another session is saved");
                    session.insert("flash", "again").unwrap();
                })
                .await;
            assert_eq!(response.status(), StatusCode::OK, "{what}");
            assert_eq!(store.len(), usize::from(expected.is_some()), "{what}");
            let found = slow
                .visit(&layer, async |session| (session.get("flash").unwrap(), session.contains_key("secret")))
                .await;
            assert_eq!(found, (expected.map(str::to_owned), false), "{what}");
        }
    }
}

/// An upload takes longer than the idle limit. It loaded its session in time, and its use counts from its end.
#[tokio::test]
async fn a_request_that_outlasts_the_idle_limit_keeps_its_writes_and_its_session() {
    let acts: &[(&str, Act)] = &[
        ("read", |_| ()),
        ("insert", |session| session.insert("file", 1).unwrap()),
        ("renew", Session::renew),
        ("login", |session| session.login("alice")),
    ];
    let limits = Lifetime::builder().idle(10 * MINUTE).build().expect("in order");
    for &(what, act) in acts {
        for (layer, _, clock) in layers() {
            let layer = layer.lifetime(limits.clone());
            let mut browser = alice(&layer).await;
            browser
                .visit(&layer, async |session| {
                    clock.advance(11 * MINUTE);
                    act(&session);
                })
                .await;
            clock.advance(9 * MINUTE);
            assert_eq!(user(&layer, &mut browser).await.as_deref(), Some("alice"), "{what}");
            let file = browser.visit(&layer, async |session| session.get::<u32>("file").unwrap()).await;
            assert_eq!(file, (what == "insert").then_some(1), "{what}");
            clock.advance(10 * MINUTE);
            assert_eq!(user(&layer, &mut browser).await, None, "{what}: idle since");
        }
    }
}
