//! The responses of requests whose store fails, and the state that is kept.

use std::sync::{Arc, Mutex};

use actix_web::{App, HttpResponse, test::init_service, web};
use axum::{Router, response::Result, routing::get};
use cloakroom::{
    Failure, MemoryStore, OnStoreError, Session, SessionLayer,
    actix_web::SessionMiddleware,
    testing::{FaultStore, Verb},
};
use http::{Response, StatusCode};

use crate::app::{Browser, load};

type Store = FaultStore<MemoryStore>;

fn house() -> (Store, SessionLayer) {
    let store = FaultStore::new(MemoryStore::new());
    (store.clone(), SessionLayer::new(store))
}

async fn guest(layer: &SessionLayer) -> Browser {
    let mut browser = Browser::default();
    browser.visit(layer, async |session| session.insert("visits", 1).unwrap()).await;
    browser
}

async fn visits(layer: &SessionLayer, browser: &mut Browser) -> Option<u32> {
    browser.visit(layer, async |session| session.get::<u32>("visits")).await.unwrap()
}

fn header<'a>(response: &'a Response<String>, name: &str) -> Option<&'a str> {
    response.headers().get(name).map(|value| value.to_str().expect("ascii"))
}

#[tokio::test]
async fn a_failure_is_an_empty_503_unless_the_layer_says_otherwise() {
    for (verb, status) in [
        (Verb::Load, None),
        (Verb::Replace, None),
        (Verb::Load, Some(StatusCode::INTERNAL_SERVER_ERROR)),
        (Verb::Replace, Some(StatusCode::INTERNAL_SERVER_ERROR)),
    ] {
        let (store, mut layer) = house();
        if let Some(status) = status {
            layer = layer.failure_status(status);
        }
        let mut browser = guest(&layer).await;
        let token = browser.token();
        store.next(verb).fails();
        let response = browser.send(&layer, async |session| session.insert("visits", 2).unwrap()).await;
        assert_eq!(response.status(), status.unwrap_or(StatusCode::SERVICE_UNAVAILABLE), "{verb:?}");
        assert_eq!(response.body(), "", "{verb:?}");
        assert_eq!(header(&response, "cache-control"), Some("no-store"), "{verb:?}");
        assert_eq!(header(&response, "set-cookie"), None, "{verb:?}");
        assert_eq!(browser.token(), token);
        assert_eq!(visits(&layer, &mut browser).await, Some(1));
    }
}

#[tokio::test]
async fn a_request_that_does_not_use_the_session_does_not_notice() {
    let (store, layer) = house();
    let mut browser = guest(&layer).await;
    for verb in Verb::ALL {
        store.every(verb).fails();
    }
    let request = browser.request();
    let response = browser.ask(&layer, request, async |_| Response::new("hello".to_owned())).await;
    assert_eq!((response.status(), response.body().as_str()), (StatusCode::OK, "hello"));
    assert_eq!(header(&response, "vary"), None);
}

#[tokio::test]
async fn a_hook_answers_in_tower() {
    let (store, layer) = house();
    let hooked = layer.clone().on_failure(|failure: &Failure| {
        Response::builder()
            .status(if failure.error().is_store() { 599 } else { 500 })
            .header("x-mine", "yes")
            .body("sorry".to_owned())
            .expect("a response")
    });
    let mut browser = guest(&layer).await;
    // A failed load is an error in the handler. If the handler passes it on, the hook makes the response.
    for verb in [Verb::Load, Verb::Replace, Verb::Delete] {
        store.next(verb).fails();
        let request = browser.request();
        let response = browser
            .ask(&hooked, request, async |request| match load(&request).await {
                Ok(session) if verb == Verb::Delete => {
                    session.purge();
                    Response::default()
                }
                Ok(session) => {
                    session.insert("visits", 2).unwrap();
                    Response::default()
                }
                Err(failure) => failure.into_response(),
            })
            .await;
        assert_eq!(response.status(), 599, "{verb:?}");
        assert_eq!(response.body(), "sorry", "{verb:?}");
        assert_eq!(header(&response, "x-mine"), Some("yes"), "{verb:?}");
        assert_eq!(header(&response, "cache-control"), Some("no-store"), "{verb:?}");
        let removal = header(&response, "set-cookie").is_some_and(|cookie| cookie.contains("Max-Age=0"));
        assert_eq!(removal, verb == Verb::Delete, "{verb:?}: the failure's own headers stay");
    }
}

async fn write(session: Session) -> Result<&'static str> {
    session.insert("visits", 2)?;
    Ok("written")
}

async fn purge(session: Session) -> &'static str {
    session.purge();
    "gone"
}

#[tokio::test]
async fn a_hook_answers_in_axum_for_extractors_as_well() {
    let (store, layer) = house();
    let plain = Router::new().route("/", get(write)).layer(layer.clone());
    let hooked = layer.clone().on_failure(|failure: &Failure| {
        assert!(failure.error().is_store());
        (StatusCode::BAD_GATEWAY, "sorry").into_response_of(failure)
    });
    let app = Router::new().route("/", get(write)).route("/purge", get(purge)).layer(hooked);
    let mut browser = guest(&layer).await;
    for (verb, path) in [(Verb::Load, "/"), (Verb::Replace, "/"), (Verb::Delete, "/purge")] {
        store.next(verb).fails();
        let response = browser.axum(&app, path).await;
        assert_eq!((response.status(), response.body().as_str()), (StatusCode::BAD_GATEWAY, "sorry"), "{verb:?}");
        assert_eq!(header(&response, "cache-control"), Some("no-store"), "{verb:?}");
    }
    assert_eq!(browser.token(), None, "purged, though the store failed");
    let mut browser = guest(&layer).await;
    for verb in [Verb::Load, Verb::Replace] {
        store.next(verb).fails();
        let response = browser.axum(&plain, "/").await;
        assert_eq!((response.status(), response.body().as_str()), (StatusCode::SERVICE_UNAVAILABLE, ""), "{verb:?}");
    }
}

/// The return types of an Axum hook.
trait IntoResponseOf {
    fn into_response_of(self, failure: &Failure) -> axum::response::Response;
}

impl<T: axum::response::IntoResponse> IntoResponseOf for T {
    fn into_response_of(self, failure: &Failure) -> axum::response::Response {
        assert_eq!(failure.status(), StatusCode::SERVICE_UNAVAILABLE, "what it would have been");
        self.into_response()
    }
}

#[tokio::test]
async fn without_a_hook_what_stands_between_keeps_what_it_made_of_a_failure() {
    let (store, layer) = house();
    let between = axum::middleware::map_response(async |mut response: axum::response::Response| {
        response.headers_mut().insert("access-control-allow-origin", http::HeaderValue::from_static("*"));
        response
    });
    let app = Router::new().route("/", get(write)).layer(between).layer(layer.clone());
    let mut browser = guest(&layer).await;
    store.next(Verb::Load).fails();
    let response = browser.axum(&app, "/").await;
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(header(&response, "access-control-allow-origin"), Some("*"));

    let between = actix_web::middleware::DefaultHeaders::new().add(("access-control-allow-origin", "*"));
    let middleware = SessionMiddleware::from(layer.clone()).lazy();
    let app = App::new().wrap(between).wrap(middleware).route("/", web::get().to(async |_: Session| "read"));
    let app = init_service(app).await;
    store.next(Verb::Load).fails();
    let response = browser.actix(&app, "/").await;
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(header(&response, "access-control-allow-origin"), Some("*"));
}

#[actix_web::test]
async fn a_hook_answers_in_actix_before_the_handler_in_it_and_after_it() {
    async fn write(session: Session) -> actix_web::Result<&'static str> {
        session.insert("visits", 2)?;
        Ok("written")
    }
    let (store, layer) = house();
    let told = Arc::<Mutex<Vec<String>>>::default();
    for (lazy, hooked) in [(false, false), (true, false), (false, true), (true, true)] {
        let mut middleware = SessionMiddleware::from(layer.clone());
        if lazy {
            middleware = middleware.lazy();
        }
        if hooked {
            let told = Arc::clone(&told);
            middleware = middleware.on_failure(move |failure| {
                told.lock().unwrap().push(failure.error().to_string());
                HttpResponse::BadGateway().body("sorry")
            });
        }
        let app = init_service(
            App::new().wrap(middleware).route("/", web::get().to(write)).route("/purge", web::get().to(purge)),
        )
        .await;
        let mut browser = guest(&layer).await;
        let (status, body) =
            if hooked { (StatusCode::BAD_GATEWAY, "sorry") } else { (StatusCode::SERVICE_UNAVAILABLE, "") };
        for (verb, path) in [(Verb::Load, "/"), (Verb::Replace, "/"), (Verb::Delete, "/purge")] {
            store.next(verb).fails();
            let response = browser.actix(&app, path).await;
            let what = format!("{verb:?} lazy: {lazy} hooked: {hooked}");
            assert_eq!((response.status(), response.body().as_str()), (status, body), "{what}");
            assert_eq!(header(&response, "cache-control"), Some("no-store"), "{what}");
        }
        assert_eq!(browser.token(), None, "purged, though the store failed");
        assert_eq!(told.lock().unwrap().is_empty(), !hooked);
        assert!(told.lock().unwrap().drain(..).all(|cause| cause == "the session store failed"));
    }
}

#[tokio::test]
async fn a_purge_takes_the_cookie_away_even_when_the_store_fails() {
    let (store, layer) = house();
    let mut browser = guest(&layer).await;
    store.next(Verb::Delete).fails();
    let response = browser.send(&layer, async |session| session.purge()).await;
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(header(&response, "set-cookie").is_some_and(|cookie| cookie.ends_with("Max-Age=0")));
    assert_eq!(browser.token(), None);
}

#[tokio::test]
async fn anonymous_is_empty_read_only_and_leaves_the_cookie_alone() {
    type Act = fn(&Session);
    let table: &[(&str, Act)] = &[
        ("nothing", |_| ()),
        ("insert", |session| session.insert("visits", 7).unwrap()),
        ("replace", |session| session.update_or("visits", 7, |visits: u32| visits + 1).unwrap()),
        ("remove", |session| drop(session.remove("visits"))),
        ("clear", Session::clear),
        ("label", |session| session.set_label("phone")),
    ];
    for (what, act) in table {
        let (store, layer) = house();
        let layer = layer.on_store_error(OnStoreError::Anonymous);
        let mut browser = guest(&layer).await;
        store.take_calls();
        store.next(Verb::Load).fails();
        let response = browser
            .send(&layer, async |session| {
                assert!(session.is_empty() && session.id().is_none() && !session.was_presented(), "{what}");
                act(&session);
            })
            .await;
        assert_eq!(response.status(), StatusCode::OK, "{what}");
        assert_eq!(header(&response, "set-cookie"), None, "{what}");
        assert_eq!(store.take_calls(), ["load"], "{what}: nothing is written");
        assert_eq!(visits(&layer, &mut browser).await, Some(1), "{what}");
    }
}

#[tokio::test]
async fn what_must_not_get_lost_is_an_error_also_when_anonymous() {
    type Act = fn(&Session);
    let table: &[(&str, Act)] = &[
        ("renew", Session::renew),
        ("purge", Session::purge),
        ("restart", Session::restart),
        ("login", |session| session.login("mallory")),
        ("owner", |session| session.set_owner("mallory")),
    ];
    for (what, act) in table {
        let (store, layer) = house();
        let layer = layer.on_store_error(OnStoreError::Anonymous);
        let mut browser = guest(&layer).await;
        store.take_calls();
        store.next(Verb::Load).fails();
        let response = browser.send(&layer, async |session| act(&session)).await;
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE, "{what}");
        assert_eq!(store.take_calls(), ["load"], "{what}");
        assert_eq!(visits(&layer, &mut browser).await, Some(1), "{what}");
    }
}

#[tokio::test]
async fn saving_a_read_only_session_is_the_stores_failure() {
    let (store, layer) = house();
    let layer = layer.on_store_error(OnStoreError::Anonymous);
    let mut browser = guest(&layer).await;
    store.next(Verb::Load).fails();
    let error = browser
        .visit(&layer, async |session| {
            session.insert("visits", 2).unwrap();
            session.save().await.expect_err("nothing can be written")
        })
        .await;
    assert!(error.is_store() && !error.is_gone(), "{error}");
}

#[tokio::test]
async fn too_much_state_is_a_typed_error_and_nothing_is_stored() {
    let (store, layer) = house();
    let layer = layer.max_bytes(1000);
    let mut browser = guest(&layer).await;
    let mut saved = None;
    store.take_calls();
    let response = browser
        .send(&layer, async |session| {
            session.insert("visits", 2).unwrap();
            session.insert("large", "x".repeat(1000)).unwrap();
            saved = session.save().await.err();
        })
        .await;
    assert!(saved.is_some_and(|error| error.is_too_large() && !error.is_store()));
    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(store.take_calls(), ["load"]);
    assert_eq!(visits(&layer, &mut browser).await, Some(1));

    let mut nobody = Browser::default();
    let response = nobody.send(&layer, async |session| session.insert("large", "x".repeat(1000)).unwrap()).await;
    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!((nobody.token(), header(&response, "set-cookie")), (None, None));

    // A label is part of the record, too, and often comes from the client.
    let response = browser.send(&layer, async |session| session.set_label("x".repeat(1000))).await;
    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    let defaults = SessionLayer::new(store.clone());
    let response = browser.send(&defaults, async |session| session.insert("large", "x".repeat(65_536)).unwrap()).await;
    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR, "64 KiB");
}

#[tokio::test]
async fn a_session_over_the_limit_can_still_become_smaller() {
    let (_, layer) = house();
    let mut browser = guest(&layer).await;
    browser
        .visit(&layer, async |session| {
            session.insert("a", "x".repeat(2000)).unwrap();
            session.insert("b", "x".repeat(2000)).unwrap();
        })
        .await;
    let lower = layer.max_bytes(1000);
    let steps: [fn(&Session); 4] = [
        |session| drop(session.remove("a")),
        |session| session.insert("visits", 3).unwrap(),
        |session| session.renew(),
        |session| session.insert("b", "short").unwrap(),
    ];
    for (at, step) in steps.iter().enumerate() {
        let response = browser.send(&lower, async |session| step(&session)).await;
        assert_eq!(response.status(), StatusCode::OK, "step {at}");
    }
    browser.visit(&lower, async |session| assert_eq!(session.keys(), ["b", "visits"])).await;
}

#[tokio::test]
async fn commit_if_decides_about_writes_and_never_about_renewals_and_purges() {
    let (_, layer) = house();
    let layer = layer.commit_if(|status| status.is_success());
    for status in [StatusCode::OK, StatusCode::UNAUTHORIZED, StatusCode::INTERNAL_SERVER_ERROR] {
        let is_kept = status == StatusCode::OK;
        let answer = |status| {
            let mut response = Response::<String>::default();
            *response.status_mut() = status;
            response
        };
        let mut browser = guest(&layer).await;
        let before = browser.token();
        let request = browser.request();
        browser
            .ask(&layer, request, async |request| {
                let session = load(&request).await.expect("memory");
                session.insert("visits", 2).unwrap();
                session.renew();
                answer(status)
            })
            .await;
        assert_ne!(browser.token(), before, "{status}: renewed all the same");
        assert_eq!(visits(&layer, &mut browser).await, Some(if is_kept { 2 } else { 1 }), "{status}");
        let request = browser.request();
        browser
            .ask(&layer, request, async |request| {
                load(&request).await.expect("memory").purge();
                answer(status)
            })
            .await;
        assert_eq!(browser.token(), None, "{status}: purged all the same");
    }
    // By default, a response's status decides nothing: a counter of failed logins must survive a 401.
    let (_, layer) = house();
    let mut browser = guest(&layer).await;
    let request = browser.request();
    browser
        .ask(&layer, request, async |request| {
            load(&request).await.expect("memory").insert("visits", 2).unwrap();
            Response::builder().status(401).body(String::new()).expect("a response")
        })
        .await;
    assert_eq!(visits(&layer, &mut browser).await, Some(2));
}
