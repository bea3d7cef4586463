//! The records of other crates, in their own keys.

use std::time::Duration;

use cloakroom::{
    StoreError,
    formats::{ByteStore, Stored},
    redis::{RedisBytes, RedisStore},
    store::{Created, Deleted, Replaced},
    testing::byte_contract,
};
use deadpool_redis::{Config, Runtime};

use crate::redis_support::{
    Monitor, SECOND,
    proxy::{Cut, Proxy},
    server::Server,
    until,
};

fn stored(bytes: &str) -> Stored {
    Stored { bytes: bytes.into(), ttl: Some(600 * SECOND) }
}

#[tokio::test]
async fn the_contract_is_kept_on_each_kind_of_connection() {
    let server = Server::start().await;
    let pool = Config::from_url(server.url()).create_pool(Some(Runtime::Tokio1)).unwrap();
    for store in [server.store().await, server.provided().await, RedisStore::from_pool(pool)] {
        byte_contract(&store.bytes()).await;
    }
}

#[tokio::test]
async fn a_record_is_a_plain_string_under_the_key_itself() {
    let server = Server::start().await;
    let store = server.store().await.prefix("other:").bytes();
    let mut monitor = Monitor::start(&server);
    assert_eq!(store.create("the-key", &stored("one")).await.unwrap(), Created::Done);
    assert_eq!(server.run_command::<String>("GET the-key").await, "one");
    let left: u64 = server.run_command("PTTL the-key").await;
    assert!((590_000..=600_000).contains(&left), "{left}");
    let endless = Stored { bytes: b"two".to_vec(), ttl: None };
    assert_eq!(store.replace("the-key", b"one", &endless).await.unwrap(), Replaced::Done);
    assert_eq!(server.run_command::<i64>("TTL the-key").await, -1);

    // As actix-session and tower-sessions write it.
    let _: () = server.run_command("SET their-key {} EX 60").await;
    let found = store.load("their-key").await.unwrap().unwrap();
    assert_eq!(found.bytes, b"{}");
    assert!(found.ttl > Some(50 * SECOND) && found.ttl <= Some(60 * SECOND), "{found:?}");

    // TTLs that the server refuses as they are.
    for ttl in [Duration::ZERO, Duration::MAX, Duration::from_nanos(1)] {
        let record = Stored { bytes: b"three".to_vec(), ttl: Some(ttl) };
        assert_eq!(store.create(&format!("{ttl:?}"), &record).await.unwrap(), Created::Done);
    }
    // Each call is one command, but for the first one of a script.
    monitor.commands();
    store.load("their-key").await.unwrap();
    store.replace("their-key", b"{}", &stored("four")).await.unwrap();
    store.replace("their-key", b"{}", &stored("five")).await.unwrap();
    store.delete("their-key", Some(b"{}")).await.unwrap();
    store.delete("their-key", None).await.unwrap();
    store.create("their-key", &stored("six")).await.unwrap();
    assert_eq!(monitor.commands(), ["EVALSHA", "EVALSHA", "EVALSHA", "EVALSHA", "DEL", "SET"]);
}

#[tokio::test]
async fn another_kind_of_key_cannot_be_read_and_its_name_is_not_shown() {
    let server = Server::start().await;
    for store in [server.store().await.bytes(), server.provided().await.bytes()] {
        let _: i64 = server.run_command("LPUSH s3cret-token s3cret").await;
        assert_eq!(store.create("s3cret-token", &stored("one")).await.unwrap(), Created::Taken);
        for error in [
            store.load("s3cret-token").await.unwrap_err(),
            store.replace("s3cret-token", b"one", &stored("two")).await.unwrap_err(),
            store.delete("s3cret-token", Some(b"one")).await.unwrap_err(),
        ] {
            assert!(error.is_undecodable(), "{error:?}");
            assert!(!format!("{error:?} {store:?}").contains("s3cret"), "{error:?}");
        }
        assert_eq!(store.delete("s3cret-token", None).await.unwrap(), Deleted::Done);
    }
}

#[tokio::test]
async fn a_load_is_sent_again_and_a_write_is_not() {
    let server = Server::start().await;
    let proxy = Proxy::start(server.port).await;
    let (cut, direct) = (RedisStore::connect(proxy.url()).await.unwrap().bytes(), server.store().await.bytes());
    // The server learns the script.
    direct.load("a").await.unwrap();
    for place in [Cut::Request, Cut::Reply, Cut::NoReply] {
        let is_done = place != Cut::Request;
        direct.create("the-key", &stored("one")).await.unwrap();
        proxy.arm(place, "the-key");
        assert_eq!(cut.load("the-key").await.unwrap().unwrap().bytes, b"one");
        assert!(proxy.has_cut(), "{place:?}");

        proxy.arm(place, "the-key");
        is_unknown(cut.replace("the-key", b"one", &stored("two")).await, place);
        holds(&direct, if is_done { Some("two") } else { Some("one") }).await;
        cut.load("the-key").await.unwrap();
        proxy.arm(place, "the-key");
        is_unknown(cut.delete("the-key", if is_done { Some(b"two") } else { Some(b"one") }).await, place);
        holds(&direct, (!is_done).then_some("one")).await;
        direct.create("the-key", &stored("one")).await.unwrap();
        cut.load("the-key").await.unwrap();
        proxy.arm(place, "the-key");
        is_unknown(cut.delete("the-key", None).await, place);
        holds(&direct, (!is_done).then_some("one")).await;
        direct.delete("the-key", None).await.unwrap();
        cut.load("the-key").await.unwrap();
        proxy.arm(place, "the-key");
        is_unknown(cut.create("the-key", &stored("one")).await, place);
        holds(&direct, is_done.then_some("one")).await;
        direct.delete("the-key", None).await.unwrap();
    }
}

#[tokio::test]
async fn a_server_that_is_away_has_done_nothing() {
    let mut server = Server::start().await;
    let store = server.store().await;
    server.kill();
    until("the connection is gone", 5 * SECOND, || async { store.ping().await.is_err() }).await;
    let store = store.bytes();
    for error in [
        store.load("a").await.unwrap_err(),
        store.create("a", &stored("one")).await.unwrap_err(),
        store.replace("a", b"one", &stored("two")).await.unwrap_err(),
        store.delete("a", None).await.unwrap_err(),
        store.delete("a", Some(b"one")).await.unwrap_err(),
    ] {
        assert!(error.is_not_done(), "{error:?}");
    }
}

#[tokio::test]
async fn a_full_server_refuses_writes_but_no_delete() {
    let server = Server::start().await;
    let store = server.store().await.bytes();
    store.create("a", &stored("one")).await.unwrap();
    store.create("b", &stored("one")).await.unwrap();
    let _: () = server.run_command("CONFIG SET maxmemory 1").await;
    assert_eq!(store.load("a").await.unwrap().unwrap().bytes, b"one");
    for error in [
        store.create("c", &stored("one")).await.unwrap_err(),
        store.replace("a", b"one", &stored("two")).await.unwrap_err(),
    ] {
        assert!(error.is_not_done() && !error.is_undecodable(), "{error:?}");
    }
    assert_eq!(store.delete("a", Some(b"one")).await.unwrap(), Deleted::Done);
    assert_eq!(store.delete("b", None).await.unwrap(), Deleted::Done);
}

fn is_unknown<T: std::fmt::Debug>(result: Result<T, StoreError>, place: Cut) {
    let error = result.expect_err("it was cut");
    assert!(error.is_unknown(), "{place:?}: {error:?}");
}

/// Waits until the server has done a command that arrived whole. It never does one that arrived in part.
async fn holds(direct: &RedisBytes, expected: Option<&str>) {
    until("it is done", SECOND, || async {
        let found = direct.load("the-key").await.unwrap();
        found.map(|found| found.bytes) == expected.map(|text| text.as_bytes().to_vec())
    })
    .await;
}
