//! The differences between writes.

use std::time::Duration;

use actix_web::{
    App, HttpResponse,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    error::ErrorBadRequest,
    middleware::{Next, from_fn},
    test::{TestRequest, init_service, try_call_service},
    web,
};
use cloakroom::{
    MemoryStore, Session,
    actix_web::storage::RedisSessionStore,
    testing::{FaultStore, TestClock, Verb},
};

use crate::{
    house::{Site, builder, clock},
    redis_support::server::Server,
    support::{Browser, Page, Sent, all, drivers::actix, soon},
};

fn house() -> (Site, FaultStore<MemoryStore>) {
    let store = FaultStore::new(MemoryStore::new());
    (Site::new(builder(store.clone()).build()), store)
}

/// Row: equal insert.
#[actix_web::test]
async fn an_equal_insert_writes_no_key() {
    let (store, time) = (FaultStore::new(MemoryStore::new()), TestClock::new());
    let site = Site::new(builder(store.clone()).layer(clock(&time)).build());
    let browser = Browser::new();
    site.get(&browser, "/app/insert:seat:1").await;
    assert_eq!(site.get(&browser, "/app/insert:seat:1/state").await.body, "Unchanged");
    // Another request's write stays. In the same millisecond the deadline would not move.
    time.advance(Duration::from_secs(1));
    let gate = store.next(Verb::Replace).waits();
    let slow = browser.copied();
    let other = async {
        gate.reached().await;
        site.get(&browser, "/app/insert:seat:2").await;
        gate.open();
    };
    let (page, ()) = soon(async { tokio::join!(site.get(&slow, "/app/insert:seat:1"), other) }).await;
    assert_eq!(page.status, 200);
    assert_eq!(site.get(&browser, "/app/get:seat").await.body, "2");
}

/// Row: `update` alone.
#[actix_web::test]
async fn an_update_alone_is_saved() {
    let (site, _) = house();
    let browser = Browser::new();
    site.get(&browser, "/app/insert:n:1").await;
    site.get(&browser, "/app/increment:n").await;
    assert_eq!(site.get(&browser, "/app/get:n").await.body, "2");
}

/// Row: `update` at once.
#[actix_web::test]
async fn updates_at_once_all_count() {
    let server = Server::start().await;
    let redis = Site::new(builder(RedisSessionStore::new(server.url()).await.unwrap()).build());
    for site in [house().0, redis] {
        let browser = Browser::new();
        site.get(&browser, "/app/insert:n:0").await;
        let (site, browser) = (&site, &browser);
        let requests = (0..20).map(|_| Box::pin(async { site.get(browser, "/app/increment:n").await }) as _);
        for page in all::<Page>(requests).await {
            assert_eq!(page.status, 200);
        }
        assert_eq!(site.get(browser, "/app/get:n").await.body, "20");
    }
}

/// Row: `update_once`.
#[actix_web::test]
async fn a_closure_that_cannot_run_twice_fails_visibly_where_it_would_have_to() {
    let (site, store) = house();
    let browser = Browser::new();
    site.get(&browser, "/app/insert:n:1").await;
    let gate = store.next(Verb::Replace).waits();
    let other = async {
        gate.reached().await;
        site.get(&browser, "/app/increment:n").await;
        gate.open();
    };
    let (page, ()) = soon(async { tokio::join!(site.peek(&browser, "/app/once:n"), other) }).await;
    assert_eq!((page.status.as_u16(), page.body.as_str()), (500, ""));
    assert_eq!(site.get(&browser, "/app/get:n").await.body, "2");
}

/// Row: other keys at once.
#[actix_web::test]
async fn what_other_requests_write_at_once_is_kept() {
    let (site, store) = house();
    let browser = Browser::new();
    site.get(&browser, "/app/insert:user:7").await;
    let gate = store.next(Verb::Replace).waits();
    let other = async {
        gate.reached().await;
        site.get(&browser, "/app/insert:b:2").await;
        gate.open();
    };
    let (page, ()) = soon(async { tokio::join!(site.peek(&browser, "/app/insert:a:1"), other) }).await;
    assert_eq!(page.status, 200);
    assert_eq!(site.get(&browser, "/app/get:a/get:b").await.body, "1 2");
}

/// Row: a write after the logout.
#[actix_web::test]
async fn a_session_that_ended_stays_ended() {
    let server = Server::start().await;
    let redis = FaultStore::new(server.store().await);
    let (memory_site, memory) = house();
    let redis_site = Site::new(builder(redis.clone()).build());
    for (site, gate) in [(memory_site, memory.next(Verb::Replace)), (redis_site, redis.next(Verb::Replace))] {
        let gate = gate.waits();
        let browser = Browser::new();
        site.get(&browser, "/app/insert:user:7").await;
        let slow = browser.copied();
        let logout = async {
            gate.reached().await;
            assert_eq!(site.get(&browser, "/app/purge").await.sent(), Sent::Removal);
            gate.open();
        };
        let (page, ()) = soon(async { tokio::join!(site.peek(&slow, "/app/insert:n:1"), logout) }).await;
        assert_eq!((page.status.as_u16(), page.sent()), (200, Sent::Nothing), "no new session under the old state");
        assert_eq!(site.peek(&slow, "/app/get:user/get:n").await.body, "none none");
    }
}

/// Row: a damaged record.
#[actix_web::test]
async fn a_damaged_record_is_an_error_and_not_an_empty_session() {
    let (site, store) = house();
    let browser = Browser::new();
    site.get(&browser, "/app/insert:user:7").await;
    store.next(Verb::Load).is_undecodable();
    let page = site.get(&browser, "/app/insert:n:1").await;
    assert_eq!((page.status.as_u16(), page.body.as_str(), page.sent()), (500, "", Sent::Nothing));
    assert_eq!(site.get(&browser, "/app/get:user/get:n").await.body, "7 none");
}

async fn refuses(request: ServiceRequest, next: Next<impl MessageBody>) -> actix_web::Result<ServiceResponse> {
    drop(next.call(request).await?);
    Err(ErrorBadRequest("refused"))
}

/// Row: an error of an inner middleware
#[actix_web::test]
async fn what_was_written_before_an_inner_middleware_refuses_is_kept() {
    let store = FaultStore::new(MemoryStore::new());
    let handler = async |session: Session| -> actix_web::Result<HttpResponse> {
        session.insert("n", 1)?;
        Ok(HttpResponse::Ok().finish())
    };
    let app = App::new().wrap(from_fn(refuses)).wrap(builder(store.clone()).build()).route("/", web::get().to(handler));
    let app = init_service(app).await;
    let error = try_call_service(&app, TestRequest::default().to_request()).await.expect_err("it refuses");
    let page = Page::new(actix::collect_http(error.error_response()).await);
    assert_eq!((page.status.as_u16(), page.body.as_str(), page.sent()), (400, "refused", Sent::Token));
    assert_eq!(store.take_calls(), ["create"]);
}

/// Row: two renewals at once. Both tabs end logged in, whichever response comes last.
#[actix_web::test]
async fn of_two_renewals_at_once_one_sends_the_cookie_and_both_keep_what_they_wrote() {
    let store = FaultStore::new(MemoryStore::new());
    let site = Site::new(builder(store.clone()).layer(|layer| layer.owner_key("user")).build());
    let browser = Browser::new();
    site.get(&browser, "/app/insert:user:7/renew").await;
    let gate = store.next(Verb::Replace).waits();
    let slow = browser.copied();
    let other = async {
        gate.reached().await;
        assert_eq!(site.get(&browser, "/app/renew/insert:a:1").await.sent(), Sent::Token);
        gate.open();
    };
    let (late, ()) = soon(async { tokio::join!(site.peek(&slow, "/app/renew/insert:b:2"), other) }).await;
    assert_eq!((late.status.as_u16(), late.sent()), (200, Sent::Nothing));
    browser.keep(&late);
    assert_eq!(site.get(&browser, "/app/get:user/get:a/get:b").await.body, "7 1 2");
}
