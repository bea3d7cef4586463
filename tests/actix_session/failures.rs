//! If the store fails, a client learns nothing but that.

use actix_web::web;
use cloakroom::{
    MemoryStore, Session,
    actix_web::storage::{CookieSessionStore, RedisActorSessionStore, RedisSessionStore},
    testing::{FaultStore, Verb},
};

use crate::{
    house::{Site, builder},
    redis_support::{self, SECOND, server::Server, until},
    stores,
    support::{Browser, Sent},
};

/// Row: a failed logout.
#[actix_web::test]
async fn each_verb_that_fails_is_an_empty_500() {
    // The verb, a request that needs it, and the change of the cookie.
    let table = [
        (Verb::Load, "/app/get:user", Sent::Nothing),
        (Verb::Replace, "/app/insert:user:8", Sent::Nothing),
        (Verb::Replace, "/app/renew", Sent::Nothing),
        // At least this browser is logged out.
        (Verb::Delete, "/app/purge", Sent::Removal),
    ];
    for (verb, path, sent) in table {
        let store = FaultStore::new(MemoryStore::new());
        let (site, browser) = (Site::new(builder(store.clone()).build()), Browser::new());
        site.get(&browser, "/app/insert:user:7").await;
        store.every(verb).fails();
        let page = site.peek(&browser, path).await;
        assert_eq!((page.status.as_u16(), page.body.as_str(), page.sent()), (500, "", sent), "{verb:?} {path}");
        store.heal();
        assert_eq!(site.get(&browser, "/app/get:user").await.body, "7", "{verb:?} {path}");
    }
}

/// Row: a store that fails to load. The load comes before the handler here, too, and its error appears only if the
/// session is used.
#[actix_web::test]
async fn a_load_that_fails_is_no_error_where_the_session_is_not_used() {
    let store = FaultStore::new(MemoryStore::new());
    let (site, browser) = (Site::new(builder(store.clone()).build()), Browser::new());
    site.get(&browser, "/app/insert:user:7").await;
    store.every(Verb::Load).fails();
    let page = site.peek(&browser, "/plain").await;
    assert_eq!((page.status.as_u16(), page.body.as_str(), page.sent()), (200, "plain", Sent::Nothing));
}

#[actix_web::test]
async fn a_session_that_cannot_be_stored_is_an_empty_500_without_a_cookie() {
    let store = FaultStore::new(MemoryStore::new());
    let site = Site::new(builder(store.clone()).build());
    store.every(Verb::Create).fails();
    let page = site.get(&Browser::new(), "/app/insert:user:7").await;
    assert_eq!((page.status.as_u16(), page.body.as_str(), page.sent()), (500, "", Sent::Nothing));
    assert_eq!(site.get(&Browser::new(), "/app/get:user").await.status, 200, "who has no token needs no store");
}

#[actix_web::test]
async fn a_session_that_does_not_fit_into_its_cookie_is_an_empty_500() {
    let site = Site::new(builder(CookieSessionStore::default()).build());
    let browser = Browser::new();
    site.get(&browser, "/app/insert:user:7").await;
    let page = site.get(&browser, &format!("/app/insert:text:{}", "x".repeat(4000))).await;
    assert_eq!((page.status.as_u16(), page.body.as_str(), page.sent()), (500, "", Sent::Nothing));
    assert_eq!(site.get(&browser, "/app/get:user/get:text").await.body, "7 none");
}

fn large(config: &mut web::ServiceConfig) {
    let handler = async |session: Session| -> actix_web::Result<String> {
        if session.is_empty() {
            session.insert("large", "x".repeat(300_000))?;
        }
        Ok(session.get::<String>("large")?.unwrap_or_default())
    };
    config.route("/", web::get().to(handler));
}

/// The default of a layer is 64 KiB.
#[actix_web::test]
async fn on_the_server_a_session_may_be_as_large_as_the_store_takes() {
    let server = Server::start().await;
    let redis = RedisSessionStore::new(server.url()).await.unwrap();
    for site in [Site::with(builder(MemoryStore::new()).build(), large), Site::with(builder(redis).build(), large)] {
        let browser = Browser::new();
        for sent in [Sent::Token, Sent::Nothing] {
            let page = site.get(&browser, "/").await;
            assert_eq!((page.status.as_u16(), page.sent(), page.body.len()), (200, sent, 300_000));
        }
    }
}

/// Row: Redis away.
#[actix_web::test]
async fn while_redis_is_away_each_way_to_it_is_an_empty_500_in_time() {
    let mut server = Server::start().await;
    let single = Site::new(builder(RedisSessionStore::new(server.url()).await.unwrap()).build());
    let pooled = RedisSessionStore::new_pooled(stores::pool(&server)).await.unwrap();
    let pooled = Site::new(builder(pooled).build());
    let sites = [single, pooled, Site::new(builder(RedisActorSessionStore::new(server.url())).build())];
    let browsers = [Browser::new(), Browser::new(), Browser::new()];
    for (site, browser) in sites.iter().zip(&browsers) {
        site.get(browser, "/app/insert:user:7").await;
    }
    server.kill();
    for (site, browser) in sites.iter().zip(&browsers) {
        let started = std::time::Instant::now();
        let page = site.get(browser, "/app/get:user").await;
        assert_eq!((page.status.as_u16(), page.body.as_str(), page.sent()), (500, "", Sent::Nothing));
        assert_eq!(site.get(&Browser::new(), "/plain").await.status, 200);
        assert!(started.elapsed() < redis_support::app::LIMIT, "{:?}", started.elapsed());
    }
    server.restart().await;
    for site in &sites {
        until("sessions are stored again", 2 * SECOND, || async {
            site.get(&Browser::new(), "/app/insert:user:7").await.status == 200
        })
        .await;
    }
}

/// Unlike a pool, an actor did not connect before its first use.
#[actix_web::test]
async fn a_server_that_is_not_there_is_an_error_where_one_connects_at_once() {
    let server = Server::prepare(&[]);
    let error = RedisSessionStore::new(server.url()).await.map(drop).unwrap_err();
    assert!(error.is_unreachable(), "{error:?}");
    let error = RedisSessionStore::new("no url at all").await.map(drop).unwrap_err();
    assert!(error.is_misconfigured(), "{error:?}");
    let site = Site::new(builder(RedisActorSessionStore::new(server.url())).build());
    assert_eq!(site.get(&Browser::new(), "/app/insert:user:7").await.status, 500);
    assert_eq!(site.get(&Browser::new(), "/app/get:user").await.status, 200);
}
