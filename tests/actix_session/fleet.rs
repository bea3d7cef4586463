//! One set of sessions for a service on actix-session's API, and one on Axum.

use actix_web::cookie;
use cloakroom::{
    CookieOptions, SessionLayer,
    actix_web::{SessionMiddleware, storage::RedisSessionStore},
    keys::SecretKey,
    redis::RedisStore,
};

use crate::{
    house::Site,
    redis_support::server::Server,
    support::{Browser, Sent, drivers},
};

#[actix_web::test]
async fn who_logs_in_on_actix_is_logged_in_on_axum_and_out_on_both() {
    let server = Server::start().await;
    let key = cookie::Key::generate();
    let store = RedisSessionStore::new(server.url()).await.unwrap();
    let actix = Site::new(SessionMiddleware::new(store.clone(), key.clone()));
    // The same key, the same name of the cookie, the same store.
    let layer = SessionLayer::new(RedisStore::from(store))
        .cookie(CookieOptions::builder().name("id").build().unwrap())
        .signed(SecretKey::try_from(&key).unwrap());
    let axum = drivers::axum::app(layer);

    let browser = Browser::new();
    assert_eq!(actix.get(&browser, "/app/insert:user:ada/renew").await.sent(), Sent::Token);
    assert_eq!(browser.get(&axum, "/app/get:user").await.body, "ada");
    browser.get(&axum, "/app/count:n/renew").await;
    assert_eq!(actix.get(&browser, "/app/get:user/count:n/get:n").await.body, "ada 2");

    let stolen = browser.copied();
    assert_eq!(actix.get(&browser, "/app/purge").await.sent(), Sent::Removal);
    assert_eq!(stolen.get(&axum, "/app/get:user").await.body, "none");

    let browser = Browser::new();
    browser.get(&axum, "/app/insert:user:grace").await;
    assert_eq!(actix.get(&browser, "/app/get:user").await.body, "grace");
}
