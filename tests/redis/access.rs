//! Passwords, users with few rights, databases, sockets, prefixes, and connections of one's own.

use cloakroom::redis::RedisStore;

use crate::redis_support::{
    SECOND,
    app::{App, id},
    server::{Server, run},
    until,
};

/// As the module's documentation has them.
const RIGHTS: &str = "~cloakroom:* +ping +eval +evalsha +hget +hgetall +hset +hdel +del +exists +pexpire \
                      +persist +zadd +zrange +zrangebyscore +zrem +zrevrange";

/// Every kind of call.
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
        assert!(error.is_unreachable(), "{error:?}");
        assert!(!format!("{error:?}").contains("s3cret"));
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
    let limit = SECOND / 10;
    let store =
        RedisStore::builder(server.url()).connection_timeout(limit).response_timeout(limit).connect().await.unwrap();
    let app = App::new(store);
    let cookie = app.new_session().await;
    server.pause();
    for _ in 0..3 {
        let seen = app.get("/read", Some(&cookie)).await;
        assert_eq!(seen.status, 503);
        assert!(seen.took < 4 * limit, "{:?}", seen.took);
    }
    server.resume();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_suite_as_a_user_with_few_rights() {
    let server = Server::start().await;
    let _: () = server.run_command(&format!("ACL SETUSER web on >pw {RIGHTS}")).await;
    let url = format!("redis://web:pw@{}", server.address());
    cloakroom::testing::contract(async || RedisStore::connect(url.as_str()).await.unwrap()).await;
}
