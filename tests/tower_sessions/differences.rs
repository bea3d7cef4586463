//! The differences from tower-sessions, and the parts that are not possible. There is a test for each row of the tables
//! in `docs/from-tower-sessions.md`. If a test is elsewhere, `page.rs` checks that it exists.

use std::sync::Arc;

use axum::{Router, body::Body, routing::get};
use cloakroom::tower_sessions::{
    Expiry, MemoryStore, Session, SessionManagerLayer, SessionStore as _,
    cookie::SameSite,
    session::{Error, Id, Record},
};
use http::{Request, StatusCode, header};
use serde_json::json;
use time::OffsetDateTime;
use tower::ServiceExt as _;
use tower_cookies::{Cookie, Cookies, Key};

use crate::{
    browser::{Browser, set_cookie},
    foreign::ForeignStore,
    support::log::Log,
};

fn layer() -> SessionManagerLayer<MemoryStore> {
    SessionManagerLayer::new(MemoryStore::default())
}

fn record() -> Record {
    let expiry_date = OffsetDateTime::now_utc() + time::Duration::hours(1);
    Record { id: Id::default(), data: [("user".to_owned(), json!("ada"))].into(), expiry_date }
}

async fn user(layer: &SessionManagerLayer<MemoryStore>, browser: &mut Browser) -> Option<String> {
    browser.visit(layer, async |session| session.get::<String>("user").await.unwrap()).await
}

async fn logged_in(layer: &SessionManagerLayer<MemoryStore>) -> Browser {
    let mut browser = Browser::default();
    browser.visit(layer, async |session| session.insert("user", "ada").await.unwrap()).await;
    browser
}

/// Row: an id as a cookie.
#[tokio::test]
async fn a_record_that_a_test_stores_opens_nothing() {
    let mut record = record();
    let store = MemoryStore::default();
    store.create(&mut record).await.unwrap();
    assert_eq!(store.load(&record.id).await.unwrap().as_ref(), Some(&record));
    let layer = SessionManagerLayer::new(store);
    assert_eq!(user(&layer, &mut Browser::with_cookie(&record.id.to_string())).await, None);

    let store = ForeignStore::default();
    store.save(&record).await.unwrap();
    let layer = SessionManagerLayer::new(store);
    let mut browser = Browser::with_cookie(&record.id.to_string());
    assert_eq!(browser.visit(&layer, async |session| session.get_value("user").await.unwrap()).await, None);
}

/// Row: a cookie as an id.
#[tokio::test]
async fn a_cookie_is_no_id() {
    let layer = layer();
    let mut browser = logged_in(&layer).await;
    let id = browser.visit(&layer, async |session| {
        session.native().await.unwrap();
        session.id().unwrap()
    });
    let (id, token) = (id.await, browser.token().unwrap());
    assert!(token.parse::<Id>().is_err());
    assert!(token.starts_with(&id.to_string()));
    assert_eq!(id.to_string().parse::<Id>(), Ok(id));
}

/// Row: `Session::new` with an id.
#[tokio::test]
async fn a_session_made_with_an_id_is_an_empty_one() {
    let mut record = record();
    let store = Arc::new(MemoryStore::default());
    store.create(&mut record).await.unwrap();
    let log = Log::capture();
    let session = Session::new(Some(record.id), Arc::clone(&store), None);
    assert!(log.text().contains("a session id opens no session"), "{}", log.text());
    assert_eq!(session.get_value("user").await.unwrap(), None);
    // It is a session of its own, which can be saved and read by its id.
    session.insert("user", "eve").await.unwrap();
    session.save().await.unwrap();
    let id = session.id().unwrap();
    assert_ne!(id, record.id);
    assert_eq!(store.load(&id).await.unwrap().unwrap().data["user"], json!("eve"));
    store.delete(&id).await.unwrap();
    assert_eq!(store.load(&id).await.unwrap(), None);
}

/// Row: `id()` before the first access.
#[tokio::test]
async fn there_is_no_id_before_the_session_is_loaded() {
    let layer = layer();
    let mut browser = logged_in(&layer).await;
    let ids = browser.visit(&layer, async |session| {
        let before = (session.id(), session.is_empty().await);
        session.get_value("user").await.unwrap();
        (before, session.id())
    });
    let ((before, is_empty), after) = ids.await;
    assert!(before.is_none() && !is_empty && after.is_some());
}

/// Row: the id after `cycle_id`.
#[tokio::test]
async fn the_public_id_stays_and_the_cookie_changes() {
    let layer = layer();
    let mut browser = logged_in(&layer).await;
    let token = browser.token();
    let ids = browser.visit(&layer, async |session| {
        session.native().await.unwrap();
        let before = session.id();
        session.cycle_id().await.unwrap();
        (before, session.id())
    });
    let (before, after) = ids.await;
    assert!(before.is_some());
    assert_eq!(before, after);
    assert_ne!(browser.token(), token);
    assert_eq!(user(&layer, &mut Browser::with_cookie(&token.unwrap())).await, None);
}

/// Row: a write after `delete`.
#[tokio::test]
async fn nothing_can_be_written_after_a_delete() {
    let layer = layer();
    let mut browser = logged_in(&layer).await;
    browser
        .visit(&layer, async |session| {
            session.delete().await.unwrap();
            session.insert("user", "ada").await.unwrap();
            session.save().await.unwrap_err();
        })
        .await;
    assert_eq!(browser.token(), None, "it takes the cookie, too");
    // A flush begins another session.
    let mut browser = logged_in(&layer).await;
    browser
        .visit(&layer, async |session| {
            session.delete().await.unwrap();
            session.flush().await.unwrap();
            session.insert("message", "see you").await.unwrap();
        })
        .await;
    assert!(browser.token().is_some());
    assert_eq!(user(&layer, &mut browser).await, None);
    // Without a session there is nothing to delete.
    Browser::default().visit(&layer, async |session| session.delete().await.unwrap()).await;
}

/// Row: `create` and `save` on a store of ours.
#[tokio::test]
async fn a_store_of_ours_takes_no_record_from_outside() {
    let (store, mut record) = (cloakroom::MemoryStore::new(), record());
    for result in
        [store.save(&record).await, cloakroom::tower_sessions::SessionStore::create(&store, &mut record).await]
    {
        assert!(result.unwrap_err().to_string().contains("only a session layer writes"));
    }
    assert!(store.is_empty());
}

/// Row: a cookie that opens nothing.
#[tokio::test]
async fn an_unknown_cookie_is_left_alone_until_the_session_is_used() {
    let layer = layer();
    // A token of tower-sessions, and a made-up one.
    for value in ["AAAAAAAAAAAAAAAAAAAAAA", "malformed"] {
        let mut browser = Browser::with_cookie(value);
        let response = browser.send(&layer, async |_| StatusCode::OK).await;
        assert_eq!(set_cookie(&response), None, "{value}");
        browser.visit(&layer, async |session| session.insert("n", 1).await.unwrap()).await;
        assert_ne!(browser.token().as_deref(), Some(value), "a new session replaces it");
    }
    // A logout takes away what has the form of a token.
    let mut browser = Browser::with_cookie(&"A".repeat(44));
    assert_eq!(set_cookie(&browser.send(&layer, async |_| StatusCode::OK).await), None);
    browser.visit(&layer, async |session| session.flush().await.unwrap()).await;
    assert_eq!(browser.token(), None);
}

/// Row: `flush`.
#[tokio::test]
async fn a_flush_deletes_the_record_with_the_response() {
    let store = MemoryStore::default();
    let layer = SessionManagerLayer::new(store.clone());
    let mut browser = logged_in(&layer).await;
    let seen = store.clone();
    let (id, during) = browser
        .visit(&layer, async move |session| {
            session.native().await.unwrap();
            let id = session.id().unwrap();
            session.flush().await.unwrap();
            assert!(session.id().is_none() && session.is_empty().await && session.is_modified());
            (id, seen.load(&id).await.unwrap().is_some())
        })
        .await;
    assert!(during);
    assert_eq!(store.load(&id).await.unwrap(), None);
    assert_eq!(browser.token(), None);
}

/// Row: `delete` and the cookie.
#[tokio::test]
async fn a_delete_takes_the_cookie_too() {
    let store = MemoryStore::default();
    let layer = SessionManagerLayer::new(store.clone());
    let mut browser = logged_in(&layer).await;
    browser
        .visit(&layer, async move |session| {
            session.native().await.unwrap();
            let id = session.id().unwrap();
            session.delete().await.unwrap();
            assert_eq!(store.load(&id).await.unwrap(), None, "at once");
        })
        .await;
    assert_eq!(browser.token(), None);
}

/// Row: `load`.
#[tokio::test]
async fn a_load_keeps_unsaved_changes() {
    let layer = layer();
    let mut browser = logged_in(&layer).await;
    let (mut other, others) = (browser.clone(), layer.clone());
    browser
        .visit(&layer, async move |session| {
            session.insert("mine", 1).await.unwrap();
            other.visit(&others, async |session| session.insert("other", 2).await.unwrap()).await;
            assert_eq!(session.get::<u8>("other").await.unwrap(), None);
            session.load().await.unwrap();
            assert_eq!(session.get::<u8>("other").await.unwrap(), Some(2));
            assert_eq!(session.get::<u8>("mine").await.unwrap(), Some(1));
        })
        .await;
}

/// Row: a renewal whose response is an error.
#[tokio::test]
async fn an_error_after_a_renewal_loses_no_session() {
    let layer = layer();
    let mut browser = logged_in(&layer).await;
    let token = browser.token();
    let response = browser.send(&layer, async |session| {
        session.cycle_id().await.unwrap();
        session.insert("user", "eve").await.unwrap();
        StatusCode::BAD_GATEWAY
    });
    assert_eq!(response.await.status(), StatusCode::BAD_GATEWAY);
    assert_ne!(browser.token(), token);
    assert_eq!(user(&layer, &mut browser).await.as_deref(), Some("ada"), "writes are not stored with a 5xx, as there");
}

/// Row: a store that fails.
#[tokio::test]
async fn a_failing_store_fails_those_who_use_the_session() {
    let store = ForeignStore::default();
    let layer = SessionManagerLayer::new(store.clone());
    let mut browser = Browser::default();
    browser.visit(&layer, async |session| session.insert("user", "ada").await.unwrap()).await;
    store.fails(true);
    for always_save in [false, true] {
        let layer = layer.clone().with_always_save(always_save);
        let response = browser.send(&layer, async |_| StatusCode::OK).await;
        assert_eq!(response.status(), StatusCode::OK, "it does not use the session");
    }
    let error = browser.visit(&layer, async |session| session.get_value("user").await.unwrap_err());
    let error = error.await;
    assert!(matches!(&error, Error::Store(_)));
    assert!(error.to_string().contains("the database is away"), "{error}");
    let mut nobody = Browser::default();
    let fresh = nobody.send(&layer, async |session| {
        session.insert("user", "ada").await.unwrap();
        StatusCode::OK
    });
    let response = fresh.await;
    assert_eq!((response.status(), response.body().as_str()), (StatusCode::INTERNAL_SERVER_ERROR, ""));
    store.fails(false);
    let seen = browser.visit(&layer, async |session| session.get::<String>("user").await.unwrap());
    assert_eq!(seen.await.as_deref(), Some("ada"), "an error is never taken for no session");
}

/// Row: a logout that fails.
#[tokio::test]
async fn what_the_handler_ignores_fails_the_request() {
    type Act = fn(Session) -> std::pin::Pin<Box<dyn Future<Output = ()> + Send>>;
    let table: [(&str, Act); 3] = [
        ("flush", |session| Box::pin(async move { drop(session.flush().await) })),
        ("clear", |session| Box::pin(async move { session.clear().await })),
        ("set_expiry", |session| Box::pin(async move { session.set_expiry(Some(Expiry::OnSessionEnd)) })),
    ];
    for (what, act) in table {
        let store = ForeignStore::default();
        let layer = SessionManagerLayer::new(store.clone());
        let mut browser = Browser::default();
        browser.visit(&layer, async |session| session.insert("user", "ada").await.unwrap()).await;
        store.fails(true);
        let response = browser.send(&layer, async move |session| {
            act(session).await;
            StatusCode::OK
        });
        assert_eq!(response.await.status(), StatusCode::INTERNAL_SERVER_ERROR, "{what}");
    }
}

/// Row: a browser-session cookie.
#[tokio::test]
async fn a_browser_session_cookie_is_sent_when_its_token_is_new() {
    let layer = layer();
    let mut browser = logged_in(&layer).await;
    let change = browser.send(&layer, async |session| {
        session.insert("n", 1).await.unwrap();
        StatusCode::OK
    });
    assert_eq!(set_cookie(&change.await), None);
}

/// Row: caches.
#[tokio::test]
async fn caches_are_told() {
    let layer = layer();
    let mut browser = Browser::default();
    let response = browser.send(&layer, async |_| StatusCode::OK).await;
    assert!(response.headers().is_empty(), "{response:?}");
    let response = browser.send(&layer, async |session| {
        session.insert("n", 1).await.unwrap();
        StatusCode::OK
    });
    let response = response.await;
    assert_eq!(response.headers()[header::CACHE_CONTROL], "no-store");
    assert_eq!(response.headers()[header::VARY], "cookie");
}

/// Row: `NaN`.
#[tokio::test]
async fn a_value_that_would_come_back_as_another_one_is_refused() {
    let layer = layer();
    let mut browser = logged_in(&layer).await;
    let result = browser.visit(&layer, async |session| {
        let error = session.insert("user", f64::NAN).await.unwrap_err();
        let other = session.get::<u8>("user").await.unwrap_err();
        (matches!(error, Error::SerdeJson(_)), matches!(other, Error::SerdeJson(_)))
    });
    assert_eq!(result.await, (true, true));
    assert_eq!(user(&layer, &mut browser).await.as_deref(), Some("ada"));
}

/// Row: `with_private`.
#[tokio::test]
async fn private_and_signed_cookies_have_a_mac() {
    let (key, store) = (Key::generate(), MemoryStore::default());
    let private = SessionManagerLayer::new(store.clone()).with_private(key.clone());
    let signed = SessionManagerLayer::new(store.clone()).with_signed(key);
    let other = SessionManagerLayer::new(store).with_private(Key::generate());
    let mut browser = Browser::default();
    browser.visit(&private, async |session| session.insert("user", "ada").await.unwrap()).await;
    let seen = browser.visit(&signed, async |session| session.get_value("user").await.unwrap());
    assert_eq!(seen.await, Some(json!("ada")), "one key makes one kind of token");
    let seen = browser.visit(&other, async |session| session.get_value("user").await.unwrap());
    assert_eq!(seen.await, None);
    let weak = SessionManagerLayer::new(MemoryStore::default()).with_private(Key::from(&[0; 64]));
    assert!(format!("{weak:?}{private:?}").contains("SessionManagerLayer"), "a weak key is a warning in the log");
}

/// Row: cookies that browsers drop.
#[test]
fn a_cookie_that_browsers_would_drop_is_refused_at_once() {
    type Change = fn(SessionManagerLayer<MemoryStore>) -> SessionManagerLayer<MemoryStore>;
    let table: [(Change, &str); 4] = [
        (|layer| layer.with_secure(false).with_same_site(SameSite::None), "Secure"),
        (|layer| layer.with_name("__Host-id").with_domain("example.com"), "__Host-"),
        (|layer| layer.with_name("a;b"), "name"),
        (|layer| layer.with_expiry(Expiry::OnInactivity(time::Duration::ZERO)), "one millisecond"),
    ];
    for (change, text) in table {
        let layer = change(layer());
        let made = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop(layer.owners())));
        let panic = *made.unwrap_err().downcast::<String>().unwrap();
        assert!(panic.contains(text), "{panic}");
    }
}

/// Row: two layers.
#[tokio::test]
async fn the_innermost_layer_is_the_one_that_handlers_see() {
    let store = MemoryStore::default();
    let inner = SessionManagerLayer::new(store.clone());
    let count = async |session: Session| session.insert("n", 1).await.unwrap();
    for outer in [SessionManagerLayer::new(store).with_name("outer"), inner.clone()] {
        let app: Router = Router::new().route("/", get(count)).layer(inner.clone()).layer(outer);
        let response = app.oneshot(Request::new(Body::empty())).await.unwrap();
        let cookies: Vec<_> = response.headers().get_all(header::SET_COOKIE).iter().collect();
        assert_eq!(cookies.len(), 1);
        assert!(cookies[0].to_str().unwrap().starts_with("id="));
    }
}

/// Row: `Cookies`.
#[tokio::test]
async fn handlers_have_cookies_of_their_own() {
    let handler = async |session: Session, axum::Extension(cookies): axum::Extension<Cookies>| {
        session.insert("n", 1).await.unwrap();
        cookies.add(Cookie::new("theme", "dark"));
        cookies.get("seen").map(|cookie| cookie.value().to_owned()).unwrap_or_default()
    };
    let app: Router = Router::new().route("/", get(handler)).layer(layer());
    let request = Request::builder().header(header::COOKIE, "seen=yes").body(Body::empty()).unwrap();
    let response = app.oneshot(request).await.unwrap();
    let cookies: Vec<_> =
        response.headers().get_all(header::SET_COOKIE).iter().map(|it| it.to_str().unwrap()).collect();
    assert!(cookies.contains(&"theme=dark") && cookies.iter().any(|cookie| cookie.starts_with("id=")), "{cookies:?}");
    let body = axum::body::to_bytes(response.into_body(), 100).await.unwrap();
    assert_eq!(&body[..], b"yes");
}

/// Row: no layer.
#[tokio::test]
async fn without_a_layer_the_extractor_fails() {
    let app: Router = Router::new().route("/", get(async |_: Session| "never"));
    let response = app.oneshot(Request::new(Body::empty())).await.unwrap();
    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
}
