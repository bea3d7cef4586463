//! The parts of Axum that other frameworks do not have: optional extractors, middleware from functions, rejections.

use axum::{
    Router,
    body::Body,
    extract::Request,
    http::StatusCode,
    middleware::{Next, from_fn},
    response::Response,
    routing::get,
};
use cloakroom::{
    Error, LazySession, MemoryStore, Session, SessionLayer,
    testing::{FaultStore, TestClock, Verb},
};
use tower::ServiceExt as _;

use crate::support::{
    Browser, Sent,
    drivers::axum::{router, served},
};

async fn who(session: Option<Session>) -> String {
    match session {
        Some(session) => format!("some {:?}", session.get::<u32>("user").expect("a number")),
        None => "none".to_owned(),
    }
}

#[tokio::test]
async fn an_optional_session_is_some_only_where_a_token_opened_one() {
    let (store, clock) = (FaultStore::new(MemoryStore::new()), TestClock::new());
    let layer = SessionLayer::new(store.clone()).clock(clock.clone());
    let app = served("axum", router().route("/who", get(who)).layer(layer));
    let browser = Browser::new();
    assert_eq!(browser.get(&app, "/who").await.body, "none");
    assert!(store.take_calls().is_empty(), "without a token there is nothing to look up");
    browser.get(&app, "/app/insert:user:7").await;
    assert_eq!(browser.get(&app, "/who").await.body, "some Some(7)");

    let old = browser.copied();
    browser.get(&app, "/app/renew").await;
    assert_eq!(old.get(&app, "/who").await.body, "none", "superseded");
    store.next(Verb::Load).fails();
    let page = browser.get(&app, "/who").await;
    assert_eq!((page.status.as_u16(), page.body.as_str()), (503, ""), "an error is not absence");
    clock.advance(std::time::Duration::from_secs(48 * 60 * 60));
    let page = browser.get(&app, "/who").await;
    assert_eq!((page.body.as_str(), page.sent()), ("none", Sent::Nothing), "expired");
}

/// A guard before the handlers, as applications write it.
async fn only_users(session: Session, request: Request, next: Next) -> Result<Response, StatusCode> {
    if session.get::<u32>("user").is_ok_and(|user| user.is_some()) {
        session.update_or("seen", 1, |n: u32| n + 1).map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
        Ok(next.run(request).await)
    } else {
        Err(StatusCode::UNAUTHORIZED)
    }
}

#[tokio::test]
async fn middleware_from_a_function_shares_the_handlers_session() {
    let store = FaultStore::new(MemoryStore::new());
    let inside = router().layer(from_fn(only_users));
    let routes = Router::new().nest("/in", inside).merge(router()).layer(SessionLayer::new(store.clone()));
    let app = served("axum", routes);
    let browser = Browser::new();
    assert_eq!(browser.get(&app, "/in/app/get:user").await.status, 401);
    browser.get(&app, "/app/insert:user:7").await;
    store.take_calls();
    let page = browser.get(&app, "/in/app/get:user/get:seen").await;
    assert_eq!(page.body, "7 1", "the handler sees what the middleware wrote");
    assert_eq!(store.take_calls(), ["load", "replace"], "one load, one write");
}

/// Middleware that looks at the session after the handler.
async fn says_status(lazy: LazySession, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let status = lazy.loaded().map(|session| format!("{:?}", session.status()));
    response.headers_mut().insert("x-status", status.unwrap_or_default().parse().expect("a header"));
    response
}

#[tokio::test]
async fn middleware_sees_what_the_handler_did() {
    let app = served("axum", router().layer(from_fn(says_status)).layer(SessionLayer::new(MemoryStore::new())));
    for (path, expected) in
        [("/plain", ""), ("/app/get:a", "Unchanged"), ("/app/renew", "Renewed"), ("/app/purge", "Purged")]
    {
        assert_eq!(Browser::new().get(&app, path).await.headers["x-status"], expected, "{path}");
    }
}

#[tokio::test]
async fn a_missing_layer_is_a_500_that_tells_the_client_nothing() {
    let lazy = get(async |_: LazySession| "");
    let error = get(async || Error::missing_layer());
    let app = served("axum", router().route("/who", get(who)).route("/lazy", lazy).route("/error", error));
    for path in ["/app/get:a", "/who", "/lazy", "/error"] {
        let page = Browser::new().get(&app, path).await;
        assert_eq!((page.status.as_u16(), page.body.as_str()), (500, ""), "{path}");
    }
    assert!(Error::missing_layer().to_string().contains("SessionLayer"));
    assert_eq!(Browser::new().get(&app, "/plain").await.status, 200);
}

#[tokio::test]
async fn errors_of_values_are_an_empty_500() {
    let read = async |session: Session| session.get::<u32>("a").map(|_| ());
    let write = async |session: Session| session.update("a", |n: u32| n);
    let app = served(
        "axum",
        router().route("/read", get(read)).route("/write", get(write)).layer(SessionLayer::new(MemoryStore::new())),
    );
    let browser = Browser::new();
    browser.get(&app, "/app/insert:a:text").await;
    for path in ["/read", "/write"] {
        let page = browser.get(&app, path).await;
        assert_eq!((page.status.as_u16(), page.body.as_str()), (500, ""), "{path}");
    }
}

#[tokio::test]
async fn a_handler_takes_the_session_beside_the_body() {
    let post = async |session: Session, body: String| {
        session.insert("body", body).expect("JSON");
        session.get::<String>("body").expect("text").unwrap_or_default()
    };
    let router = Router::new().route("/", axum::routing::post(post)).layer(SessionLayer::new(MemoryStore::new()));
    let request = Request::post("/").body(Body::from("hello")).expect("a request");
    let response = router.oneshot(request).await.expect("no error");
    assert!(response.headers().contains_key("set-cookie"));
}
