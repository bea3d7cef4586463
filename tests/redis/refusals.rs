//! A Redis that answers with errors, evicts keys, or has other values.

use std::collections::BTreeSet;

use cloakroom::{Lifetime, SessionId, SessionLayer, store::SessionStore as _};

use crate::{
    records::key,
    redis_support::{
        SECOND,
        app::{App, id},
        server::{Server, is_redis_6, run},
        until,
    },
};

/// Returns a session that counts 1, and its server.
async fn session() -> (Server, App, String) {
    let server = Server::start().await;
    let app = App::new(server.store().await);
    let cookie = app.new_session().await;
    (server, app, cookie)
}

/// Asserts that a write is answered 503, that the event hook gets the reason, and that the session did not change.
async fn is_refused(app: &App, cookie: &str, why: &str) {
    for path in ["/count", "/set/color/red", "/renew"] {
        let seen = app.get(path, Some(cookie)).await;
        assert_eq!((seen.status, seen.cookie), (503, None), "{path}");
        assert!(app.last_failure().contains(why), "{why}: {}", app.last_failure());
    }
    let seen = app.get("/count", None).await;
    assert_eq!((seen.status, seen.cookie), (503, None));
}

#[tokio::test]
async fn out_of_memory() {
    let (server, app, cookie) = session().await;
    let _: () = server.run_command("CONFIG SET maxmemory 1").await;
    is_refused(&app, &cookie, "OOM").await;
    assert_eq!(app.get("/read", Some(&cookie)).await.body, "1");
    // A logout needs no memory.
    let _: () = server.run_command("CONFIG SET maxmemory 0").await;
    assert_eq!(app.get("/count", Some(&cookie)).await.body, "2");
    let _: () = server.run_command("CONFIG SET maxmemory 1").await;
    assert_eq!(app.get("/logout", Some(&cookie)).await.status, 200);
    assert_eq!(app.get("/read", Some(&cookie)).await.body, "");
}

#[tokio::test]
async fn read_only() {
    let (server, app, cookie) = session().await;
    let _: () = server.run_command("REPLICAOF 127.0.0.1 1").await;
    is_refused(&app, &cookie, "READONLY").await;
    assert_eq!(app.get("/read", Some(&cookie)).await.body, "1");
    let _: () = server.run_command("REPLICAOF NO ONE").await;
    assert_eq!(app.get("/count", Some(&cookie)).await.body, "2");
}

#[tokio::test]
async fn a_password_set_meanwhile() {
    let (server, app, cookie) = session().await;
    let mut admin = server.admin().await;
    let _: () = run(&mut admin, "CONFIG SET requirepass secret").await;
    let _: i64 = run(&mut admin, "CLIENT KILL TYPE normal SKIPME yes").await;
    is_refused(&app, &cookie, "NOAUTH").await;
    let _: () = run(&mut admin, "CONFIG SET requirepass \"\"").await;
    until("it is let in again", SECOND, || async { app.get("/read", Some(&cookie)).await.body == "1" }).await;
    assert_eq!(app.get("/count", Some(&cookie)).await.body, "2");
}

#[tokio::test]
async fn a_disk_that_cannot_be_written() {
    let (server, app, cookie) = session().await;
    let mut admin = server.admin().await;
    // A directory has the name of the snapshot.
    std::fs::create_dir(server.dir.join("dump.rdb")).unwrap();
    let _: () = redis::cmd("CONFIG").arg(&["SET", "save", "3600 1"]).query_async(&mut admin).await.unwrap();
    let _: () = run(&mut admin, "BGSAVE").await;
    until("the snapshot has failed", 5 * SECOND, || async {
        server.run_command::<String>("INFO persistence").await.contains("rdb_last_bgsave_status:err")
    })
    .await;
    is_refused(&app, &cookie, "MISCONF").await;
    let _: () = redis::cmd("CONFIG").arg(&["SET", "save", ""]).query_async(&mut admin).await.unwrap();
    assert_eq!(app.get("/count", Some(&cookie)).await.body, "2");
}

#[tokio::test]
async fn still_loading() {
    let (mut server, app, cookie) = session().await;
    // Redis 6 answers only after every 2 MiB that it loads.
    let _: () = server.run_command("CONFIG SET rdbcompression no").await;
    let _: () = server.run_command("DEBUG POPULATE 15000 filler 1000").await;
    let _: () = server.run_command("SAVE").await;
    server.kill();
    server.arguments.extend(["--key-load-delay", "100"].map(str::to_owned));
    if !is_redis_6() {
        server.arguments.extend(["--loading-process-events-interval-bytes", "1024"].map(str::to_owned));
    }
    server.restart().await;
    until("it says that it is loading", 5 * SECOND, || async {
        app.get("/count", Some(&cookie)).await.status == 503 && app.last_failure().contains("LOADING")
    })
    .await;
    let mut admin = server.admin().await;
    until("it has loaded", 30 * SECOND, || {
        let mut admin = admin.clone();
        async move { redis::cmd("DBSIZE").query_async::<i64>(&mut admin).await.is_ok() }
    })
    .await;
    until("the session is back", SECOND, || async { app.get("/count", Some(&cookie)).await.body == "2" }).await;
    let _: () = run(&mut admin, "PING").await;
}

#[tokio::test]
async fn an_evicted_session_is_no_session() {
    let server = Server::start().await;
    let app = App::new(server.store().await);
    let mut cookies = Vec::new();
    for _ in 0..20 {
        let cookie = app.new_session().await;
        assert_eq!(app.get("/fill/big/20000", Some(&cookie)).await.status, 200);
        cookies.push(cookie);
    }
    let used: String = server.run_command("INFO memory").await;
    let used: u64 = used.lines().find_map(|line| line.strip_prefix("used_memory:")).unwrap().trim().parse().unwrap();
    let _: () = server.run_command("CONFIG SET maxmemory-policy allkeys-lru").await;
    let _: () = server.run_command(&format!("CONFIG SET maxmemory {}", used - 150_000)).await;
    let mut evicted = 0;
    for cookie in &cookies {
        let seen = app.get("/read", Some(cookie)).await;
        assert_eq!(seen.status, 200);
        evicted += usize::from(seen.body.is_empty());
    }
    assert!((1..20).contains(&evicted), "{evicted}");
    assert_eq!(app.failures.lock().unwrap().len(), 0);
    println!("{evicted} of 20 evicted");
}

/// A touch is housekeeping.
#[tokio::test]
async fn a_page_that_only_reads_works_while_nothing_can_be_written() {
    let server = Server::start().await;
    let always = Lifetime::builder().extend_on_use(1.0).build().unwrap();
    let app = App::over(SessionLayer::new(server.store().await).lifetime(always));
    let cookie = app.new_session().await;
    for (broken, mended) in [
        ("CONFIG SET maxmemory 1", "CONFIG SET maxmemory 0"),
        ("REPLICAOF 127.0.0.1 1", "REPLICAOF NO ONE"),
        ("CONFIG SET min-replicas-to-write 1", "CONFIG SET min-replicas-to-write 0"),
    ] {
        let _: () = server.run_command(broken).await;
        // A touch is due after a millisecond.
        tokio::time::sleep(SECOND / 500).await;
        let seen = app.get("/read", Some(&cookie)).await;
        assert_eq!((seen.status, seen.body.as_str()), (200, "1"), "{broken}: {}", app.last_failure());
        let _: () = server.run_command(mended).await;
    }
}

/// A damaged record opens nothing, and does not lock its browser out.
#[tokio::test]
async fn a_damaged_record() {
    let server = Server::start().await;
    let app = App::new(server.store().await);
    let other = app.new_session().await;
    for damage in ["SET key text", "SETRANGE key 10 2", "SETRANGE key 160 x", "APPEND key x", "hash", "list"] {
        for (path, begins) in [("/login/bob", true), ("/logout", false)] {
            let cookie = app.new_session().await;
            let session: SessionId = id(&cookie).parse().unwrap();
            if ["hash", "list"].contains(&damage) {
                let _: i64 = server.run_command(&format!("DEL {}", key(&session))).await;
            }
            let damage = match damage {
                "hash" => "HSET key record format=1",
                "list" => "LPUSH key x",
                other => other,
            };
            let _: redis::Value = server.run_command(&damage.replacen("key", &key(&session), 1)).await;
            let seen = app.get("/read", Some(&cookie)).await;
            assert_eq!((seen.status, seen.body.as_str(), seen.cookie), (200, "", None), "{damage}");
            let seen = app.get(path, Some(&cookie)).await;
            assert_eq!(seen.status, 200, "{damage}, {path}: {}", app.last_failure());
            // A logout removes the cookie.
            let renewed = seen.cookie.filter(|cookie| cookie.len() > 30).map(|cookie| id(&cookie));
            assert_eq!(renewed.is_some_and(|renewed| renewed != id(&cookie)), begins, "{damage}, {path}");
            assert_eq!(app.get("/read", Some(&other)).await.body, "1");
        }
    }
    let owners = server.store().await;
    let found: BTreeSet<_> =
        owners.owner_index().unwrap().list("bob").await.unwrap().into_iter().map(|(id, _)| id).collect();
    assert_eq!(found.len(), 6);
}

#[tokio::test]
async fn damaged_between_the_load_and_the_write() {
    let (server, app, cookie) = session().await;
    let key = format!("cloakroom:{}", id(&cookie));
    let backup = server.run_command::<String>(&format!("GET {key}")).await;
    let damages =
        ["SET key text", "SETRANGE key 10 2........", "SETRANGE key 20 zzzz", "LPUSH key x", "HSET key record 1"];
    for damage in damages {
        let request = tokio::spawn({
            let (app, cookie) = (app.clone(), cookie.clone());
            async move { app.get("/gated", Some(&cookie)).await }
        });
        app.gate.arrived.acquire().await.unwrap().forget();
        if !damage.starts_with("SET") {
            let _: i64 = server.run_command(&format!("DEL {key}")).await;
        }
        let _: redis::Value = server.run_command(&damage.replacen("key", &key, 1)).await;
        app.gate.go.add_permits(1);
        assert_eq!(request.await.unwrap().status, 500, "{damage}");
        let failure = app.last_failure();
        assert!(failure.contains("cannot be read") && failure.contains(&id(&cookie)), "{damage}: {failure}");
        let mut restore = redis::cmd("SET");
        let _: () = restore.arg(&key).arg(&backup).query_async(&mut server.admin().await).await.unwrap();
        assert_eq!(app.get("/read", Some(&cookie)).await.body, "1");
    }
    server.store().await.ping().await.unwrap();
}
