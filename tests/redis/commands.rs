//! What the store sends to Redis, and what a person finds there.

use std::{collections::BTreeMap, sync::atomic::Ordering, time::Duration};

use cloakroom::{
    Created, Lifetime, SessionId, SessionStore, Timestamp, Updated, redis::RedisStore, testing::ChangesBuilder,
};

use crate::redis_support::{
    NOW,
    app::{App, id},
    monitor::Monitor,
    proxy::Proxy,
    record,
    server::Server,
};

#[tokio::test]
async fn a_request_costs_as_many_commands_as_it_must() {
    let server = Server::start().await;
    let app = App::new(server.store().await);
    // The first call of each brings its script along.
    for path in ["/count", "/login/bob", "/logout"] {
        app.get(path, Some(&app.new_session().await)).await;
    }
    let mut cookie = app.new_session().await;
    let mut monitor = Monitor::start(&server).await;
    let table: &[(&str, bool, &[&str])] = &[
        ("/read", false, &[]),
        ("/ignore", true, &[]),
        ("/read", true, &["HGETALL"]),
        ("/count", true, &["HGETALL", "EVALSHA"]),
        ("/count", false, &["EVALSHA"]),
        ("/renew", true, &["HGETALL", "EVALSHA"]),
        ("/login/bob", true, &["HGETALL", "EVALSHA", "EVALSHA"]),
        ("/count", true, &["HGETALL", "EVALSHA"]),
        ("/renew", true, &["HGETALL", "EVALSHA"]),
        ("/logout", true, &["HGETALL", "EVALSHA", "ZREM"]),
        ("/login/bob", false, &["EVALSHA", "EVALSHA"]),
    ];
    for (path, with_cookie, commands) in table {
        let seen = app.get(path, with_cookie.then_some(cookie.as_str())).await;
        assert_eq!(seen.status, 200, "{path}");
        cookie = seen.cookie.filter(|cookie| cookie.len() > 30 && *with_cookie).unwrap_or(cookie);
        assert_eq!(monitor.commands().await, *commands, "{path}, cookie: {with_cookie}");
    }
    let cookie = app.new_session().await;
    monitor.commands().await;
    app.get("/logout", Some(&cookie)).await;
    assert_eq!(monitor.commands().await, ["HGETALL", "EVALSHA"]);
}

#[tokio::test]
async fn only_the_delta_travels() {
    let server = Server::start().await;
    let proxy = Proxy::start(server.port).await;
    let app = App::new(RedisStore::connect(proxy.url()).await.unwrap());
    let cookie = app.new_session().await;
    assert_eq!(app.get("/fill/big/61440", Some(&cookie)).await.status, 200);
    let before = proxy.sent.load(Ordering::Relaxed);
    assert_eq!(app.get("/set/color/red", Some(&cookie)).await.status, 200);
    let sent = proxy.sent.load(Ordering::Relaxed) - before;
    assert!(sent < 1024, "{sent} bytes for a load and a write");
    println!("{sent} bytes for a load and a one-key write into 60 KiB");
}

#[tokio::test]
async fn scripts_survive_a_flush() {
    let server = Server::start().await;
    let app = App::new(server.store().await);
    let cookie = app.new_session().await;
    for n in 2..5 {
        let _: () = server.run_command("SCRIPT FLUSH").await;
        assert_eq!(app.get("/count", Some(&cookie)).await.body, n.to_string());
    }
    let mut monitor = Monitor::start(&server).await;
    app.get("/count", Some(&cookie)).await;
    let _: () = server.run_command("SCRIPT FLUSH").await;
    app.get("/count", Some(&cookie)).await;
    app.get("/count", Some(&cookie)).await;
    let commands = monitor.commands().await;
    let evals: Vec<_> = commands.iter().filter(|name| name.starts_with("EVAL")).collect();
    assert_eq!(evals, ["EVALSHA", "EVALSHA", "EVAL", "EVALSHA"]);
}

#[tokio::test]
async fn a_person_can_read_it() {
    let server = Server::start().await;
    let app = App::new(server.store().await);
    let cookie = app.get("/login/bob", Some(&app.new_session().await)).await.cookie.unwrap();
    app.get("/set/color/red", Some(&cookie)).await;
    let fields: BTreeMap<String, String> = server.run_command(&format!("HGETALL cloakroom:{}", id(&cookie))).await;
    let names: Vec<_> = fields.keys().map(String::as_str).collect();
    assert_eq!(names, ["record"]);
    let (columns, state) = fields["record"].split_once('\n').unwrap();
    assert_eq!(state, "5:color=5:\"red\"\n1:n=1:1\n");
    let columns: Vec<_> = columns.split(' ').map(|column| column.split_once('=').unwrap()).collect();
    let names: Vec<_> = columns.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, ["format", "expires", "used", "nonce", "created", "credentials", "owner"]);
    assert_eq!((columns[0].1, columns[6].1), ("1", "3:bob"));
    let secret = &cookie.split_once('=').unwrap().1[22..];
    assert!(!fields["record"].contains(secret));
    // A large one: its keys are fields.
    app.get("/fill/big/3000", Some(&cookie)).await;
    let fields: BTreeMap<String, String> = server.run_command(&format!("HGETALL cloakroom:{}", id(&cookie))).await;
    let names: Vec<_> = fields.keys().map(String::as_str).collect();
    assert_eq!(names, ["record", "s:big", "s:color", "s:n"]);
    assert_eq!((fields["s:color"].as_str(), fields["s:n"].as_str()), ("\"red\"", "1"));
    assert!(fields.values().all(|value| value.chars().all(|char| !char.is_control())), "{fields:?}");
    // A day to live, by the server's clock, and 100 to 200 s; the index lives another 18 to 37 hours.
    let day = 24 * 60 * 60 * 1000;
    let left: i64 = server.run_command(&format!("PTTL cloakroom:{}", id(&cookie))).await;
    assert!((day + 90_000..=day + 200_000).contains(&left), "{left}");
    let left: i64 = server.run_command("PTTL cloakroom:owner:bob").await;
    assert!((day + 67_000_000..=day + 134_300_000).contains(&left), "{left}");
}

/// For the 100 seconds in which its deadline lies and the next, so that a write need not say so each time.
#[tokio::test]
async fn redis_keeps_a_record_longer_than_its_deadline() {
    let server = Server::start().await;
    let store = server.store().await;
    let id = SessionId::random();
    let after = |seconds| NOW.plus(Duration::from_secs(seconds));
    // It is as many seconds more, less what the test takes.
    let keeps = async |seconds: i64, when: &str| {
        let left: i64 = server.run_command(&format!("PTTL cloakroom:{id}")).await;
        assert!((1000 * (seconds - 60)..1000 * seconds).contains(&left), "{when}: {left}");
    };
    let record = record([("n", "1")], Duration::from_secs(160));
    assert_eq!(store.create(&id, &record).await.unwrap(), Created::Done);
    keeps(300, "made").await;

    let month = Lifetime::builder().idle(Duration::from_secs(30 * 24 * 3600)).build().unwrap();
    let changes = |deadline| ChangesBuilder::new(NOW).expires_at(deadline);
    let steps = [
        ("in the same 100 seconds", changes(after(199)).set("a", "1"), 300),
        ("in the next", changes(after(200)).set("a", "2"), 400),
        ("a touch", changes(after(1234)), 1400),
        ("an earlier one, which does not count", changes(after(5)).set("a", "3"), 1400),
        ("another delta", changes(after(2000)).remove("a"), 2200),
        ("an earlier one, which counts", changes(after(50)).lifetime(month), 200),
    ];
    for (when, changes, seconds) in steps {
        assert_eq!(store.update(&id, &changes.build()).await.unwrap(), Updated::Done, "{when}");
        keeps(seconds, when).await;
    }
    for when in ["never", "still never"] {
        assert_eq!(store.update(&id, &changes(Timestamp::MAX).build()).await.unwrap(), Updated::Done, "{when}");
        assert_eq!(server.run_command::<i64>(&format!("PTTL cloakroom:{id}")).await, -1, "{when}");
    }
}
