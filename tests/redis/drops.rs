//! Connections that break: nothing is lost that can be done twice, and nothing is counted twice.

use std::time::Duration;

use cloakroom::{
    Created, Expected, Lifetime, SecretHash, SessionId, SessionLayer, SessionStore, Updated, redis::RedisStore,
    testing::ChangesBuilder,
};

use crate::redis_support::{
    NOW, SECOND,
    app::{App, id},
    credentials,
    proxy::{Cut, Proxy},
    record,
    server::{Server, run},
    until,
};

/// How many clients there are besides the one that asks.
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
        // The store knows that its connection is gone before it would lose the update in it.
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
    // So that the server knows the script.
    assert_eq!(app.get("/count", Some(&cookie)).await.body, "2");
    for round in 0..1000 {
        let cut = [Cut::Request, Cut::Reply, Cut::NoReply][round % 3];
        proxy.arm(cut, "EVALSHA");
        let seen = app.get("/count", Some(&cookie)).await;
        assert!(proxy.has_cut());
        // Where the server never had it, it is done the second time; where it had, the record says that it is done.
        let now = server.value::<usize>(&id(&cookie), "n").await;
        assert_eq!((seen.status, now), (200, Some(round + 3)), "{round}: {cut:?} {}", app.last_failure());
        assert_eq!(seen.body, (round + 3).to_string());
    }
}

#[tokio::test]
async fn loads_creates_touches_and_deletes_are_sent_again() {
    let server = Server::start().await;
    let proxy = Proxy::start(server.port).await;
    let always = Lifetime::builder().extend_on_use(1.0).build().unwrap();
    let store = RedisStore::connect(proxy.url()).await.unwrap();
    let app = App::over(SessionLayer::new(store).lifetime(always));
    for round in 0..60 {
        let cut = [Cut::Request, Cut::Reply, Cut::NoReply][round % 3];
        let mut cookie = String::new();
        for (path, text) in [
            ("/count", "EVALSHA"),
            ("/read", "HGETALL"),
            ("/read", "EVALSHA"),
            ("/login/bob", "owner:bob"),
            ("/logout", "EVALSHA"),
        ] {
            proxy.arm(cut, text);
            // A touch is due once a millisecond has passed.
            tokio::time::sleep(Duration::from_millis(2)).await;
            let seen = app.get(path, Some(&cookie).filter(|cookie| !cookie.is_empty()).map(String::as_str)).await;
            assert_eq!(seen.status, 200, "{round}: {path} {cut:?} {text}: {}", app.last_failure());
            assert!(proxy.has_cut(), "{path} {text}");
            cookie = seen.cookie.unwrap_or(cookie);
        }
    }
    assert_eq!(server.run_command::<i64>("DBSIZE").await, i64::from(true), "nothing but the index of bob");
}

/// What became of the first time, nobody can say then. And nothing is written twice under one nonce: others have loaded what
/// the first time made, and build on it.
#[tokio::test]
async fn others_write_before_it_is_sent_again() {
    let server = Server::start().await;
    let proxy = Proxy::start(server.port).await;
    let (direct, cut) = (server.store().await, RedisStore::connect(proxy.url()).await.unwrap());
    let first_token = credentials();
    let renewed = first_token.rotated(SecretHash::from_bytes([8; 32]), NOW);
    let changes = || ChangesBuilder::new(NOW).expires_at(NOW.plus(700 * SECOND));
    let table = [
        ("a count", changes().set_if("n", Expected::Value("1"), "2"), changes().set("m", "1"), false),
        ("an insert", changes().set("n", "2"), changes().set("m", "1"), false),
        ("a touch", changes(), changes().set("m", "1"), true),
        ("a touch for a token", changes().expect_credentials(&first_token), changes().set("m", "1"), true),
        (
            "one that is renewed",
            changes().expect_credentials(&first_token),
            changes().rotate(&first_token, &renewed),
            false,
        ),
    ];
    for (name, first, other, is_done) in table {
        let (id, first, other) = (SessionId::random(), first.build(), other.build());
        assert_eq!(direct.create(&id, &record([("n", "1")], 600 * SECOND)).await.unwrap(), Created::Done);
        // So that the server knows the script.
        assert_eq!(direct.update(&id, &changes().build()).await.unwrap(), Updated::Done);
        let shut = proxy.door.lock().await;
        proxy.arm(Cut::NoReply, "EVAL");
        let updating = tokio::spawn({
            let (cut, first) = (cut.clone(), first.clone());
            async move { cut.update(&id, &first).await }
        });
        let nonce = async || direct.load(&id).await.unwrap().unwrap().nonce();
        until("it is done", SECOND, || async { nonce().await == first.nonce() }).await;
        assert_eq!(direct.update(&id, &other).await.unwrap(), Updated::Done);
        drop(shut);
        let updated = updating.await.unwrap();
        assert_eq!(updated.as_ref().is_ok_and(|updated| *updated == Updated::Done), is_done, "{name}: {updated:?}");
        assert_eq!(updated.is_err(), !is_done, "{name}");
        assert_eq!(nonce().await, other.nonce(), "{name}");
    }
}

/// Made, revoked, and made again because its maker was never told: its owner's sessions list it.
#[tokio::test]
async fn a_session_that_is_made_again_is_listed() {
    let server = Server::start().await;
    let proxy = Proxy::start(server.port).await;
    let (direct, cut) = (server.store().await, RedisStore::connect(proxy.url()).await.unwrap());
    let visitors = record([("n", "1")], 600 * SECOND);
    let record = ChangesBuilder::new(NOW).owner(Some("bob")).build().apply(&visitors).unwrap();
    // So that the server knows the scripts.
    direct.create(&SessionId::random(), &record).await.unwrap();
    let id = SessionId::random();
    let shut = proxy.door.lock().await;
    proxy.arm(Cut::NoReply, "format=1");
    let creating = tokio::spawn(async move { cut.create(&id, &record).await });
    until("it is made", SECOND, || async { direct.load(&id).await.unwrap().is_some() }).await;
    let owners = direct.owner_index().unwrap();
    assert_eq!(owners.revoke_all("bob", None).await.unwrap().len(), 2);
    drop(shut);
    assert_eq!(creating.await.unwrap().unwrap(), Created::Done);
    let listed: Vec<_> = owners.list("bob", NOW).await.unwrap().into_iter().map(|session| session.id).collect();
    assert_eq!(listed, [id]);
}

#[tokio::test]
async fn cuts_while_many_count() {
    let server = Server::start().await;
    let proxy = Proxy::start(server.port).await;
    // Half of them over the connection that is cut: while one does not know what became of its write, others write.
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
            proxy.arm([Cut::Request, Cut::Reply, Cut::NoReply][cuts % 3], "EVALSHA");
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
