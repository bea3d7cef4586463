//! Connections that break: no repeatable call fails, and no write counts twice.

use std::time::Duration;

use cloakroom::{Lifetime, SessionLayer, redis::RedisStore};

use crate::redis_support::{
    SECOND,
    app::{App, id},
    proxy::{Cut, Proxy},
    server::{Server, run},
    until,
};

/// The beginning of every record, which is in a write and not in a read.
const RECORD: &str = "cloakroom=1 nonce";

/// Returns the number of clients, without the one that counts them.
async fn clients(server: &Server) -> usize {
    let list: String = server.run_command("CLIENT LIST TYPE normal").await;
    list.lines().count() - 1
}

#[tokio::test]
async fn killed_by_the_server() {
    let server = Server::start().await;
    let app = App::new(server.store().await);
    let cookie = app.new_session().await;
    let mut admin = server.admin().await;
    for n in 2..100 {
        let _: i64 = run(&mut admin, "CLIENT KILL TYPE normal SKIPME yes").await;
        assert_eq!(app.get("/count", Some(&cookie)).await.body, n.to_string(), "{}", app.last_failure());
    }
}

#[tokio::test]
async fn killed_while_a_handler_runs() {
    let server = Server::start().await;
    let app = App::new(server.store().await);
    let cookie = app.new_session().await;
    for n in 2..20 {
        let request = tokio::spawn({
            let (app, cookie) = (app.clone(), cookie.clone());
            async move { app.get("/gated", Some(&cookie)).await }
        });
        app.gate.arrived.acquire().await.unwrap().forget();
        let _: i64 = server.run_command("CLIENT KILL TYPE normal SKIPME yes").await;
        until("the connection is gone", SECOND, || async { clients(&server).await == 0 }).await;
        app.gate.go.add_permits(1);
        // The store notices that its connection is gone before it loses the update in it.
        let seen = request.await.unwrap();
        assert_eq!((seen.status, seen.body), (200, n.to_string()), "{}", app.last_failure());
    }
}

#[tokio::test]
async fn closed_after_a_while_without_use() {
    let server = Server::start_with(&["--timeout", "1"]).await;
    let app = App::new(server.store().await);
    let cookie = app.new_session().await;
    for n in 2..4 {
        until("the server closes the connection", 5 * SECOND, || async { clients(&server).await == 0 }).await;
        app.new_session().await;
        until("the server closes the connection", 5 * SECOND, || async { clients(&server).await == 0 }).await;
        assert_eq!(app.get("/count", Some(&cookie)).await.body, n.to_string());
    }
}

#[tokio::test]
async fn a_thousand_cuts_count_exactly() {
    let server = Server::start().await;
    let proxy = Proxy::start(server.port).await;
    let app = App::new(RedisStore::connect(proxy.url()).await.unwrap());
    let cookie = app.new_session().await;
    // This makes the server know the script.
    assert_eq!(app.get("/count", Some(&cookie)).await.body, "2");
    let (mut counted, mut failed) = (2, 0);
    for round in 0..1000 {
        let cut = [Cut::Request, Cut::Reply, Cut::NoReply][round % 3];
        proxy.arm(cut, RECORD);
        let seen = app.get("/count", Some(&cookie)).await;
        assert!(proxy.has_cut());
        let now = server.value::<usize>(&id(&cookie), "n").await.unwrap();
        if seen.status == 200 {
            assert_eq!(now, counted + 1, "{round}: {cut:?} {}", app.last_failure());
            assert_eq!(seen.body, now.to_string());
        } else {
            failed += 1;
            assert!(now == counted || now == counted + 1, "{round}: {cut:?} {now}");
        }
        counted = now;
    }
    println!("{failed} of 1000 answered 503");
    assert!(failed <= 10, "{failed}");
}

#[tokio::test]
async fn every_kind_of_call_survives_a_cut() {
    let server = Server::start().await;
    let proxy = Proxy::start(server.port).await;
    let always = Lifetime::builder().extend_on_use(1.0).build().unwrap();
    let store = RedisStore::connect(proxy.url()).await.unwrap();
    let app = App::over(SessionLayer::new(store).lifetime(always));
    for round in 0..60 {
        let cut = [Cut::Request, Cut::Reply, Cut::NoReply][round % 3];
        let mut cookie = String::new();
        for (path, text) in [
            ("/count", RECORD),
            ("/read", "\r\nGET\r\n"),
            ("/read", RECORD),
            ("/login/bob", RECORD),
            ("/renew", RECORD),
            ("/logout", "600000"),
        ] {
            proxy.arm(cut, text);
            // A touch is due after a millisecond.
            tokio::time::sleep(Duration::from_millis(2)).await;
            let seen = app.get(path, Some(&cookie).filter(|cookie| !cookie.is_empty()).map(String::as_str)).await;
            assert_eq!(seen.status, 200, "{round}: {path} {cut:?} {text}: {}", app.last_failure());
            assert!(proxy.has_cut(), "{path} {text}");
            cookie = seen.cookie.unwrap_or(cookie);
        }
    }
    let keys: Vec<String> = server.run_command("KEYS *").await;
    for key in keys.iter().filter(|key| !key.contains("owner:")) {
        assert_eq!(server.run_command::<String>(&format!("GET {key}")).await, "", "a tombstone, and no session");
    }
}

#[tokio::test]
async fn cuts_while_many_count() {
    let server = Server::start().await;
    let proxy = Proxy::start(server.port).await;
    // Half of the requests use the connection that is cut. The others write while those find out the outcomes of their
    // writes.
    let mut apps = [App::new(RedisStore::connect(proxy.url()).await.unwrap()), App::new(server.store().await)];
    for app in &mut apps {
        app.limit = 30 * SECOND;
    }
    let cookie = apps[0].new_session().await;
    let workers: Vec<_> = (0..8)
        .map(|worker| {
            let (app, cookie) = (apps[worker % 2].clone(), cookie.clone());
            tokio::spawn(async move {
                let mut done = 0_u64;
                for _ in 0..50 {
                    done += u64::from(app.get("/count", Some(&cookie)).await.status == 200);
                }
                done
            })
        })
        .collect();
    let mut cuts = 0;
    while !workers.iter().all(tokio::task::JoinHandle::is_finished) {
        if proxy.has_cut() {
            proxy.arm([Cut::Request, Cut::Reply, Cut::NoReply][cuts % 3], RECORD);
            cuts += 1;
        }
        tokio::task::yield_now().await;
        tokio::time::sleep(Duration::from_millis(3)).await;
    }
    let mut done = 0;
    for worker in workers {
        done += worker.await.unwrap();
    }
    let counted = server.value::<u64>(&id(&cookie), "n").await.unwrap() - 1;
    println!("{cuts} cuts: 400 sent, {done} answered 200, {counted} counted");
    assert!((done..=400).contains(&counted), "{done} answered 200, {counted} counted");
    assert!(cuts > 20 && done > 100);
}
