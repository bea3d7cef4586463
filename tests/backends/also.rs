//! Each session lives in the store that has it.

use std::time::Duration;

use cloakroom::{
    CookieStore, MemoryStore, OverLimit, SessionLayer,
    keys::SecretKey,
    testing::{FaultStore, TestClock, Verb},
};
use http::StatusCode;

use crate::support::{
    App, Browser,
    Sent::{Nothing, Removal, Token},
    drivers::tower,
};

type Store = FaultStore<MemoryStore>;

fn store() -> Store {
    FaultStore::new(MemoryStore::new())
}

/// Returns an application on `old` alone, and one on `new` that also opens the sessions of `old`.
fn apps(new: &Store, old: &Store) -> (App, App) {
    let both = SessionLayer::new(new.clone()).also(old.clone());
    (tower::app(SessionLayer::new(old.clone())), tower::app(both))
}

#[tokio::test]
async fn a_session_stays_in_its_store_and_new_ones_begin_in_the_primary() {
    let (new, old) = (store(), store());
    let (old_app, app) = apps(&new, &old);
    let browser = Browser::new();
    browser.get(&old_app, "/app/insert:cart:1/login:ada").await;
    old.take_calls();

    let steps = [
        ("/app/get:cart/whose", "1 ada", Nothing, "load", "load"),
        ("/app/insert:b:2", "", Nothing, "load", "load replace"),
        ("/app/renew", "", Token, "load", "load replace"),
        ("/app/get:b", "2", Nothing, "load", "load"),
        ("/app/save/insert:c:3/save/reload/get:c", "done done done 3", Nothing, "load", "load replace load"),
        ("/app/purge", "", Removal, "load", "load delete"),
        ("/app/insert:cart:9", "", Token, "create", ""),
        ("/app/get:cart", "9", Nothing, "load", ""),
        ("/app/purge/save", "done", Removal, "load delete", ""),
    ];
    for (path, body, sent, in_new, in_old) in steps {
        let page = browser.get(&app, path).await;
        assert_eq!((page.body.as_str(), page.sent()), (body, sent), "{path}");
        let calls =
            |store: &Store| store.take_calls().iter().map(|call| call.verb.name()).collect::<Vec<_>>().join(" ");
        assert_eq!((calls(&new).as_str(), calls(&old).as_str()), (in_new, in_old), "{path}");
    }
    assert!(new.inner().is_empty() && old.inner().is_empty());
}

#[tokio::test]
async fn a_record_of_the_primary_hides_one_of_the_same_id() {
    let (new, old) = (store(), store());
    let (old_app, app) = apps(&new, &old);
    let thief = Browser::new();
    thief.get(&old_app, "/app/insert:from:old").await;
    // A copy of the whole store, as `copy_all` makes it.
    let file = tempfile::NamedTempFile::new().unwrap();
    old.inner().save_to(file.path()).unwrap();
    new.inner().restore_from(file.path()).unwrap();
    let user = thief.copied();
    assert_eq!(user.get(&app, "/app/insert:from:new/renew").await.sent(), Token);
    assert_eq!(user.get(&app, "/app/get:from").await.body, "new");
    assert_eq!(thief.get(&app, "/app/get:from").await.body, "none");
}

#[tokio::test]
async fn a_failing_store_fails_only_the_requests_that_may_be_its_own() {
    let (new, old) = (store(), store());
    let (old_app, app) = apps(&new, &old);
    let (of_new, of_old, of_none) = (Browser::new(), Browser::new(), Browser::new());
    of_new.get(&app, "/app/insert:a:1").await;
    of_old.get(&old_app, "/app/insert:a:1").await;
    old.every(Verb::Load).fails();
    old.every(Verb::Delete).fails();
    let table = [
        (&of_new, "/app/insert:b:2/get:a", StatusCode::OK),
        (&of_new, "/app/renew", StatusCode::OK),
        (&of_new, "/app/purge", StatusCode::OK),
        (&of_none, "/app/insert:a:1", StatusCode::OK),
        (&of_old, "/plain", StatusCode::OK),
        (&of_old, "/app/get:a", StatusCode::SERVICE_UNAVAILABLE),
    ];
    for (browser, path, status) in table {
        assert_eq!(browser.get(&app, path).await.status, status, "{path}");
    }
    old.heal();
    assert_eq!(of_old.get(&app, "/app/get:a").await.body, "1");
}

#[tokio::test]
async fn parallel_writes_to_a_session_of_another_store_are_all_kept() {
    let (new, old) = (store(), store());
    let (old_app, app) = apps(&new, &old);
    let browser = Browser::new();
    browser.get(&old_app, "/app/insert:n:0").await;
    let paths: Vec<String> = (0..20).map(|n| format!("/app/insert:k{n}:{n}/count:n")).collect();
    let writes = paths.iter().map(|path| Box::pin(browser.get(&app, path)) as _);
    for page in crate::support::all::<crate::support::Page>(writes).await {
        assert_eq!(page.status, StatusCode::OK);
    }
    let keys = browser.get(&app, "/app/keys/get:n").await.body;
    assert_eq!((keys.matches('k').count(), keys.ends_with(" 20")), (20, true), "{keys}");
    assert!(new.inner().is_empty());
}

#[tokio::test]
async fn cookies_and_stores_go_together_in_either_order() {
    let (store, key) = (store(), SecretKey::generate());
    let sealed = || CookieStore::new(key.clone());
    let signing = SecretKey::generate();
    let of_store = || SessionLayer::new(store.clone()).signed(signing.clone());
    let of_cookie = || SessionLayer::cookie_store(sealed());
    let in_store = (tower::app(of_store()), 1);
    let in_cookie = (tower::app(of_cookie()), 0);
    let both = [
        (tower::app(of_store().also(sealed())), 1),
        (tower::app(of_cookie().also(store.clone()).signed(signing.clone())), 0),
        (tower::app(of_cookie().signed(signing.clone()).also(store.clone())), 0),
    ];
    for (app, new_sessions) in &both {
        for (first, count) in [&in_store, &in_cookie] {
            let browser = Browser::new();
            browser.get(first, "/app/insert:a:1/login:ada").await;
            browser.get(app, "/app/insert:b:2").await;
            browser.get(app, "/app/renew").await;
            // Each session stays where it began, so its first application opens it, too.
            assert_eq!(browser.get(first, "/app/get:a/get:b/whose").await.body, "1 2 ada");
            assert_eq!(store.inner().len(), *count);
            assert_eq!(browser.get(app, "/app/purge").await.sent(), Removal);
            assert!(store.inner().is_empty());
            browser.get(app, "/app/insert:c:3").await;
            assert_eq!(store.inner().len(), *new_sessions);
            browser.get(app, "/app/purge").await;
        }
    }
}

#[tokio::test]
async fn owners_are_listed_counted_and_logged_out_in_all_stores() {
    let (new, old) = (store(), store());
    let clock = TestClock::new();
    let both = || SessionLayer::new(new.clone()).also(old.clone()).clock(clock.clone());
    let old_app = tower::app(SessionLayer::new(old.clone()).clock(clock.clone()));
    let app = tower::app(both());
    let (one, two, three) = (Browser::new(), Browser::new(), Browser::new());
    one.get(&old_app, "/app/login:ada").await;
    clock.advance(Duration::from_secs(1));
    two.get(&app, "/app/login:ada").await;
    let owners = both().owners().unwrap();
    assert_eq!(owners.list("ada").await.unwrap().len(), 2);

    let limited = tower::app(both().max_per_owner(2, OverLimit::Refuse).unwrap());
    assert_eq!(three.get(&limited, "/app/login:ada").await.status, StatusCode::FORBIDDEN);
    let limited = tower::app(both().max_per_owner(2, OverLimit::EndOldest).unwrap());
    assert_eq!(three.get(&limited, "/app/login:ada").await.status, StatusCode::OK);
    assert_eq!(one.get(&app, "/app/whose").await.body, "nobody");

    one.get(&old_app, "/app/login:ada").await;
    let id = one.get(&app, "/app/id").await.body.parse().unwrap();
    assert!(!owners.revoke("eve", &id).await.unwrap());
    assert!(owners.revoke("ada", &id).await.unwrap());
    one.get(&old_app, "/app/login:ada").await;
    let id = one.get(&app, "/app/id").await.body.parse().unwrap();
    assert_eq!(owners.revoke_others("ada", &id).await.unwrap(), 2);
    assert_eq!(one.get(&app, "/app/whose").await.body, "ada");
    two.get(&app, "/app/login:ada").await;
    old.next(Verb::RevokeAll).fails();
    assert!(owners.revoke_all("ada").await.unwrap_err().is_store());
    assert_eq!(owners.list("ada").await.unwrap().len(), 1, "the other store did its part");
    assert_eq!(owners.revoke_all("ada").await.unwrap(), 1);
    assert!(new.inner().is_empty() && old.inner().is_empty());
}

#[tokio::test]
async fn a_purge_ends_what_its_tokens_open_in_every_store() {
    let (new, old) = (store(), store());
    let (old_app, app) = apps(&new, &old);
    let (one, two) = (Browser::new(), Browser::new());
    one.get(&old_app, "/app/insert:a:1").await;
    two.get(&app, "/app/insert:a:1").await;
    let cookies = format!("{}; {}", two.header(), one.header());
    let request = http::Request::get("/app/purge").header("cookie", cookies).body(bytes::Bytes::new()).unwrap();
    assert_eq!(app.send(request).await.status(), StatusCode::OK);
    assert!(new.inner().is_empty() && old.inner().is_empty());
}
