//! The tokens that a request presents.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use cloakroom::{
    Event, LazySession, Lifetime, MemoryStore, Session, SessionLayer,
    adapter::Exchange,
    keys::SecretKey,
    testing::{FaultStore, TestClock, Verb},
};
use futures_util::FutureExt as _;
use http::{HeaderMap, StatusCode, header};

fn begin(layer: &SessionLayer, cookies: &[String]) -> Exchange {
    let mut headers = HeaderMap::new();
    let pairs: Vec<String> = cookies.iter().map(|value| format!("__Host-Http-id={value}")).collect();
    headers.insert(header::COOKIE, pairs.join("; ").parse().unwrap());
    layer.begin(&headers)
}

async fn end(exchange: Exchange) -> Option<String> {
    let mut headers = HeaderMap::new();
    exchange.commit(StatusCode::OK).await.ok()?.write(&mut headers);
    let (pair, _) = headers.get(header::SET_COOKIE)?.to_str().unwrap().split_once(';')?;
    pair.strip_prefix("__Host-Http-id=").map(str::to_owned)
}

async fn token(layer: &SessionLayer, change: impl FnOnce(Session)) -> String {
    let exchange = begin(layer, &[]);
    change(exchange.session().load().await.unwrap());
    end(exchange).await.unwrap()
}

fn login(session: Session) {
    session.insert("user", "ada").unwrap();
}

/// Returns a text that has a token's length, and is no token.
fn junk(n: usize) -> String {
    format!("!{n:043}")
}

fn unknown(n: usize) -> String {
    format!("{n:021}A{n:021}A")
}

#[tokio::test]
async fn fifteen_that_make_no_sense_hide_nothing_and_four_that_are_unknown_do() {
    let store = FaultStore::new(MemoryStore::new());
    let layer = SessionLayer::new(store.clone());
    let token = token(&layer, login).await;
    let many = |count: usize, make: fn(usize) -> String| (0..count).map(make).collect::<Vec<_>>();
    let table =
        [(many(15, junk), true), (many(1000, junk), false), (many(3, unknown), true), (many(4, unknown), false)];
    for (mut cookies, opens) in table {
        cookies.push(token.clone());
        let session = begin(&layer, &cookies).session().load().await.unwrap();
        assert_eq!(session.get::<String>("user").unwrap().is_some(), opens, "{} of {}", cookies.len(), cookies[0]);
    }
    assert_eq!(store.calls().iter().filter(|call| **call == "load").count(), 1 + 4 + 4);
}

#[tokio::test]
async fn where_no_claim_makes_sense_a_handle_has_nothing_to_load() {
    let layer = SessionLayer::new(MemoryStore::new());
    let exchange = begin(&layer, &[junk(0), "short".to_owned()]);
    exchange.session().handle().insert("n", 1).unwrap();
    assert!(end(exchange).await.is_some());
    assert!(begin(&layer, &[unknown(0)]).session().handle().insert("n", 1).is_err());
}

#[tokio::test]
async fn a_purge_that_is_tried_again_tells_of_no_forgery() {
    let store = FaultStore::new(MemoryStore::new());
    let forged = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&forged);
    let layer = SessionLayer::new(store.clone()).signed(SecretKey::generate()).on_event(move |event| {
        if matches!(event, Event::Forged) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    });
    let token = token(&layer, login).await;
    let other = format!("{}A", &token[..token.len() - 1]);
    let exchange = begin(&layer, &[token, other]);
    let session = exchange.session().load().await.unwrap();
    for _ in 0..3 {
        store.next(Verb::Delete).fails();
        session.purge();
        assert!(session.save().await.is_err());
    }
    drop(end(exchange).await);
    assert_eq!(forged.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn a_load_that_nobody_goes_on_with_holds_nobody_up() {
    let store = FaultStore::new(MemoryStore::new());
    let layer = SessionLayer::new(store.clone());
    let token = token(&layer, login).await;
    let gate = store.next(Verb::Load).waits();
    let exchange = begin(&layer, &[token]);
    let lazy: &LazySession = exchange.session();
    let mut load = Box::pin(lazy.load());
    assert!(load.as_mut().now_or_never().is_none());
    gate.reached().await;
    let session = lazy.handle();
    assert!(session.save().now_or_never().unwrap().unwrap_err().is_not_loaded());
    assert!(session.reload().now_or_never().unwrap().unwrap_err().is_not_loaded());
}

#[tokio::test]
async fn a_long_handler_is_a_use_until_it_ends() {
    let clock = TestClock::new();
    let lifetime = Lifetime::builder().idle(Duration::from_secs(600)).build().unwrap();
    let layer = SessionLayer::new(MemoryStore::new()).lifetime(lifetime).clock(clock.clone());
    let token = token(&layer, login).await;
    clock.advance(Duration::from_secs(60));
    let exchange = begin(&layer, std::slice::from_ref(&token));
    exchange.session().load().await.unwrap();
    clock.advance(Duration::from_secs(480));
    end(exchange).await;
    clock.advance(Duration::from_secs(120));
    let session = begin(&layer, &[token]).session().load().await.unwrap();
    assert_eq!(session.get::<String>("user").unwrap().as_deref(), Some("ada"));
}
