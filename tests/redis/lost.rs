//! Connections that break: a read is sent again, a write is not, and its error says whether its outcome is known.

use std::time::Duration;

use cloakroom::{
    SessionId, StoreError,
    redis::RedisStore,
    store::{Created, Deleted, Replaced, SessionStore},
    testing::RecordBuilder,
};

use crate::{
    records::{owned, record},
    redis_support::{
        Monitor, SECOND,
        proxy::{Cut, Proxy},
        server::Server,
        until,
    },
};

const CUTS: [Cut; 3] = [Cut::Request, Cut::Reply, Cut::NoReply];

/// Returns a server that knows both scripts, a store behind a proxy, and one that is connected directly.
async fn start() -> (Server, Proxy, RedisStore, RedisStore) {
    let server = Server::start().await;
    let proxy = Proxy::start(server.port).await;
    let (cut, direct) = (RedisStore::connect(proxy.url()).await.unwrap(), server.store().await);
    let (id, record) = (SessionId::random(), owned("nobody"));
    direct.create(&id, &record).await.unwrap();
    direct.delete(&id, Some(&record)).await.unwrap();
    (server, proxy, cut, direct)
}

#[tokio::test]
async fn reads_are_sent_again() {
    let (_server, proxy, cut, direct) = start().await;
    let (id, record) = (SessionId::random(), owned("bob"));
    direct.create(&id, &record).await.unwrap();
    for place in CUTS {
        for command in ["\r\nGET\r\n", "ZRANGE", "GETRANGE", "PING"] {
            proxy.arm(place, command);
            match command {
                "PING" => cut.ping().await.unwrap(),
                "\r\nGET\r\n" => assert_eq!(cut.load(&id).await.unwrap().as_ref(), Some(&record)),
                _ => assert_eq!(cut.owner_index().unwrap().list("bob").await.unwrap().len(), 1),
            }
            assert!(proxy.has_cut(), "{place:?} {command}");
        }
    }
}

/// A write is sent once. It is done once or not at all, and the store does not know which.
#[tokio::test]
async fn writes_are_not() {
    let (server, proxy, cut, direct) = start().await;
    let mut monitor = Monitor::start(&server);
    for place in CUTS {
        let is_done = place != Cut::Request;
        for size in [10, 3000] {
            let (id, base) = (SessionId::random(), record([("pad", "x".repeat(size))], 600 * SECOND));
            let of_this = |what: &str| format!("{what}, {place:?}, {size}");

            proxy.arm(place, "cloakroom=1");
            is_unknown(cut.create(&id, &base).await, &of_this("create"));
            settle(&direct, is_done, async || direct.load(&id).await.unwrap().is_some()).await;
            if !is_done {
                direct.create(&id, &base).await.unwrap();
            }

            // A new connection finds out whether the server has a compare-and-set.
            cut.load(&id).await.unwrap();
            let first = RecordBuilder::after(&base).set("first", "1").build();
            assert_eq!(cut.replace(&id, &base, &first).await.unwrap(), Replaced::Done);
            let second = RecordBuilder::after(&first).set("n", "2").build();
            proxy.arm(place, "cloakroom=1");
            is_unknown(cut.replace(&id, &first, &second).await, &of_this("replace"));
            settle(&direct, is_done, async || direct.load(&id).await.unwrap().unwrap() == second).await;
            let last = direct.load(&id).await.unwrap().unwrap();

            for base in [Some(&last), None] {
                let other = SessionId::random();
                direct.create(&other, &last).await.unwrap();
                cut.load(&other).await.unwrap();
                proxy.arm(place, "600000");
                is_unknown(cut.delete(&other, base).await, &of_this("delete"));
                settle(&direct, is_done, async || direct.load(&other).await.unwrap().is_none()).await;
            }
        }
    }
    drop(monitor.commands());
}

fn is_unknown<T: std::fmt::Debug>(result: Result<T, StoreError>, what: &str) {
    let error = result.expect_err(what);
    assert!(error.is_unknown(), "{what}: {error:?}");
}

/// Waits until the server has done a command that arrived whole. It never does one that arrived in part.
async fn settle<F: Future<Output = bool>>(direct: &RedisStore, is_done: bool, done: impl Fn() -> F) {
    if is_done {
        until("it is done", SECOND, &done).await;
    } else {
        direct.ping().await.unwrap();
        assert!(!done().await);
    }
}

/// If an entry may have been written, no session is created.
#[tokio::test]
async fn the_index_s_reply_is_lost() {
    let (_server, proxy, cut, direct) = start().await;
    let (id, base) = (SessionId::random(), record([("n", "1")], 600 * SECOND));
    direct.create(&id, &base).await.unwrap();
    for place in CUTS {
        cut.ping().await.unwrap();
        proxy.arm(place, "owner:bob");
        let error = cut.create(&SessionId::random(), &owned("bob")).await.unwrap_err();
        assert!(error.is_not_done(), "{error:?}");
        cut.ping().await.unwrap();
        proxy.arm(place, "owner:bob");
        let error = cut.replace(&id, &base, &RecordBuilder::after(&base).owner(Some("bob")).build()).await.unwrap_err();
        assert!(error.is_not_done(), "{error:?}");
        assert_eq!(direct.load(&id).await.unwrap().as_ref(), Some(&base));
        assert!(direct.owner_index().unwrap().list("bob").await.unwrap().is_empty());
    }
}

/// A firewall that forgets a connection drops its packets without a message.
#[tokio::test]
async fn a_connection_that_falls_silent() {
    let server = Server::start().await;
    let proxy = Proxy::start(server.port).await;
    let store = RedisStore::builder(proxy.url())
        .response_timeout(SECOND / 4)
        .connection_timeout(4 * SECOND)
        .connect()
        .await
        .unwrap();
    let (id, record) = (SessionId::random(), owned("bob"));
    assert_eq!(store.create(&id, &record).await.unwrap(), Created::Done);
    for _ in 0..3 {
        proxy.silence();
        let loads = (0..20).map(|_| {
            let store = store.clone();
            tokio::spawn(async move { store.load(&id).await })
        });
        for load in loads.collect::<Vec<_>>() {
            assert_eq!(load.await.unwrap().unwrap().as_ref(), Some(&record));
        }
        proxy.silence();
        is_unknown(store.delete(&SessionId::random(), None).await, "a write into the silence");
        assert_eq!(store.load(&id).await.unwrap().as_ref(), Some(&record));
    }
}

#[tokio::test]
async fn a_server_that_is_away_has_done_nothing() {
    let mut server = Server::start().await;
    let store = RedisStore::builder(server.url())
        .connection_timeout(SECOND / 4)
        .response_timeout(SECOND / 4)
        .connect()
        .await
        .unwrap();
    let (id, record) = (SessionId::random(), owned("bob"));
    server.kill();
    until("the connection is gone", 5 * SECOND, || async { store.ping().await.is_err() }).await;
    for error in [
        store.load(&id).await.unwrap_err(),
        store.create(&id, &record).await.unwrap_err(),
        store.replace(&id, &record, &RecordBuilder::after(&record).build()).await.unwrap_err(),
        store.delete(&id, None).await.unwrap_err(),
        store.delete(&id, Some(&record)).await.unwrap_err(),
    ] {
        assert!(error.is_not_done(), "{error:?}");
    }
    server.restart().await;
    until("it is back", 5 * SECOND, || async { store.ping().await.is_ok() }).await;
    assert_eq!(store.delete(&id, None).await.unwrap(), Deleted::Gone);
}

#[tokio::test]
async fn time_outs_without_an_end() {
    let server = Server::start().await;
    let store = RedisStore::builder(server.url())
        .connection_timeout(Duration::MAX)
        .response_timeout(Duration::MAX)
        .tcp_keepalive(None)
        .connect()
        .await
        .unwrap();
    let (id, record) = (SessionId::random(), owned("bob"));
    assert_eq!(store.create(&id, &record).await.unwrap(), Created::Done);
    assert_eq!(store.load(&id).await.unwrap(), Some(record));
}

/// Scripts are gone after a restart, and after a flush.
#[tokio::test]
async fn scripts_survive_a_flush() {
    let server = Server::start().await;
    let store = server.provided().await;
    let mut monitor = Monitor::start(&server);
    let (id, mut base) = (SessionId::random(), record([("n", "0")], 600 * SECOND));
    store.create(&id, &base).await.unwrap();
    let expected = [["EVALSHA", "EVAL"].as_slice(), ["EVALSHA"].as_slice()];
    for (flushes, expected) in [true, false, true, false].into_iter().zip(expected.into_iter().cycle()) {
        if flushes {
            let _: () = server.run_command("SCRIPT FLUSH").await;
        }
        monitor.commands();
        let next = RecordBuilder::after(&base).set("n", "1").build();
        assert_eq!(store.replace(&id, &base, &next).await.unwrap(), Replaced::Done);
        assert_eq!(monitor.commands(), expected);
        base = next;
    }
}
