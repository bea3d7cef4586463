//! The differences that a program sees.

use std::error::Error as _;

use actix_web::{App, cookie::Key, dev::Service as _, test::init_service};
use cloakroom::{
    MemoryStore, Session,
    actix_web::{
        SessionExt as _, SessionGetError, SessionInsertError, SessionMiddleware, SessionUpdateError,
        storage::RedisSessionStore,
    },
    redis::ConnectError,
    store::SessionStore,
};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Value, json};

use crate::{
    house::{Site, builder},
    support::{Browser, Page, Sent, drivers::actix},
};

/// Row: values.
#[test]
fn values_are_json_and_not_texts_of_it() {
    let session = Session::new();
    session.insert("name", "Ada").unwrap();
    session.insert("n", 1).unwrap();
    let entries = session.entries();
    session.insert("n", 2).unwrap();
    assert_eq!(entries.get("n"), Some(&json!(1)), "a snapshot: it borrows nothing");
    assert_eq!(session.remove("name"), Some(Value::from("Ada")));
    assert_eq!(session.remove_as::<String>("n"), Some(Err(json!(2))));
}

struct Bad;

impl Serialize for Bad {
    fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(serde::ser::Error::custom("as the test wants it"))
    }
}

impl<'de> Deserialize<'de> for Bad {
    fn deserialize<D: serde::Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
        Ok(Self)
    }
}

/// Row: errors.
#[test]
fn errors_are_types_of_their_own_with_a_cause() {
    let session = Session::new();
    session.insert("name", "Ada").unwrap();
    let get: SessionGetError = session.get::<u32>("name").unwrap_err();
    let insert: SessionInsertError = session.insert("bad", Bad).unwrap_err();
    let update: SessionUpdateError = session.update("name", |bad: Bad| bad).unwrap_err();
    for error in [&get as &dyn std::error::Error, &insert, &update] {
        assert!(error.source().is_some(), "{error:?}");
    }
    assert!(get.to_string().contains("name") && !get.source().unwrap().to_string().is_empty());
}

/// Row: `ConnectError`.
#[actix_web::test]
async fn a_connection_fails_with_a_type_that_tells_why() {
    let unreachable: ConnectError = RedisSessionStore::new("redis://127.0.0.1:1").await.map(drop).unwrap_err();
    let misconfigured: ConnectError = RedisSessionStore::new("http://127.0.0.1").await.map(drop).unwrap_err();
    assert!(unreachable.is_unreachable() && misconfigured.is_misconfigured());
}

/// Row: deadpool-redis. The version is in the signature.
#[actix_web::test]
async fn a_pool_is_one_of_deadpool_redis_0_23() {
    let pool: deadpool_redis::Pool = deadpool_redis::Config::from_url("redis://127.0.0.1:1")
        .create_pool(Some(deadpool_redis::Runtime::Tokio1))
        .unwrap();
    assert!(RedisSessionStore::new_pooled(pool).await.is_ok());
    let manifest = include_str!("../../../Cargo.toml");
    assert!(manifest.contains("deadpool-redis = { version = \"0.23\""));
}

/// Row: custom stores. The store of the example works as stores of `actix_session::storage` did.
#[actix_web::test]
async fn a_store_of_four_verbs_is_a_store() {
    fn is_store<S: SessionStore>(store: S) -> SessionMiddleware<S> {
        SessionMiddleware::new(store, Key::generate())
    }
    let place = tempfile::tempdir().unwrap();
    let site = Site::new(is_store(directory::Directory::open(place.path()).unwrap()));
    let browser = Browser::new();
    site.get(&browser, "/app/insert:user:7").await;
    site.get(&browser, "/app/insert:n:1/renew").await;
    assert_eq!(site.get(&browser, "/app/get:user/get:n").await.body, "7 1");
    assert_eq!(site.get(&browser, "/app/purge").await.sent(), Sent::Removal);
    assert_eq!(site.get(&browser, "/app/get:user").await.body, "none");
}

#[allow(dead_code, unreachable_pub)] // It is a program of its own.
#[path = "../../../examples/actix_session_store.rs"]
mod directory;

/// Row: a middleware around it.
#[actix_web::test]
async fn who_asks_before_the_middleware_has_a_session_of_his_own() {
    let app =
        App::new().wrap(builder(MemoryStore::new()).build()).configure(actix::routes).wrap_fn(|request, service| {
            request.get_session().insert("n", 1).unwrap();
            service.call(request)
        });
    let app = init_service(app).await;
    let request = actix_web::test::TestRequest::get().uri("/app/get:n").to_request();
    let page = Page::new(actix::collect(actix_web::test::call_service(&app, request).await).await);
    assert_eq!((page.body.as_str(), page.sent()), ("none", Sent::Nothing));
}

/// Row: two middlewares.
#[actix_web::test]
async fn two_middlewares_around_one_handler_are_an_error() {
    let other = builder(MemoryStore::new()).cookie_name("other".into()).build();
    let app = App::new().wrap(other).wrap(builder(MemoryStore::new()).build()).configure(actix::routes);
    let app = init_service(app).await;
    let request = actix_web::test::TestRequest::get().uri("/app/insert:n:1").to_request();
    let error = actix_web::test::try_call_service(&app, request).await.expect_err("it is refused");
    assert_eq!(error.error_response().status(), 500);
}
