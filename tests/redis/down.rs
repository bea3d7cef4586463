//! A Redis that stops, hangs, or is not there.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use cloakroom::redis::RedisStore;
use tokio::time::{Instant, sleep};

use crate::redis_support::{SECOND, app::App, server::Server, until};

#[tokio::test]
async fn killed_and_restarted() {
    let mut server = Server::start().await;
    let app = App::new(server.store().await);
    let cookie = app.new_session().await;
    for round in 0..3 {
        server.kill();
        let stopped = Instant::now();
        let mut longest = Duration::ZERO;
        while stopped.elapsed() < 2 * SECOND {
            let (asks, new, ignores, without) = tokio::join!(
                app.get("/read", Some(&cookie)),
                app.get("/count", None),
                app.get("/ignore", Some(&cookie)),
                app.get("/read", None),
            );
            assert_eq!((asks.status, new.status, ignores.status, without.status), (503, 503, 200, 200), "{round}");
            assert_eq!((asks.cookie, new.cookie), (None, None));
            assert!(ignores.took < SECOND / 4 && without.took < SECOND / 4);
            longest = longest.max(asks.took).max(new.took);
        }
        assert!(app.last_failure().contains("refused"), "{}", app.last_failure());
        server.restart().await;
        let back = until("a session is stored again", SECOND, || async { app.get("/count", None).await.status == 200 });
        println!("longest answer while down {longest:?}; back after {:?}", back.await);
    }
}

#[tokio::test]
async fn stopped_for_five_seconds() {
    let server = Server::start().await;
    let app = App::new(server.store().await);
    let cookie = app.new_session().await;
    server.pause();
    let (paused, mut longest) = (Instant::now(), Duration::ZERO);
    while paused.elapsed() < 5 * SECOND {
        let (asks, new, ignores) =
            tokio::join!(app.get("/count", Some(&cookie)), app.get("/count", None), app.get("/ignore", Some(&cookie)),);
        assert_eq!((asks.status, new.status, ignores.status), (503, 503, 200));
        longest = longest.max(asks.took).max(new.took);
    }
    server.resume();
    let back = until("the session is back", SECOND, || async { app.get("/read", Some(&cookie)).await.body == "1" });
    println!("longest answer while stopped {longest:?}; back after {:?}", back.await);
    assert!(longest < 2 * SECOND + SECOND / 4, "{longest:?}");
}

#[tokio::test]
async fn not_there_at_the_start() {
    let mut server = Server::prepare(&[]);
    let started = Instant::now();
    let error = RedisStore::connect(server.url()).await.unwrap_err();
    assert!(error.is_unreachable() && started.elapsed() < 2 * SECOND, "{error:?}");
    let start = format!("Redis at {} cannot be reached: ", server.address());
    assert!(format!("{error:?}").starts_with(&start) && format!("{error:?}").contains("refused"), "{error:?}");

    let store = RedisStore::lazy(server.url()).unwrap();
    let app = App::new(store.clone());
    assert!(store.ping().await.is_err());
    for (path, status) in [("/ignore", 200), ("/read", 200), ("/count", 503)] {
        assert_eq!(app.get(path, None).await.status, status, "{path}");
    }
    server.restart().await;
    until("it answers", SECOND, || async { store.ping().await.is_ok() }).await;
    app.new_session().await;
}

#[tokio::test]
async fn never_answers_at_all() {
    // The kernel accepts the connections, and no program reads from them.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("redis://{}", listener.local_addr().unwrap());
    let started = Instant::now();
    assert!(RedisStore::connect(url.clone()).await.unwrap_err().is_unreachable());
    assert!(started.elapsed() < 2 * SECOND + SECOND / 4);
    let app = App::new(RedisStore::lazy(url).unwrap());
    for _ in 0..3 {
        assert_eq!(app.get("/count", None).await.status, 503);
    }
}

#[tokio::test]
async fn a_hundred_wait_no_longer_than_one() {
    let server = Server::start().await;
    let app = App::new(server.store().await);
    let cookie = app.new_session().await;
    server.pause();
    let requests: Vec<_> = (0..100)
        .map(|n| {
            let (app, cookie) = (app.clone(), cookie.clone());
            tokio::spawn(async move {
                sleep(Duration::from_millis(10 * n)).await;
                app.get("/read", Some(&cookie)).await
            })
        })
        .collect();
    let mut longest = Duration::ZERO;
    for request in requests {
        let seen = request.await.unwrap();
        assert_eq!(seen.status, 503);
        longest = longest.max(seen.took);
    }
    println!("longest of a hundred: {longest:?}");
    server.resume();
    until("it is back", SECOND, || async { app.get("/read", Some(&cookie)).await.status == 200 }).await;
}

/// A request that waits behind one without a reply waits no longer than the time-outs.
#[tokio::test]
async fn stopped_while_many_write_one_session() {
    let server = Server::start().await;
    let app = App::new(server.store().await);
    let cookie = app.new_session().await;
    let is_stopped = Arc::new(AtomicBool::new(false));
    let writers: Vec<_> = (0..32)
        .map(|writer| {
            let (app, cookie, is_stopped) = (app.clone(), cookie.clone(), Arc::clone(&is_stopped));
            tokio::spawn(async move {
                let mut written = 0;
                loop {
                    let was_stopped = is_stopped.load(Ordering::Relaxed);
                    let seen = app.get(&format!("/set/{writer}/{written}"), Some(&cookie)).await;
                    match seen.status {
                        200 => written += 1,
                        status => return (written, status, was_stopped || is_stopped.load(Ordering::Relaxed)),
                    }
                }
            })
        })
        .collect();
    sleep(SECOND / 5).await;
    is_stopped.store(true, Ordering::Relaxed);
    server.pause();
    for writer in writers {
        let (written, status, is_stopped) = writer.await.unwrap();
        assert!(written > 0 && status == 503 && is_stopped, "{written} {status}");
    }
    server.resume();
    until("it is back", SECOND, || async { app.get("/set/a/b", Some(&cookie)).await.status == 200 }).await;
}

#[tokio::test]
async fn addresses_that_cannot_be_used_are_refused_at_once() {
    for url in ["http://localhost", "redis://", "localhost:port", "redis://localhost/db", "redis://h?protocol=9"] {
        let error = RedisStore::lazy(url).map(drop).unwrap_err();
        assert!(error.is_misconfigured(), "{url}: {error:?}");
    }
    for url in
        ["localhost", "127.0.0.1:6379", "redis://u:p@h:1/2", "unix:/run/redis.sock", "unix:///run/redis.sock?db=3"]
    {
        RedisStore::lazy(url).unwrap();
    }
}
