//! The cookies that clients are sent, and those that they send.

use actix_web::cookie::{Cookie, CookieJar, Key, time::Duration};
use cloakroom::{
    MemoryStore,
    actix_web::{
        SessionMiddleware,
        config::{CookieContentSecurity, PersistentSession},
        storage::{CookieSessionStore, generate_session_key},
    },
    testing::{FaultStore, TestClock},
};

use crate::{
    house::{CONTENTS, Site, builder, clock},
    support::{Browser, Page, Sent},
};

/// Returns a browser with this cookie only.
fn holds(line: &str) -> Browser {
    let response = http::Response::builder().header("set-cookie", format!("{line}; Path=/"));
    let browser = Browser::new();
    browser.keep(&Page::new(response.body(bytes::Bytes::new()).unwrap()));
    browser
}

/// Row: a browser-session cookie.
#[actix_web::test]
async fn a_browser_session_cookie_is_sent_once() {
    let site = Site::new(builder(MemoryStore::new()).build());
    let browser = Browser::new();
    assert_eq!(site.get(&browser, "/app/insert:n:1").await.sent(), Sent::Token);
    for path in ["/app/insert:n:2", "/app/remove:n", "/app/clear"] {
        assert_eq!(site.get(&browser, path).await.sent(), Sent::Nothing, "{path}");
    }
    assert_eq!(site.get(&browser, "/app/renew").await.sent(), Sent::Token);
}

/// Row: sessions in the cookie.
#[actix_web::test]
async fn a_session_in_a_cookie_ends_with_its_ttl_wherever_the_cookie_was_copied_to() {
    for content in CONTENTS {
        let time = TestClock::new();
        let life = PersistentSession::default().session_ttl(Duration::hours(1));
        let middleware = builder(CookieSessionStore::default())
            .cookie_content_security(content)
            .session_lifecycle(life)
            .layer(clock(&time));
        let site = Site::new(middleware.build());
        let browser = Browser::new();
        site.get(&browser, "/app/insert:user:7").await;
        let stolen = browser.copied();
        time.advance(std::time::Duration::from_secs(3599));
        assert_eq!(site.peek(&stolen, "/app/get:user").await.body, "7");
        time.advance(std::time::Duration::from_secs(1));
        assert_eq!(site.peek(&stolen, "/app/get:user").await.body, "none");
    }
}

/// Row: `Private` and `Signed`.
#[actix_web::test]
async fn with_a_store_on_the_server_both_policies_give_a_signed_token() {
    let key = Key::generate();
    let store = MemoryStore::new();
    let site = |content| {
        let builder = SessionMiddleware::builder(store.clone(), key.clone());
        Site::new(builder.cookie_content_security(content).build())
    };
    let [private, signed] = CONTENTS.map(site);
    let browser = Browser::new();
    private.get(&browser, "/app/insert:user:7").await;
    assert_eq!(signed.get(&browser, "/app/get:user").await.body, "7", "one format");
}

/// Row: forged tokens.
#[actix_web::test]
async fn a_forged_token_never_reaches_the_store() {
    let store = FaultStore::new(MemoryStore::new());
    let site = Site::new(builder(store.clone()).build());
    let browser = Browser::new();
    site.get(&browser, "/app/insert:user:7").await;
    let mut forged = browser.header();
    let place = forged.len() - 3..forged.len() - 2;
    let other = if &forged[place.clone()] == "A" { "B" } else { "A" };
    forged.replace_range(place, other);
    store.take_calls();
    let page = site.get(&holds(&forged), "/app/get:user").await;
    assert_eq!((page.body.as_str(), page.sent()), ("none", Sent::Nothing));
    assert!(store.take_calls().is_empty());
}

/// Row: several cookies of one name.
#[actix_web::test]
async fn a_planted_cookie_of_the_same_name_does_not_log_the_user_out() {
    let site = Site::new(builder(MemoryStore::new()).build());
    let browser = Browser::new();
    site.get(&browser, "/app/insert:user:7").await;
    // A browser sends both if another path or a neighbouring host planted the first.
    let request = reqwest::Client::new().get(format!("{}/app/get:user", site.url));
    let answer = request.header("cookie", format!("id=planted; {}", browser.header())).send().await.unwrap();
    assert_eq!(answer.text().await.unwrap(), "7");
}

/// Row: caches.
#[actix_web::test]
async fn caches_are_told() {
    let site = Site::new(builder(MemoryStore::new()).build());
    let browser = Browser::new();
    let header = |page: &Page, name: &str| page.headers.get(name).map(|value| value.to_str().unwrap().to_lowercase());
    let page = site.get(&browser, "/app/insert:n:1").await;
    assert_eq!(header(&page, "cache-control").as_deref(), Some("no-store"));
    assert_eq!(header(&page, "vary").as_deref(), Some("cookie"));
    let page = site.get(&browser, "/app/get:n").await;
    assert_eq!(header(&page, "vary").as_deref(), Some("cookie"));
    assert_eq!(header(&page, "cache-control"), None);
    let page = site.get(&browser, "/plain").await;
    assert_eq!(header(&page, "vary"), None, "loaded, and not used");
    let page = site.get(&browser, "/app/renew/public").await;
    assert_eq!(header(&page, "cache-control").as_deref(), Some("public"), "the application's own word holds");
}

/// Row: cookies from before. That crate's way of sealing and signing made them, with the same key.
#[actix_web::test]
async fn a_cookie_of_actix_session_opens_nothing_and_the_next_login_replaces_it() {
    let key = Key::generate();
    let state = serde_json::json!({ "user": "7" }).to_string();
    for content in CONTENTS {
        for value in [String::from(generate_session_key()), state.clone()] {
            let mut jar = CookieJar::new();
            let cookie = Cookie::new("id", value);
            match content {
                CookieContentSecurity::Private => jar.private_mut(&key).add(cookie),
                CookieContentSecurity::Signed => jar.signed_mut(&key).add(cookie),
            }
            let old = jar.get("id").unwrap().encoded().stripped().to_string();
            let store = SessionMiddleware::builder(MemoryStore::new(), key.clone());
            let cookie = SessionMiddleware::builder(CookieSessionStore::default(), key.clone());
            for site in [
                Site::new(store.cookie_content_security(content).build()),
                Site::new(cookie.cookie_content_security(content).build()),
            ] {
                let browser = holds(&old);
                let page = site.get(&browser, "/app/get:user").await;
                assert_eq!((page.status.as_u16(), page.body.as_str(), page.sent()), (200, "none", Sent::Nothing));
                assert_eq!(site.get(&browser, "/app/insert:user:8/renew").await.sent(), Sent::Token);
                assert_eq!(site.get(&browser, "/app/get:user").await.body, "8");
            }
        }
    }
}

/// Row: a logout of nobody.
#[actix_web::test]
async fn a_logout_takes_a_cookie_away_that_opens_nothing() {
    let site = Site::new(builder(MemoryStore::new()).build());
    let browser = Browser::new();
    site.get(&browser, "/app/insert:n:1").await;
    let stranger = Site::new(builder(MemoryStore::new()).build());
    assert_eq!(stranger.get(&browser, "/app/purge").await.sent(), Sent::Removal);
}
