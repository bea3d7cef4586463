//! The scenarios of every store, over sessions in the cookie and in every framework, and a table of the differences.

use std::{convert::Infallible, sync::Arc};

use bytes::Bytes;
use cloakroom::{CookieStore, LazySession, MemoryStore, SessionLayer, keys::SecretKey, testing::TestClock};
use http::{Request, Response, header};
use tokio::sync::Semaphore;
use tower::{Layer as _, ServiceExt as _, service_fn};

use crate::support::{
    Browser, Page,
    Sent::{self, Nothing, Token},
    app,
    drivers::every,
    scenarios::{SCENARIOS, Step},
};

/// For one request after the other, there is one difference: the client gets what a store would get.
#[tokio::test]
async fn every_framework_answers_the_same() {
    for (scenario, steps) in SCENARIOS {
        let fresh = || {
            let clock = TestClock::new();
            (SessionLayer::cookie_store(CookieStore::new(SecretKey::generate())).clock(clock.clone()), clock)
        };
        for (app, clock) in every(fresh).await {
            let browsers = [Browser::new(), Browser::new()];
            for step in *steps {
                clock.advance(step.after);
                let page = browsers[step.browser].get(&app, step.path).await;
                let at = format!("{scenario}, {}, {}: {page:?}", app.name, step.path);
                assert_eq!((page.status.as_u16(), page.body.as_str()), (step.status, step.body), "{at}");
                assert_eq!(page.sent(), sent(step, app.is_eager), "{at}");
                let caching = (page.sent() != Nothing).then_some("no-store");
                let found = page.headers.get("cache-control").map(|value| value.to_str().expect("text"));
                assert_eq!(found, caching, "{at}");
            }
        }
    }
}

fn sent(step: &Step, is_eager: bool) -> Sent {
    let calls = step.eager.filter(|_| is_eager).unwrap_or(step.calls);
    let is_written = calls.iter().any(|call| ["create", "replace"].contains(call));
    if is_written { Token } else { step.sent }
}

/// Two concurrent requests: the state before, the fast request, the slow one, which loads before it and responds after
/// it, and the state afterwards, with a store and in the cookie.
const DIFFERENCES: &[(&str, [&str; 4], &str, &str)] = &[
    ("two keys", ["insert:z:0", "insert:a:1", "insert:b:2", "get:a/get:b"], "1 2", "none 2"),
    ("two counts", ["insert:n:0", "count:n", "count:n", "get:n"], "2", "1"),
    ("a login", ["insert:a:1", "renew/insert:user:7", "insert:b:2", "get:user/get:b"], "7 2", "none 2"),
    ("a logout", ["insert:user:7", "purge", "insert:b:2", "get:user/get:b"], "none none", "7 2"),
    ("a restart", ["insert:user:7", "restart/insert:flash:1", "insert:b:2", "get:flash/get:user"], "1 none", "none 7"),
];

#[tokio::test]
async fn two_requests_at_once_differ_as_the_table_says() {
    for (what, steps, stored, in_cookie) in DIFFERENCES {
        let store = SessionLayer::new(MemoryStore::new());
        let cookie = SessionLayer::cookie_store(CookieStore::new(SecretKey::generate()));
        assert_eq!(overlap(store, *steps).await, *stored, "{what}, with a store");
        assert_eq!(overlap(cookie, *steps).await, *in_cookie, "{what}, in the cookie");
    }
}

/// Returns the response to the last step.
async fn overlap(layer: SessionLayer, [before, fast, slow, after]: [&'static str; 4]) -> String {
    let ask = |browser: &Browser, script: &'static str, gate: &Arc<Semaphore>, loaded: &Arc<Semaphore>| {
        let (gate, loaded) = (Arc::clone(gate), Arc::clone(loaded));
        let service = layer.layer(service_fn(move |request: Request<Bytes>| {
            let (gate, loaded) = (Arc::clone(&gate), Arc::clone(&loaded));
            async move {
                let lazy = request.extensions().get::<LazySession>().expect("the layer put it there").clone();
                let session = lazy.load().await.expect("no store fails");
                let reply = app::run(&session, script).await;
                loaded.add_permits(1);
                gate.acquire().await.expect("open").forget();
                Ok::<_, Infallible>(Response::new(Bytes::from(reply.body)))
            }
        }));
        let request =
            Request::builder().header(header::COOKIE, browser.header()).body(Bytes::new()).expect("a request");
        async move { Page::new(service.oneshot(request).await.expect("no error")) }
    };
    let browser = Browser::new();
    let open = || Arc::new(Semaphore::new(9));
    browser.keep(&ask(&browser, before, &open(), &open()).await);
    let (gate, loaded) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    let slow = ask(&browser, slow, &gate, &loaded);
    let fast = async {
        loaded.acquire().await.expect("open").forget();
        let page = ask(&browser, fast, &open(), &open()).await;
        gate.add_permits(1);
        page
    };
    let (slow, fast) = tokio::join!(slow, fast);
    browser.keep(&fast);
    browser.keep(&slow);
    ask(&browser, after, &open(), &open()).await.body
}
