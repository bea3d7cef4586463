//! Native stores keep all guarantees, and those that were written for tower-sessions do within one process.

use std::time::{Duration, SystemTime};

use axum::{Router, body::Body, routing::get};
use cloakroom::{
    SessionLayer,
    redis::RedisStore,
    testing::{RecordBuilder, contract},
    tower_sessions::{
        CachingSessionStore, MemoryStore, OneProcessStore, Session, SessionManagerLayer, SessionStore,
        session::{Id, Record},
    },
};
use http::{Request, StatusCode, header};
use serde_json::json;
use time::OffsetDateTime;
use tokio::task::JoinSet;
use tower::ServiceExt as _;

use crate::{browser::Browser, foreign::ForeignStore, redis_support::server::Server};

#[tokio::test]
async fn an_adapted_store_keeps_the_contract() {
    contract(async || OneProcessStore::new(ForeignStore::default())).await;
    let store = OneProcessStore::new(ForeignStore::default());
    contract(async || store.clone()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_adapted_store_keeps_the_contract_on_several_threads() {
    contract(async || OneProcessStore::new(ForeignStore::default())).await;
}

#[tokio::test]
async fn an_adapted_cache_keeps_the_contract() {
    let caching = || CachingSessionStore::new(MemoryStore::default(), ForeignStore::default());
    contract(async || OneProcessStore::new(caching())).await;
}

/// Runs a scenario over each kind of store.
macro_rules! over_every_store {
    ($scenario:ident) => {
        mod $scenario {
            use super::*;

            #[tokio::test]
            async fn memory() {
                super::$scenario(SessionManagerLayer::new(MemoryStore::default())).await;
                super::$scenario(SessionManagerLayer::new(cloakroom::MemoryStore::new())).await;
            }

            #[tokio::test]
            async fn redis() {
                let server = Server::start().await;
                super::$scenario(SessionManagerLayer::new(RedisStore::connect(server.url()).await.unwrap())).await;
            }

            #[tokio::test]
            async fn foreign() {
                super::$scenario(SessionManagerLayer::new(ForeignStore::default())).await;
                let cached = CachingSessionStore::new(MemoryStore::default(), ForeignStore::default());
                super::$scenario(SessionManagerLayer::new(cached)).await;
            }
        }
    };
}

over_every_store!(a_users_day);
over_every_store!(writers_at_once_lose_nothing);
over_every_store!(what_ended_stays_ended);
over_every_store!(routes_share_one_layer);

/// A cart, a login, a logout.
async fn a_users_day<S: SessionStore>(layer: SessionManagerLayer<S>) {
    let mut browser = Browser::default();
    assert!(browser.visit(&layer, async |session| session.is_empty().await).await);
    assert_eq!(browser.token(), None, "a request that writes nothing gets no cookie");
    let value = json!({ "n": 1, "f": 1.5, "t": ["a", null] });
    let kept = value.clone();
    browser.visit(&layer, async move |session| session.insert("cart", kept).await.unwrap()).await;
    let before = browser.token();
    let seen = browser.visit(&layer, async |session| {
        let seen = session.get_value("cart").await.unwrap();
        session.cycle_id().await.unwrap();
        session.insert("user", "ada").await.unwrap();
        seen
    });
    assert_eq!(seen.await, Some(value));
    assert_ne!(browser.token(), before);
    let mut thief = Browser::with_cookie(&before.unwrap());
    assert_eq!(thief.visit(&layer, async |session| session.get::<String>("user").await.unwrap()).await, None);
    let id = browser.visit(&layer, async |session| {
        assert_eq!(session.get::<String>("user").await.unwrap().as_deref(), Some("ada"));
        assert_eq!(session.remove::<u8>("missing").await.unwrap(), None);
        session.id()
    });
    assert!(id.await.is_some());
    browser.visit(&layer, async |session| session.flush().await.unwrap()).await;
    assert_eq!(browser.token(), None);
    // A message for the page after the logout.
    browser
        .visit(&layer, async |session| {
            session.insert("user", "ada").await.unwrap();
            session.flush().await.unwrap();
            session.insert("message", "see you").await.unwrap();
        })
        .await;
    let seen = browser.visit(&layer, async |session| {
        (session.get_value("user").await.unwrap(), session.remove::<String>("message").await.unwrap())
    });
    assert_eq!(seen.await, (None, Some("see you".to_owned())));
}

/// Row: two requests write two keys.
async fn writers_at_once_lose_nothing<S: SessionStore + Send>(layer: SessionManagerLayer<S>) {
    let mut browser = Browser::default();
    browser.visit(&layer, async |session| session.insert("n", 0).await.unwrap()).await;
    let mut writers = JoinSet::new();
    for n in 0..20 {
        let (mut browser, layer) = (browser.clone(), layer.clone());
        writers.spawn(async move {
            let write = async move |session: Session| {
                session.insert(&format!("key{n}"), n).await.unwrap();
                session.native().await.unwrap().update("n", |n: u32| n + 1).unwrap();
            };
            browser.visit(&layer, write).await;
        });
    }
    writers.join_all().await;
    let counts = browser.visit(&layer, async |session| {
        let mut keys = 0;
        for n in 0..20 {
            keys += u32::from(session.get::<u32>(&format!("key{n}")).await.unwrap() == Some(n));
        }
        (keys, session.get::<u32>("n").await.unwrap())
    });
    assert_eq!(counts.await, (20, Some(20)));
}

/// Row: a write that overlaps a logout.
async fn what_ended_stays_ended<S: SessionStore>(layer: SessionManagerLayer<S>) {
    let mut browser = Browser::default();
    browser.visit(&layer, async |session| session.insert("user", "ada").await.unwrap()).await;
    let (mut slow, logout) = (browser.clone(), layer.clone());
    let mut other = browser.clone();
    let write = async move |session: Session| {
        session.insert("seen", true).await.unwrap();
        // Another request logs out, from the loading of this one to its end.
        other.visit(&logout, async |session| session.flush().await.unwrap()).await;
    };
    slow.visit(&layer, write).await;
    for mut browser in [slow, browser] {
        assert_eq!(browser.visit(&layer, async |session| session.get_value("user").await.unwrap()).await, None);
    }
}

/// Axum puts a clone of the layer around each route.
async fn routes_share_one_layer<S: SessionStore + Send + Sync>(layer: SessionManagerLayer<S>) {
    let count = async |session: Session| {
        session.native().await.unwrap().update_or("n", 1, |n: u32| n + 1).unwrap();
        session.get::<u32>("n").await.unwrap().unwrap_or_default().to_string()
    };
    let app = Router::new().route("/a", get(count)).route("/b", get(count)).layer(layer.clone());
    let mut browser = Browser::default();
    browser.visit(&layer, async |session| session.insert("n", 0).await.unwrap()).await;
    let mut requests = JoinSet::new();
    for n in 0..20 {
        let (app, mut request) = (app.clone(), browser.request::<Body>());
        *request.uri_mut() = if n % 2 == 0 { "/a" } else { "/b" }.parse().unwrap();
        requests.spawn(async move { app.oneshot(request).await.unwrap().status() });
    }
    assert!(requests.join_all().await.iter().all(|status| *status == StatusCode::OK));
    assert_eq!(browser.visit(&layer, async |session| session.get::<u32>("n").await.unwrap()).await, Some(20));
}

/// A handler can take either session, or both.
#[tokio::test]
async fn both_extractors_give_one_session() {
    let both = async |session: Session, native: cloakroom::Session| {
        session.insert("a", 1).await.unwrap();
        native.insert("b", 2).unwrap();
        format!("{:?} {:?}", native.get::<u8>("a").unwrap(), session.get::<u8>("b").await.unwrap())
    };
    let app = Router::new().route("/", get(both)).layer(SessionManagerLayer::new(MemoryStore::default()));
    let response = app.oneshot(Request::new(Body::empty())).await.unwrap();
    assert_eq!(response.headers().get_all(header::SET_COOKIE).iter().count(), 1);
    let body = axum::body::to_bytes(response.into_body(), 100).await.unwrap();
    assert_eq!(&body[..], b"Some(1) Some(2)");
}

/// Row: the data in a foreign store.
#[tokio::test]
async fn a_foreign_store_gets_one_text_which_a_person_can_read() {
    let store = ForeignStore::default();
    let layer = SessionManagerLayer::new(store.clone());
    let mut browser = Browser::default();
    browser.visit(&layer, async |session| session.insert("user", "ada").await.unwrap()).await;
    let id = browser.visit(&layer, async |session| {
        session.native().await.unwrap();
        session.id().unwrap()
    });
    let id = id.await;
    let record = store.records.lock().unwrap().get(&id).cloned().unwrap();
    assert_eq!(record.data.keys().collect::<Vec<_>>(), ["cloakroom"]);
    let text = record.data["cloakroom"].as_str().unwrap();
    assert!(text.contains("user") && text.contains("ada"), "{text}");
    let secret = &browser.token().unwrap()[22..];
    assert!(!format!("{record:?}").contains(secret), "a leaked store opens nothing");
    // 14 days, and the 10 minutes in which a request that is under way may still write.
    let left = record.expiry_date - OffsetDateTime::now_utc();
    assert!(
        (left - time::Duration::days(14) - time::Duration::minutes(10)).abs() < time::Duration::minutes(1),
        "{left}"
    );
}

/// Row: records of tower-sessions' own.
#[tokio::test]
async fn a_record_that_tower_sessions_stored_is_no_session_and_is_left_alone() {
    let theirs = ForeignStore::default();
    let expiry_date = OffsetDateTime::now_utc() + Duration::from_secs(60);
    let record = Record { id: Id::default(), data: [("user".to_owned(), json!("ada"))].into(), expiry_date };
    theirs.save(&record).await.unwrap();
    let store = OneProcessStore::new(theirs.clone());
    let id = record.id.into();
    assert_eq!(cloakroom::store::SessionStore::load(&store, &id).await.unwrap(), None);
    let own = RecordBuilder::new(SystemTime::now().into()).build();
    assert_eq!(
        cloakroom::store::SessionStore::create(&store, &id, &own).await.unwrap(),
        cloakroom::store::Created::Taken
    );
    assert_eq!(theirs.records.lock().unwrap().get(&record.id), Some(&record));
}

/// The adapter works under a plain layer, too.
#[tokio::test]
async fn an_adapted_store_serves_a_plain_layer() {
    let store = OneProcessStore::new(ForeignStore::default());
    let count = async |session: cloakroom::Session| {
        session.update_or("n", 1, |n: u32| n + 1).unwrap();
        session.get::<u32>("n").unwrap().unwrap_or_default().to_string()
    };
    let app = Router::new().route("/", get(count)).layer(SessionLayer::new(store));
    let response = app.clone().oneshot(Request::new(Body::empty())).await.unwrap();
    let cookie = response.headers()[header::SET_COOKIE].to_str().unwrap().split(';').next().unwrap().to_owned();
    let request = Request::builder().header(header::COOKIE, cookie).body(Body::empty()).unwrap();
    let response = app.oneshot(request).await.unwrap();
    let body = axum::body::to_bytes(response.into_body(), 100).await.unwrap();
    assert_eq!(&body[..], b"2");
}
