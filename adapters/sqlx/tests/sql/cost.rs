//! The statements that a request costs, by the servers' own account.

use std::time::{Duration, Instant};

use cloakroom::{Lifetime, SessionLayer, store::SessionStore};
use cloakroom_sqlx::{MySqlStore, PostgresStore};
use sqlx::{AssertSqlSafe, Connection as _, MySqlConnection, mysql::MySqlPoolOptions, postgres::PgPoolOptions};

use crate::{
    app::App,
    servers::{mariadb, postgres, table},
};

/// Each request, whether it brings its cookie, and the statements that it costs.
const REQUESTS: [(&str, bool, &[&str]); 11] = [
    ("/read", false, &[]),
    ("/ignore", true, &[]),
    ("/read", true, &["select"]),
    ("/count", true, &["select", "update"]),
    ("/count", false, &["insert"]),
    ("/renew", true, &["select", "update"]),
    ("/login/bob", true, &["select", "update"]),
    ("/count", true, &["select", "update"]),
    ("/login/bob", false, &["insert"]),
    ("/renew", true, &["select", "update"]),
    ("/logout", true, &["select", "update"]),
];

async fn costs(store: impl SessionStore, mut statements: impl AsyncFnMut() -> Vec<String>) {
    let app = App::new(store);
    let mut cookie = app.new_session().await;
    statements().await;
    for (path, with_cookie, expected) in REQUESTS {
        let seen = app.get(path, with_cookie.then_some(cookie.as_str())).await;
        assert_eq!(seen.status, 200, "{path}: {}", app.last_failure());
        cookie = seen.cookie.filter(|cookie| cookie.len() > 30 && with_cookie).unwrap_or(cookie);
        assert_eq!(statements().await, expected, "{path}, cookie: {with_cookie}");
    }
}

#[tokio::test]
async fn a_request_costs_as_many_statements_in_postgres_as_it_must() {
    let (server, name) = (&*postgres::SHARED, table());
    let options = server.options().application_name(&name).options([("log_statement", "all")]);
    let pool = PgPoolOptions::new().max_connections(1).connect_lazy_with(options);
    let store = PostgresStore::new(pool.clone()).table(&name).unwrap();
    store.migrate().await.unwrap();
    let mut read = 0;
    costs(store, async || {
        // The log has all before this, because one connection sends one after the other.
        let marker = format!("marker {read}");
        sqlx::raw_sql(AssertSqlSafe(format!("select '{marker}'"))).execute(&pool).await.unwrap();
        let (mut log, started) = (server.log(), Instant::now());
        while !log.contains(&format!("{name}|LOG:  statement: select '{marker}'")) {
            assert!(started.elapsed().as_secs() < 10, "{marker} is not in the log");
            tokio::time::sleep(Duration::from_millis(1)).await;
            log = server.log();
        }
        let own = format!("{name}|LOG:  ");
        let all: Vec<&str> = log.lines().filter_map(|line| line.strip_prefix(&own)).collect();
        let new: Vec<String> = all[read..all.len() - 1].iter().map(|line| kind(line)).collect();
        read = all.len();
        new
    })
    .await;
}

/// `execute sqlx_s_1: select ..` or `statement: select ..`.
fn kind(line: &str) -> String {
    line.split_once(": ").unwrap().1.split_whitespace().next().unwrap().to_owned()
}

#[tokio::test]
async fn a_request_costs_as_many_statements_in_mariadb_as_it_must() {
    let (server, name) = (&*mariadb::SHARED, table());
    let mut admin = MySqlConnection::connect_with(&server.options()).await.unwrap();
    let log_on = "set global log_output = 'TABLE', global general_log = on";
    sqlx::raw_sql(log_on).execute(&mut admin).await.unwrap();
    let pool = MySqlPoolOptions::new().max_connections(1).connect_lazy_with(server.options());
    let store = MySqlStore::new(pool.clone()).table(&name).unwrap();
    store.migrate().await.unwrap();
    let thread: u64 = sqlx::query_scalar("select connection_id()").fetch_one(&pool).await.unwrap();
    let mut read = 0;
    costs(store, async || {
        let logged = "select convert(argument using utf8mb4) from mysql.general_log \
                      where thread_id = ? and command_type in ('Execute', 'Query') order by event_time";
        let all: Vec<String> = sqlx::query_scalar(logged).bind(thread).fetch_all(&mut admin).await.unwrap();
        let new = all[read..].iter().map(|line| line.split_whitespace().next().unwrap().to_owned()).collect();
        read = all.len();
        new
    })
    .await;
    sqlx::raw_sql("set global general_log = off").execute(&mut admin).await.unwrap();
}

/// A touch changes no column of an index, so PostgreSQL writes the new row beside the old one, and no index.
#[tokio::test]
async fn a_touch_moves_no_index_in_postgres() {
    let (server, name) = (&*postgres::SHARED, table());
    let pool = PgPoolOptions::new().max_connections(2).connect_lazy_with(server.options());
    let store = PostgresStore::new(pool.clone()).table(&name).unwrap();
    store.migrate().await.unwrap();
    let lifetime = Lifetime::builder().extend_on_write().build().unwrap();
    let app = App::over(SessionLayer::new(store).lifetime(lifetime));
    let cookie = app.new_session().await;
    let cookie = app.get("/login/alice", Some(&cookie)).await.cookie.unwrap();
    for _ in 0..200 {
        assert_eq!(app.get("/count", Some(&cookie)).await.status, 200);
    }
    // A session reports its numbers when it ends, at the latest.
    pool.close().await;
    let pool = server.pool();
    let counted = "select n_tup_upd, n_tup_hot_upd from pg_stat_user_tables where relname = $1";
    let (mut updates, mut hot) = (0_i64, 0_i64);
    let started = Instant::now();
    while updates < 201 {
        assert!(started.elapsed().as_secs() < 10, "{updates} updates are reported");
        (updates, hot) = sqlx::query_as(counted).bind(&name).fetch_one(&pool).await.unwrap();
    }
    println!("{hot} of {updates} updates wrote no index");
    // The login changes the owner, and the hour may have changed once.
    assert!(hot >= 198, "{hot} of {updates}");
}
