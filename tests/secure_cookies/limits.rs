//! Sessions in the cookie: the limit of their size, and the operations that they do not have.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::{Duration, SystemTime},
};

use ::tower::{Layer as _, ServiceExt as _, service_fn};
use bytes::Bytes;
use cloakroom::{CookieStore, LazySession, Lifetime, OverLimit, SessionLayer, keys::SecretKey, testing::TestClock};
use http::{Request, Response, StatusCode, header};
use tower_service::Service as _;

use crate::support::{
    Browser,
    Sent::{Nothing, Removal, Token},
    drivers::{every, tower},
};

fn layer() -> SessionLayer {
    SessionLayer::cookie_store(CookieStore::new(SecretKey::generate()))
}

#[tokio::test]
async fn a_session_that_does_not_fit_is_an_error_that_says_what_is_large() {
    let told = Arc::new(Mutex::new(None));
    let seen = Arc::clone(&told);
    let app = tower::app(SessionLayer::cookie_store(CookieStore::new(SecretKey::generate())).on_event(move |event| {
        if let cloakroom::Event::TooLarge { id: Some(_), error } = event {
            assert!(error.is_too_large() && !error.is_store());
            *seen.lock().unwrap() = Some((error.key_sizes().to_vec(), error.to_string()));
        }
    }));
    let browser = Browser::new();
    browser.get(&app, "/app/insert:user:7/insert:theme:dark").await;
    let mut largest = 0;
    for size in (2500..3200).step_by(7) {
        let page = browser.peek(&app, &format!("/app/insert:cart:{}", "x".repeat(size))).await;
        if page.status == StatusCode::OK {
            largest = size;
            let [line] = *page.cookies() else { panic!("{page:?}") };
            let pair = line.split(';').next().unwrap();
            assert!(pair.len() - 1 <= 4096, "{}", pair.len());
            assert!(told.lock().unwrap().is_none(), "{size}");
            continue;
        }
        assert_eq!((page.status, page.sent()), (StatusCode::INTERNAL_SERVER_ERROR, Nothing));
        let (sizes, text) = told.lock().unwrap().take().unwrap();
        // A key, and its value as JSON with two quotes.
        let expected = [("cart", 4 + size + 2), ("theme", 5 + 6), ("user", 4 + 1)];
        assert_eq!(sizes, expected.map(|(key, size)| (key.to_owned(), size)));
        assert!(text.contains(&format!("cart {}", size + 6)) && text.contains("4096"), "{text}");
    }
    assert!((2850..3000).contains(&largest), "what the docs say: {largest}");
    assert_eq!(browser.get(&app, "/app/get:user/get:cart").await.body, "7 none");
}

#[test]
fn what_needs_a_server_side_is_refused_where_it_is_asked_for() {
    assert!(layer().owners().is_none());
    let error = layer().max_per_owner(1, OverLimit::EndOldest).unwrap_err();
    assert!(error.is_unsupported() && error.is_misconfigured(), "{error}");
    assert_eq!(
        format!("{:?}", CookieStore::new(SecretKey::generate())),
        "CookieStore { keyring: Keyring { previous: 0, .. }, mode: Sealed }"
    );
}

#[tokio::test]
async fn an_owner_ends_all_sessions_by_a_time() {
    let times: Arc<Mutex<HashMap<String, SystemTime>>> = Arc::default();
    let layers = || {
        let (asked, clock, times) = (Arc::clone(&times), TestClock::new(), Arc::clone(&times));
        times.lock().unwrap().clear();
        let layer = layer().clock(clock.clone()).owner_key("user").owner_valid_from(move |user| {
            let time = asked.lock().unwrap().get(&user).copied();
            async move { Ok(time) }
        });
        (layer, (clock, times))
    };
    for (app, (clock, times)) in every(layers).await {
        times.lock().unwrap().clear();
        let [ada, copy, bob] = [Browser::new(), Browser::new(), Browser::new()];
        ada.get(&app, "/app/renew/insert:user:ada").await;
        copy.get(&app, "/app/renew/insert:user:ada").await;
        bob.get(&app, "/app/renew/insert:user:bob").await;
        clock.advance(Duration::from_secs(60));
        assert_eq!(ada.get(&app, "/app/whose").await.body, "ada", "{}", app.name);
        times.lock().unwrap().insert("ada".to_owned(), cloakroom::Clock::now(&clock));
        assert_eq!(ada.get(&app, "/app/whose").await.body, "nobody", "{}", app.name);
        assert_eq!(copy.get(&app, "/app/whose").await.body, "nobody", "{}", app.name);
        assert_eq!(bob.get(&app, "/app/whose").await.body, "bob", "{}", app.name);
        ada.get(&app, "/app/renew/insert:user:ada").await;
        assert_eq!(ada.get(&app, "/app/whose").await.body, "ada", "{}", app.name);
    }
    let clock = TestClock::new();
    let key = SecretKey::generate();
    let since = |time| {
        tower::app(SessionLayer::cookie_store(CookieStore::new(key.clone())).clock(clock.clone()).valid_from(time))
    };
    let browser = Browser::new();
    let start = cloakroom::Clock::now(&clock);
    browser.get(&since(start), "/app/insert:a:1").await;
    assert_eq!(browser.get(&since(start), "/app/get:a").await.body, "1");
    assert_eq!(browser.get(&since(start + Duration::from_secs(1)), "/app/get:a").await.body, "none");
}

#[tokio::test]
async fn the_docs_say_what_a_copy_can_do() {
    for (app, ()) in every(|| (layer(), ())).await {
        let browser = Browser::new();
        browser.get(&app, "/app/insert:user:7").await;
        let copy = browser.copied();
        assert_eq!(browser.get(&app, "/app/renew").await.sent(), Token);
        assert_ne!(browser.header(), copy.header());
        assert_eq!(copy.peek(&app, "/app/get:user").await.body, "7");
        assert_eq!(browser.get(&app, "/app/purge").await.sent(), Removal);
        assert_eq!(browser.get(&app, "/app/get:user").await.body, "none");
        assert_eq!(copy.get(&app, "/app/get:user").await.body, "7");
    }
}

#[tokio::test]
async fn id_creation_owner_and_lifetime_live_in_the_cookie() {
    for (app, clock) in every(|| {
        let clock = TestClock::new();
        (layer().clock(clock.clone()), clock)
    })
    .await
    {
        let browser = Browser::new();
        let id = browser.get(&app, "/app/insert:a:1/save/id").await.body;
        let id = id.strip_prefix("done ").unwrap();
        browser.get(&app, "/app/renew/owner:ada/remember").await;
        clock.advance(Duration::from_secs(10 * 24 * 3600));
        let page = browser.get(&app, "/app/id/whose/get:a").await;
        assert_eq!(page.body, format!("{id} ada 1"), "{}", app.name);
        clock.advance(Duration::from_secs(13 * 24 * 3600));
        assert_eq!(browser.get(&app, "/app/get:a").await.body, "1", "{}", app.name);
        clock.advance(Duration::from_secs(14 * 24 * 3600));
        assert_eq!(browser.get(&app, "/app/get:a").await.body, "none", "{}", app.name);
    }
}

/// After the head is sent, no cookie can be sent, so nothing can change.
#[tokio::test]
async fn a_late_change_is_an_error() {
    let clock = TestClock::new();
    let layer = layer().clock(clock.clone()).lifetime(Lifetime::builder().extend_on_use(1.0).build().unwrap());
    let mut service = ::tower::Layer::layer(
        &layer,
        ::tower::service_fn(|request: Request<Bytes>| async move {
            let session = request.extensions().get::<LazySession>().unwrap().load().await.unwrap();
            if session.is_empty() {
                session.insert("a", 1).unwrap();
            }
            let mut response = Response::new(Bytes::new());
            response.extensions_mut().insert(session);
            Ok::<_, std::convert::Infallible>(response)
        }),
    );
    let response = service.call(Request::new(Bytes::new())).await.unwrap();
    let cookie = response.headers()[header::SET_COOKIE].to_str().unwrap().split(';').next().unwrap().to_owned();
    let mut sessions = Vec::new();
    for _ in 0..4 {
        let request = Request::builder().header(header::COOKIE, &cookie).body(Bytes::new()).unwrap();
        let mut response = service.call(request).await.unwrap();
        sessions.push(response.extensions_mut().remove::<cloakroom::Session>().unwrap());
    }
    clock.advance(Duration::from_secs(60));
    assert!(sessions[0].save().await.is_ok(), "a use is not worth an error");
    assert!(sessions[0].reload().await.is_ok());
    sessions[0].insert("a", 2).unwrap();
    sessions[1].purge();
    sessions[2].renew();
    sessions[3].set_owner("ada");
    for session in &sessions {
        let error = session.save().await.unwrap_err();
        assert!(error.is_too_late(), "{error}");
    }
}

/// An upload takes longer than the idle limit. It loaded its session in time, and its use counts from its end.
#[tokio::test]
async fn a_request_that_outlasts_the_idle_limit_keeps_its_writes_and_its_session() {
    const MINUTE: Duration = Duration::from_secs(60);
    let limits = Lifetime::builder().idle(10 * MINUTE).build().expect("in order");
    let clock = TestClock::new();
    let layer = layer().clock(clock.clone()).lifetime(limits);
    let app = tower::app(layer.clone());
    for (script, file) in [("get:user", "none"), ("insert:file:1", "1"), ("renew", "none"), ("login:ada", "none")] {
        let browser = Browser::new();
        browser.get(&app, "/app/insert:user:7").await;
        let slow = clock.clone();
        let service = layer.layer(service_fn(move |request: Request<Bytes>| {
            let clock = slow.clone();
            async move {
                let lazy = request.extensions().get::<LazySession>().expect("the layer put it there").clone();
                let session = lazy.load().await.expect("no store fails");
                clock.advance(11 * MINUTE);
                let reply = crate::support::app::run(&session, script).await;
                Ok::<_, std::convert::Infallible>(Response::new(Bytes::from(reply.body)))
            }
        }));
        let request = Request::get("/").header(header::COOKIE, browser.header()).body(Bytes::new()).expect("a request");
        let page = crate::support::Page::new(service.oneshot(request).await.expect("no error"));
        assert_eq!((page.status, page.sent()), (StatusCode::OK, Token), "{script}");
        browser.keep(&page);
        clock.advance(9 * MINUTE);
        assert_eq!(browser.get(&app, "/app/get:user/get:file").await.body, format!("7 {file}"), "{script}");
    }
}
