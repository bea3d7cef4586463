//! The words of errors and of the log.

use axum::{Router, routing::get};
use cloakroom::{
    CookieError, CookieOptions, LazySession, LifetimeError, MemoryStore, Scoped, Session, SessionGetError, SessionId,
    SessionLayer, StoreError,
    testing::{FaultStore, Verb},
};
use http::Request;
use tower::ServiceExt as _;

use crate::{app::Browser, support::log::Log};

struct Admin;

/// A `main` that returns an error prints its `Debug`.
#[test]
fn debug_reads_like_display_with_the_cause() {
    let session = Session::new();
    session.insert("n", "text").expect("JSON");
    let get: SessionGetError = session.get::<u32>("n").expect_err("no number");
    let json =
        "the value cannot be converted to or from JSON: invalid type: string \"text\", expected u32 at line 1 column 6";
    let from_value = cloakroom::Error::from(session.get::<u32>("n").expect_err("no number"));
    let table: [(Box<dyn std::error::Error>, String); 6] = [
        (Box::new(get), format!("cannot get `n` in the session: {json}")),
        (Box::new(from_value), format!("cannot get `n` in the session: {json}")),
        (Box::new(StoreError::new("out of order")), "the session store failed: out of order".to_owned()),
        (
            Box::new("x".parse::<SessionId>().expect_err("no id")),
            "not a session id: 22 characters of base64url are expected".to_owned(),
        ),
        (Box::new(LifetimeError::Threshold), "the threshold must be above 0 and at most 1".to_owned()),
        (
            Box::new(CookieError::DomainPort),
            "the cookie's domain has a port: remove it, cookies are for all ports of a host".to_owned(),
        ),
    ];
    for (error, expected) in table {
        assert_eq!(format!("{error:?}"), expected);
    }
}

async fn status(app: Router, path: &str) -> u16 {
    let request = Request::get(path).body(axum::body::Body::empty()).expect("a request");
    app.oneshot(request).await.expect("infallible").status().as_u16()
}

#[tokio::test]
async fn a_missing_layer_is_logged_with_the_method_the_path_and_what_to_add() {
    let scoped = || SessionLayer::new(MemoryStore::new()).scope::<Admin>();
    let layer =
        || SessionLayer::new(MemoryStore::new()).cookie(CookieOptions::builder().name("a").build().expect("a name"));
    let routes = || {
        Router::new()
            .route("/plain", get(async |_: Session| ""))
            .route("/lazy", get(async |_: LazySession| ""))
            .route("/admin", get(async |_: Scoped<Admin>| ""))
    };
    let table = [
        (routes(), "/plain", "add `SessionLayer`"),
        (routes(), "/lazy", "add `SessionLayer`"),
        (routes().layer(scoped()), "/plain", "extract `Scoped<behaviour::errors::Admin>`"),
        (routes(), "/admin", "with `.scope::<behaviour::errors::Admin>()`"),
        (routes().layer(layer()), "/admin", "with `.scope::<behaviour::errors::Admin>()`"),
    ];
    for (app, path, hint) in table {
        let log = Log::capture();
        assert_eq!(status(app, path).await, 500);
        let text = log.text();
        let errors: Vec<_> = text.lines().filter(|line| line.contains("ERROR")).collect();
        let [line] = *errors else { panic!("one line: {text}") };
        for part in ["method=GET", &format!("path=\"{path}\""), hint] {
            assert!(line.contains(part), "{part} in {line}");
        }
    }
}

#[tokio::test]
async fn a_failure_of_the_store_is_one_line_that_names_the_store() {
    let store = FaultStore::new(MemoryStore::new());
    let layer = SessionLayer::new(store.clone());
    let mut browser = Browser::default();
    browser.visit(&layer, async |session| session.insert("n", 1).expect("JSON")).await;
    for verb in [Verb::Load, Verb::Replace] {
        store.next(verb).fails();
        let log = Log::capture();
        let handler = async |session: Session| session.insert("n", 2).expect("JSON");
        assert_eq!(browser.send(&layer, handler).await.status(), 503, "{verb:?}");
        let text = log.text();
        let errors: Vec<_> = text.lines().filter(|line| line.contains("ERROR")).collect();
        assert!(errors.len() == 1 && errors[0].contains("store=\"FaultStore\""), "{verb:?}: {text}");
    }
}

#[tokio::test]
async fn a_session_too_large_lists_its_keys_by_size() {
    let layer = SessionLayer::new(MemoryStore::new()).max_bytes(100);
    let log = Log::capture();
    let handler = async |session: Session| {
        session.insert("small", 1).expect("JSON");
        session.insert("large", "x".repeat(200)).expect("JSON");
    };
    assert_eq!(Browser::default().send(&layer, handler).await.status(), 500);
    let text = log.text();
    assert!(text.contains("`max_bytes` is 100; bytes by key: large 207 small 6"), "{text}");
}
