//! The application's own pool, and its own names of keys.

use std::time::Duration;

use cloakroom::redis::RedisStore;
use deadpool_redis::{Config, Pool, Runtime};
use tokio::time::Instant;

use crate::redis_support::{
    SECOND,
    app::{App, LIMIT, id},
    server::{Server, run},
    until,
};

fn pool(server: &Server) -> Pool {
    Config::from_url(server.url()).create_pool(Some(Runtime::Tokio1)).unwrap()
}

#[tokio::test]
async fn every_call_goes_through_it() {
    let server = Server::start().await;
    let pool = pool(&server);
    let app = App::new(RedisStore::from_pool(pool.clone()));
    let cookie = app.new_session().await;
    assert_eq!(app.get("/count", Some(&cookie)).await.body, "2");
    let cookie = app.get("/login/bob", Some(&cookie)).await.cookie.unwrap();
    assert_eq!(app.get("/count", Some(&cookie)).await.body, "3");
    assert_eq!(app.get("/logout", Some(&cookie)).await.status, 200, "{}", app.last_failure());
    assert_eq!(app.get("/read", Some(&cookie)).await.body, "");
    let status = pool.status();
    assert!(status.size >= 1 && status.available == status.size, "all are back: {status:?}");
}

#[tokio::test]
async fn a_connection_that_was_killed_is_nobodys_error() {
    let server = Server::start().await;
    let app = App::new(RedisStore::from_pool(pool(&server)));
    let cookie = app.new_session().await;
    let mut admin = server.admin().await;
    for n in 2..50 {
        let _: i64 = run(&mut admin, "CLIENT KILL TYPE normal SKIPME yes").await;
        assert_eq!(app.get("/count", Some(&cookie)).await.body, n.to_string(), "{}", app.last_failure());
    }
}

#[tokio::test]
async fn many_at_once_lose_no_count() {
    let server = Server::start().await;
    let app = App::new(RedisStore::from_pool(pool(&server)));
    let cookie = app.new_session().await;
    let requests: Vec<_> = (0..50)
        .map(|_| {
            let (app, cookie) = (app.clone(), cookie.clone());
            tokio::spawn(async move { app.get("/count", Some(&cookie)).await.status })
        })
        .collect();
    for request in requests {
        assert_eq!(request.await.unwrap(), 200, "{}", app.last_failure());
    }
    assert_eq!(app.get("/read", Some(&cookie)).await.body, "51");
}

#[tokio::test]
async fn while_redis_is_away_answers_are_errors_in_time() {
    let mut server = Server::start().await;
    let app = App::new(RedisStore::from_pool(pool(&server)));
    let cookie = app.new_session().await;
    server.kill();
    for _ in 0..3 {
        let (asks, new, ignores) =
            tokio::join!(app.get("/read", Some(&cookie)), app.get("/count", None), app.get("/ignore", Some(&cookie)));
        assert_eq!((asks.status, new.status, ignores.status), (503, 503, 200));
        assert_eq!((asks.cookie, new.cookie), (None, None));
    }
    server.restart().await;
    until("a session is stored again", SECOND, || async { app.get("/count", None).await.status == 200 }).await;
}

#[tokio::test]
async fn a_server_that_hangs_and_a_pool_that_is_empty_cost_no_more_than_the_time_outs() {
    let server = Server::start().await;
    let pool = Config::from_url(server.url()).builder().unwrap().max_size(1).runtime(Runtime::Tokio1).build().unwrap();
    let app = App::new(RedisStore::from_pool(pool.clone()));
    let cookie = app.new_session().await;
    server.pause();
    let (started, mut longest) = (Instant::now(), Duration::ZERO);
    while started.elapsed() < 3 * SECOND {
        let (one, other) = tokio::join!(app.get("/read", Some(&cookie)), app.get("/count", Some(&cookie)));
        assert_eq!((one.status, other.status), (503, 503));
        longest = longest.max(one.took).max(other.took);
    }
    assert!(longest < LIMIT, "{longest:?}");
    server.resume();
    until("the session is back", SECOND, || async { app.get("/read", Some(&cookie)).await.body == "1" }).await;

    let only = pool.get().await.unwrap();
    assert_eq!(app.get("/read", Some(&cookie)).await.status, 503, "somebody keeps the one connection");
    drop(only);
    assert_eq!(app.get("/read", Some(&cookie)).await.body, "1");
}

#[tokio::test]
async fn keys_are_called_as_the_application_says() {
    let server = Server::start().await;
    let name = |of: &str| format!("app:{of}:v1");
    let built = RedisStore::builder(server.url()).key_names(name).connect().await.unwrap();
    let told = server.store().await.key_names(name);
    for store in [built, told, RedisStore::from_pool(pool(&server)).key_names(name)] {
        let app = App::new(store);
        let cookie = app.new_session().await;
        let cookie = app.get("/login/bob", Some(&cookie)).await.cookie.unwrap();
        assert_eq!(app.get("/count", Some(&cookie)).await.body, "2");
        let mut keys: Vec<String> = server.run_command("KEYS *").await;
        keys.sort_unstable();
        let mut expected = [name(&id(&cookie)), name("owner:bob")];
        expected.sort_unstable();
        assert_eq!(keys, expected);
        assert_eq!(app.get("/logout", Some(&cookie)).await.status, 200);
        let keys: Vec<String> = server.run_command("KEYS *").await;
        assert_eq!(keys, [name(&id(&cookie))], "a tombstone");
        let _: () = server.run_command("FLUSHALL").await;
    }
}
