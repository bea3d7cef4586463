//! Passwords, users with few rights, databases, sockets, prefixes, and the application's own connections.

use cloakroom::{
    SessionId,
    redis::RedisStore,
    store::{Replaced, SessionStore as _, Timestamp},
    testing::RecordBuilder,
};

use crate::{
    records::NOW,
    redis_support::{
        SECOND,
        app::{App, id},
        server::{Server, run},
        until,
    },
};

/// The rights in the module's documentation.
const RIGHTS: &str = "~cloakroom:* +ping +get +getrange +set +setrange +strlen +del +pexpire +persist +eval +evalsha \
                      +zadd +zrange +zrangebyscore +zrevrange +zrem";

/// Makes every kind of call.
async fn works(app: &App) {
    let cookie = app.new_session().await;
    assert_eq!(app.get("/count", Some(&cookie)).await.body, "2");
    let cookie = app.get("/login/bob", Some(&cookie)).await.cookie.unwrap();
    assert_eq!(app.get("/remember", Some(&cookie)).await.status, 200);
    for size in [3000, 10] {
        assert_eq!(app.get(&format!("/fill/big/{size}"), Some(&cookie)).await.status, 200, "{}", app.last_failure());
    }
    assert_eq!(app.get("/count", Some(&cookie)).await.body, "3");
    assert_eq!(app.get("/logout", Some(&cookie)).await.status, 200, "{}", app.last_failure());
    assert_eq!(app.get("/read", Some(&cookie)).await.body, "");
}

#[tokio::test]
async fn a_user_with_no_more_rights_than_documented() {
    let server = Server::start().await;
    let mut admin = server.admin().await;
    let _: () = run(&mut admin, &format!("ACL SETUSER web on >s3cret:/@ {RIGHTS}")).await;
    let _: () = run(&mut admin, "ACL SETUSER default off").await;

    let url = format!("redis://web:s3cret%3A%2F%40@{}", server.address());
    let store = RedisStore::connect(url).await.unwrap();
    store.ping().await.unwrap();
    let owners = cloakroom::SessionLayer::new(store.clone()).owners().unwrap();
    let app = App::new(store);
    works(&app).await;
    let cookie = app.get("/login/bob", None).await.cookie.unwrap();
    assert_eq!(owners.list("bob").await.unwrap().len(), 1);
    assert!(owners.revoke("bob", &id(&cookie).parse().unwrap()).await.unwrap());

    let builder = RedisStore::builder(server.address()).username("web").password("s3cret:/@");
    works(&App::new(builder.connect().await.unwrap())).await;
    for password in ["", "wrong"] {
        let error = RedisStore::builder(server.url()).username("web").password(password).connect().await.unwrap_err();
        assert!(error.is_refused() && !error.is_unreachable(), "{error:?}");
        let start = format!("Redis at {} was reached, but refused: ", server.address());
        assert!(format!("{error:?}").starts_with(&start) && !format!("{error:?}").contains("s3cret"), "{error:?}");
    }
    let error =
        RedisStore::builder(server.url()).username("web").password("s3cret:/@").prefix("other:").connect().await;
    let seen = App::new(error.unwrap()).get("/count", None).await;
    assert_eq!(seen.status, 503);
}

#[tokio::test]
async fn a_password_a_database_and_the_older_protocol() {
    let server = Server::start_with(&["--requirepass", "pw"]).await;
    assert!(RedisStore::connect(server.url()).await.is_err());
    let address = server.address();
    works(&App::new(RedisStore::connect(format!("redis://:pw@{address}")).await.unwrap())).await;
    let store = RedisStore::connect(format!("redis://:pw@{address}/3?protocol=resp2")).await.unwrap();
    let app = App::new(store);
    works(&app).await;
    let cookie = app.new_session().await;
    for (database, count) in [(0, ""), (3, "1")] {
        let store = RedisStore::builder(&address).password("pw").database(database).connect().await.unwrap();
        assert_eq!(App::new(store).get("/read", Some(&cookie)).await.body, count);
    }
}

#[tokio::test]
async fn a_unix_socket() {
    let mut server = Server::prepare(&[]);
    let path = server.dir.join("redis.sock").display().to_string();
    server.arguments.extend(["--unixsocket".to_owned(), path.clone()]);
    server.restart().await;
    // The server listens there a little later.
    until("the socket is there", SECOND, || async { tokio::net::UnixStream::connect(&path).await.is_ok() }).await;
    for url in [format!("unix:{path}"), format!("unix://{path}?db=2")] {
        let store = RedisStore::connect(url).await.unwrap();
        works(&App::new(store.clone())).await;
        let app = App::new(store);
        let cookie = app.new_session().await;
        server.kill();
        assert_eq!(app.get("/read", Some(&cookie)).await.status, 503);
        server.restart().await;
        until("it is back", SECOND, || async { app.get("/count", None).await.status == 200 }).await;
    }
}

#[tokio::test]
async fn a_connection_of_ones_own() {
    let server = Server::start().await;
    let connection = server.admin().await;
    let app = App::new(RedisStore::from_connection(connection).prefix("mine:"));
    works(&app).await;
    let cookie = app.new_session().await;
    assert_eq!(server.run_command::<i64>(&format!("EXISTS mine:{}", id(&cookie))).await, 1);
    assert_eq!(App::new(server.store().await).get("/read", Some(&cookie)).await.body, "");
    server.pause();
    assert_eq!(app.get("/read", Some(&cookie)).await.status, 503);
    server.resume();
}

#[tokio::test]
async fn time_outs_are_as_they_were_set() {
    let server = Server::start().await;
    let limit = SECOND / 5;
    let store =
        RedisStore::builder(server.url()).connection_timeout(limit).response_timeout(limit).connect().await.unwrap();
    let app = App::new(store);
    let cookie = app.new_session().await;
    server.pause();
    for _ in 0..3 {
        let seen = app.get("/read", Some(&cookie)).await;
        assert_eq!(seen.status, 503);
        // With the default of a second, it would take longer than that.
        assert!(seen.took < SECOND, "{:?}", seen.took);
    }
    server.resume();
}

/// Runs every command of the scripts: a large record whose deadline moves, becomes infinite, and finite again.
#[tokio::test]
async fn the_rights_are_enough_for_each_command_and_none_is_too_many() {
    let server = Server::start().await;
    let rights: Vec<&str> = RIGHTS.split_whitespace().collect();
    let every = |store: RedisStore| async move {
        let ids = [SessionId::random(), SessionId::random(), SessionId::random()];
        let mut base = RecordBuilder::new(NOW).owner(Some("bob")).set("pad", &"x".repeat(5000)).build();
        store.create(&ids[0], &base).await?;
        for deadline in [NOW.plus(9 * SECOND), Timestamp::MAX, NOW.plus(SECOND)] {
            let next = RecordBuilder::after(&base).used_at(NOW.plus(SECOND)).expires_at(deadline).build();
            assert_eq!(store.replace(&ids[0], &base, &next).await?, Replaced::Done);
            base = next;
        }
        // Entries whose time has passed are removed.
        let later = RecordBuilder::new(Timestamp::MAX).owner(Some("bob")).build();
        store.create(&ids[1], &later).await?;
        let next = RecordBuilder::after(&later).set("a", "1").build();
        store.replace(&ids[1], &later, &next).await?;
        store.create(&ids[2], &later).await?;
        let owners = store.owner_index().unwrap();
        assert_eq!(owners.list("bob").await?.len(), 3);
        store.delete(&ids[0], Some(&base)).await?;
        store.delete(&ids[1], None).await?;
        store.load(&ids[2]).await?;
        store.ping().await?;
        Ok::<_, cloakroom::StoreError>(owners.revoke_all("bob", None).await?.len())
    };
    let mut admin = server.admin().await;
    for left_out in std::iter::once(None).chain(rights.iter().skip(1).map(Some)) {
        let _: () = run(&mut admin, "FLUSHALL").await;
        let granted = rights.iter().filter(|right| Some(*right) != left_out);
        let granted = granted.copied().collect::<Vec<_>>().join(" ");
        let _: () = run(&mut admin, &format!("ACL SETUSER web reset on >pw {granted}")).await;
        let _: () = run(&mut admin, "SCRIPT FLUSH").await;
        let url = format!("redis://web:pw@{}", server.address());
        let done = every(RedisStore::lazy(url).unwrap()).await;
        match left_out {
            None => assert_eq!(done.unwrap(), 1),
            // Removing entries is housekeeping, and a delete needs it only as a fallback.
            Some(&"+zrem") => {}
            Some(right) => {
                let error = done.expect_err(right);
                // Each version has its own words for an error in a script.
                let text = format!("{error:?}");
                let is_refused =
                    ["NOPERM", "can't run this command", "ACL failure"].iter().any(|word| text.contains(word));
                assert!(is_refused && error.is_not_done(), "{right}: {text}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_suite_as_a_user_with_few_rights() {
    let server = Server::start().await;
    let _: () = server.run_command(&format!("ACL SETUSER web on >pw {RIGHTS}")).await;
    let url = format!("redis://web:pw@{}", server.address());
    cloakroom::testing::contract(async || RedisStore::connect(url.as_str()).await.unwrap()).await;
}
