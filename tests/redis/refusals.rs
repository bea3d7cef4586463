//! A Redis that answers with errors, evicts, or holds what is no record.

use std::{collections::BTreeMap, time::Duration};

use cloakroom::{SessionId, SessionStore, redis::RedisStore, testing::ChangesBuilder};

use crate::redis_support::{
    NOW, SECOND,
    app::{App, id},
    record,
    server::{Server, run},
    until,
};

/// A session that counts 1, and the server that keeps it.
async fn session() -> (Server, App, String) {
    let server = Server::start().await;
    let app = App::new(server.store().await);
    let cookie = app.new_session().await;
    (server, app, cookie)
}

/// A write is answered 503, the event hook is told why, and the session is what it was.
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
    // Logging out needs no memory.
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
    // A directory stands where the snapshot belongs.
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
    let _: () = server.run_command("DEBUG POPULATE 15000 filler").await;
    let _: () = server.run_command("SAVE").await;
    server.kill();
    let slow = ["--key-load-delay", "100", "--loading-process-events-interval-bytes", "1024"];
    server.arguments.extend(slow.map(str::to_owned));
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

#[tokio::test]
async fn a_damaged_record_is_an_error_of_its_own() {
    let (server, app, cookie) = session().await;
    let key = format!("cloakroom:{}", id(&cookie));
    let other = app.new_session().await;
    let line: String = server.run_command(&format!("HGET {key} record")).await;
    let parts = ["format=", "expires=", "used=", "nonce=", "created=", "credentials="];
    let mut damages: Vec<(&str, Vec<u8>)> =
        parts.iter().map(|part| ("record", line.replacen(part, &format!("{part}-"), 1).into())).collect();
    damages.extend(parts.iter().map(|part| ("record", line.replacen(part, "", 1).into())));
    damages.extend([
        ("record", line.replacen("format=1", "format=2", 1).into()),
        ("record", format!("{line}00").into()),
        ("record", format!("{line} name=bob").into()),
        ("record", b"\xff\xfe".to_vec()),
        ("record", Vec::new()),
        ("record", line.replacen('\n', " lifetime=7:forever\n", 1).into()),
        ("record", line.replacen('\n', " label=3:ab\n", 1).into()),
        ("record", line.replacen('\n', "\n\n", 1).into()),
        // With no state behind the columns, the keys are fields.
        ("record", line.split_once('\n').unwrap().0.into()),
        ("", Vec::new()),
    ]);
    let mut admin = server.admin().await;
    let _: i64 = redis::cmd("HSET").arg(&key).arg("s:n").arg(b"\xff\xfe").query_async(&mut admin).await.unwrap();
    for (field, value) in damages {
        let dump: Vec<u8> = redis::cmd("DUMP").arg(&key).query_async(&mut admin).await.unwrap();
        let command = if field.is_empty() {
            redis::cmd("HDEL").arg(&key).arg("record").clone()
        } else {
            redis::cmd("HSET").arg(&key).arg(field).arg(&value).clone()
        };
        let _: i64 = command.query_async(&mut admin).await.unwrap();
        let damage = format!("{field}: {}", String::from_utf8_lossy(&value));
        let seen = app.get("/count", Some(&cookie)).await;
        assert_eq!((seen.status, seen.cookie), (503, None), "{damage}");
        let failure = app.last_failure();
        assert!(failure.contains("cannot be read") && failure.contains(&id(&cookie)), "{damage}: {failure}");
        assert_eq!(app.get("/read", Some(&other)).await.body, "1");
        let restore = redis::cmd("RESTORE").arg(&key).arg(0).arg(dump).arg("REPLACE").clone();
        let _: () = restore.query_async(&mut admin).await.unwrap();
        assert_eq!(app.get("/read", Some(&cookie)).await.body, "1");
    }
    let _: () = run(&mut admin, &format!("SET {key} text")).await;
    assert_eq!(app.get("/read", Some(&cookie)).await.status, 503);
    assert!(app.last_failure().contains("WRONGTYPE"), "{}", app.last_failure());
    assert_eq!(app.get("/read", Some(&other)).await.body, "1");
}

#[tokio::test]
async fn damaged_between_the_load_and_the_write() {
    let (server, app, cookie) = session().await;
    let key = format!("cloakroom:{}", id(&cookie));
    // Something that is not ours, which a record without its line leaves behind.
    let _: i64 = server.run_command(&format!("HSET {key} other 1")).await;
    let damages = ["HSET key record soon", "HSET key record format=2", "HDEL key record", "SET key text"];
    for damage in damages.map(|damage| damage.replacen("key", &key, 1)) {
        let cookie = cookie.clone();
        let backup: Vec<u8> = redis::cmd("DUMP").arg(&key).query_async(&mut server.admin().await).await.unwrap();
        let gated = app.clone();
        let request = tokio::spawn(async move { gated.get("/gated", Some(&cookie)).await });
        app.gate.arrived.acquire().await.unwrap().forget();
        let _: redis::Value = server.run_command(&damage).await;
        app.gate.go.add_permits(1);
        assert_eq!(request.await.unwrap().status, 503, "{damage}");
        let failure = app.last_failure();
        assert!(failure.contains("cannot be read"), "{failure}");
        assert!(failure.contains(&key["cloakroom:".len()..]), "{failure}");
        let restore = redis::cmd("RESTORE").arg(&key).arg(0).arg(backup).arg("REPLACE").clone();
        let _: () = restore.query_async(&mut server.admin().await).await.unwrap();
    }
    let store = RedisStore::connect(server.url()).await.unwrap();
    store.ping().await.unwrap();
}

/// What a person or another program may do to the columns. No update builds on what it cannot read.
#[tokio::test]
async fn an_update_leaves_a_damaged_record_as_it_is() {
    let server = Server::start().await;
    let (store, mut admin) = (server.store().await, server.admin().await);
    let id = SessionId::random();
    store.create(&id, &record([("a", "1"), ("b", "2")], 60 * SECOND)).await.unwrap();
    let key = format!("cloakroom:{id}");
    let field: String = redis::cmd("HGET").arg(&key).arg("record").query_async(&mut admin).await.unwrap();
    let columns = field.find('\n').unwrap();

    let later = NOW.plus(SECOND);
    let changes = ChangesBuilder::new(later).expires_at(later.plus(Duration::from_secs(300))).set("a", "2").build();
    let changed = (0..columns).map(|at| [&field[..at], "~", &field[at + 1..]].concat());
    for damage in changed.chain((0..columns).map(|end| field[..end].to_owned())) {
        let _: i64 = redis::cmd("HSET").arg(&key).arg("record").arg(&damage).query_async(&mut admin).await.unwrap();
        assert!(store.load(&id).await.is_err_and(|error| error.is_undecodable()), "{damage}");
        let error = store.update(&id, &changes).await.expect_err(&damage);
        assert!(error.is_undecodable(), "{damage}: {error:?}");
        let after: BTreeMap<String, String> = server.run_command(&format!("HGETALL {key}")).await;
        assert_eq!(after, BTreeMap::from([("record".to_owned(), damage)]));
    }
    let left: i64 = server.run_command(&format!("PTTL {key}")).await;
    assert!((1..=200_000).contains(&left), "{left}");
}
