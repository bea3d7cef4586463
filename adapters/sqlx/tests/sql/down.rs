//! Servers that stop, hang, or have no connection to spare.

use std::{
    future::Future,
    time::{Duration, Instant},
};

use cloakroom::store::SessionStore;
use cloakroom_sqlx::{PostgresStore, SqliteStore};
use sqlx::{postgres::PgPoolOptions, sqlite::SqlitePoolOptions};
use tokio::time::sleep;

use crate::{
    app::App,
    servers::{
        mariadb::MariaDb,
        postgres::{self, Postgres},
        sqlite::File,
    },
};

const SECOND: Duration = Duration::from_secs(1);

/// Both time-outs, and what a busy machine adds.
const BOUND: Duration = Duration::from_millis(2500);

async fn until<F: Future<Output = bool>>(what: &str, mut done: impl FnMut() -> F) -> Duration {
    let started = Instant::now();
    while !done().await {
        assert!(started.elapsed() < SECOND, "{what}: not within a second");
        sleep(Duration::from_millis(5)).await;
    }
    started.elapsed()
}

/// Asks for a while, and returns the longest time that an answer took.
async fn is_unavailable(app: &App, cookie: &str) -> Duration {
    let (started, mut longest) = (Instant::now(), Duration::ZERO);
    while started.elapsed() < 3 * SECOND {
        let (asks, new, ignores, without) = tokio::join!(
            app.get("/read", Some(cookie)),
            app.get("/count", None),
            app.get("/ignore", Some(cookie)),
            app.get("/read", None),
        );
        assert_eq!((asks.status, new.status, ignores.status, without.status), (503, 503, 200, 200));
        assert_eq!((asks.cookie, new.cookie), (None, None));
        assert!(ignores.took < SECOND / 4 && without.took < SECOND / 4);
        longest = longest.max(asks.took).max(new.took);
    }
    assert!(longest < BOUND, "{longest:?}");
    longest
}

/// A server that a test may kill, and stop.
trait Fragile {
    fn kill(&mut self);
    fn run(&mut self);
    fn pause(&self);
    fn resume(&self);
}

macro_rules! fragile {
    ($server:ty) => {
        impl Fragile for $server {
            fn kill(&mut self) {
                self.kill();
            }
            fn run(&mut self) {
                self.run();
            }
            fn pause(&self) {
                self.pause();
            }
            fn resume(&self) {
                self.resume();
            }
        }
    };
}

fragile!(Postgres);
fragile!(MariaDb);

async fn comes_back(mut server: impl Fragile, store: impl SessionStore) {
    let app = App::new(store);
    let cookie = app.new_session().await;
    for round in 0..2 {
        server.kill();
        let longest = is_unavailable(&app, &cookie).await;
        server.run();
        let back = until("it writes again", || async { app.get("/count", None).await.status == 200 }).await;
        assert_eq!(app.get("/read", Some(&cookie)).await.body, "1");
        println!("killed, round {round}: longest answer {longest:?}; back after {back:?}");
    }
    server.pause();
    let longest = is_unavailable(&app, &cookie).await;
    server.resume();
    let back = until("it reads again", || async { app.get("/read", Some(&cookie)).await.body == "1" }).await;
    println!("stopped: longest answer {longest:?}; back after {back:?}");
    assert_eq!(app.get("/count", Some(&cookie)).await.body, "2");
}

#[tokio::test]
async fn postgres_killed_restarted_and_stopped() {
    let server = Postgres::start();
    let store = server.store().await;
    comes_back(server, store).await;
}

#[tokio::test]
async fn mariadb_killed_restarted_and_stopped() {
    let server = MariaDb::start();
    let store = server.store().await;
    comes_back(server, store).await;
}

#[tokio::test]
async fn a_pool_without_a_free_connection() {
    let server = &*postgres::SHARED;
    let pool = PgPoolOptions::new().max_connections(2).connect_lazy_with(server.options());
    let store = PostgresStore::new(pool.clone()).table("exhausted").unwrap();
    store.migrate().await.unwrap();
    let app = App::new(store);
    let cookie = app.new_session().await;
    let held = (pool.acquire().await.unwrap(), pool.acquire().await.unwrap());
    let seen = app.get("/count", Some(&cookie)).await;
    assert_eq!(seen.status, 503);
    assert!(seen.took >= SECOND && seen.took < BOUND, "{:?}", seen.took);
    assert!(app.last_failure().contains("Failure(NotDone"), "{}", app.last_failure());
    drop(held);
    assert_eq!(app.get("/count", Some(&cookie)).await.body, "2");
}

#[tokio::test]
async fn a_file_that_another_program_locks() {
    let file = File::new();
    let app = App::new(file.store().await);
    let cookie = app.new_session().await;
    let other = SqlitePoolOptions::new().max_connections(1).connect_with(file.options()).await.unwrap();
    let mut writer = other.acquire().await.unwrap();
    sqlx::query("begin immediate").execute(&mut *writer).await.unwrap();
    // Readers do not wait in WAL.
    assert_eq!(app.get("/read", Some(&cookie)).await.body, "1");
    let seen = app.get("/count", Some(&cookie)).await;
    assert_eq!(seen.status, 503);
    assert!(seen.took < BOUND, "{:?}", seen.took);
    assert!(
        app.last_failure().contains("Failure(NotDone") && app.last_failure().contains("locked"),
        "{}",
        app.last_failure()
    );
    sqlx::query("commit").execute(&mut *writer).await.unwrap();
    assert_eq!(app.get("/count", Some(&cookie)).await.body, "2");
    drop(SqliteStore::new(other));
}
