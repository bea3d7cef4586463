//! The tables of tower-sessions-sqlx-store. The statements that make them, and the dates in them, are that crate's.

use std::time::Duration;

use cloakroom::{
    formats::{ByteStore, Stored},
    store::{Created, Deleted, Replaced},
    testing::byte_contract,
};
use cloakroom_sqlx::{Database, TowerSessionsTable};
use sqlx::{AssertSqlSafe, Connection, Executor, IntoArguments, MySqlPool, PgPool, Pool, SqlitePool};

use crate::servers::{mariadb, pgbouncer::PgBouncer, postgres, sqlite::File, table};

const PATIENCE: Duration = Duration::from_secs(30);

fn stored(bytes: &str) -> Stored {
    Stored { bytes: bytes.into(), ttl: Some(Duration::from_mins(10)) }
}

async fn run(pool: &PgPool, text: String) {
    sqlx::raw_sql(AssertSqlSafe(text)).execute(pool).await.unwrap();
}

/// Makes a schema with the table that each test of a server shares.
async fn postgres() -> (PgPool, String) {
    let (pool, schema) = (postgres::SHARED.pool(), format!("Schema_{}", table()));
    run(&pool, format!(r#"create schema if not exists "{schema}""#)).await;
    let columns = "(id text primary key not null, data bytea not null, expiry_date timestamptz not null)";
    run(&pool, format!(r#"create table if not exists "{schema}"."session" {columns}"#)).await;
    (pool, schema)
}

async fn mariadb() -> (MySqlPool, String) {
    let (pool, schema) = (mariadb::SHARED.pool(), format!("schema_{}", table()));
    for text in [
        format!("create schema if not exists {schema}"),
        format!(
            "create table if not exists `{schema}`.`session` \
             (id char(22) primary key not null, data blob not null, expiry_date timestamp(6) not null)"
        ),
    ] {
        sqlx::raw_sql(AssertSqlSafe(text)).execute(&pool).await.unwrap();
    }
    (pool, schema)
}

async fn sqlite(pool: SqlitePool, name: &str) -> SqlitePool {
    let columns = "(id text primary key not null, data blob not null, expiry_date integer not null)";
    let text = format!("create table if not exists {name} {columns}");
    sqlx::raw_sql(AssertSqlSafe(text)).execute(&pool).await.unwrap();
    pool
}

async fn holds<DB: Database>(table: TowerSessionsTable<DB>) {
    byte_contract(&table.acquire_timeout(PATIENCE).query_timeout(PATIENCE)).await;
}

#[tokio::test]
async fn postgres_keeps_the_contract() {
    let (pool, schema) = postgres().await;
    let table = TowerSessionsTable::new(pool).schema(&schema).unwrap();
    holds(table.clone()).await;
    holds(table.unprepared()).await;
    let server = &*postgres::SHARED;
    let bouncer = PgBouncer::start(server, 2);
    let pool = postgres::pool(bouncer.options(server));
    holds(TowerSessionsTable::new(pool).schema(&schema).unwrap().unprepared()).await;
}

#[tokio::test]
async fn mariadb_keeps_the_contract_in_any_time_zone() {
    let (pool, schema) = mariadb().await;
    holds(TowerSessionsTable::new(pool).schema(&schema).unwrap()).await;
    let pool = mariadb::pool(mariadb::SHARED.options().timezone(Some("-07:00".to_owned())));
    holds(TowerSessionsTable::new(pool).schema(&schema).unwrap()).await;
}

#[tokio::test]
async fn sqlite_keeps_the_contract() {
    let file = File::new();
    holds(TowerSessionsTable::new(sqlite(file.pool(), "tower_sessions").await)).await;
    let pool = sqlite(file.pool(), "\"Their-Sessions\"").await;
    holds(TowerSessionsTable::new(pool).table("Their-Sessions").unwrap()).await;
}

/// Their nodes compare the dates as the application's clock has it.
#[tokio::test]
async fn their_rows_are_read_and_ours_are_theirs() {
    let (pool, schema) = postgres().await;
    let name = format!(r#""{schema}"."session""#);
    for (id, date) in [
        ("alive", "now() + interval '60 s'"),
        ("ended", "now() - interval '1 s'"),
        ("endless", "'infinity'"),
        ("never", "'-infinity'"),
    ] {
        run(&pool, format!("insert into {name} (id, data, expiry_date) values ('{id}', 'one', {date})")).await;
    }
    let reads = format!("select data from {name} where id = 'ours' and expiry_date > now() + interval '595 s'");
    check(pool, |pool| TowerSessionsTable::new(pool).schema(&schema).unwrap(), reads).await;

    let (pool, schema) = mariadb().await;
    let name = format!("`{schema}`.`session`");
    for (id, date) in [
        ("alive", "now(6) + interval 60 second"),
        ("ended", "now(6) - interval 1 second"),
        ("endless", "from_unixtime(2147483647)"),
        ("never", "from_unixtime(1)"),
    ] {
        let text = format!("insert into {name} (id, data, expiry_date) values ('{id}', 'one', {date})");
        sqlx::raw_sql(AssertSqlSafe(text)).execute(&pool).await.unwrap();
    }
    let reads = format!("select data from {name} where id = 'ours' and expiry_date > now(6) + interval 595 second");
    check(pool, |pool| TowerSessionsTable::new(pool).schema(&schema).unwrap(), reads).await;

    let file = File::new();
    let pool = sqlite(file.pool(), "tower_sessions").await;
    for (id, date) in [
        // As that crate writes dates, with nine digits or none.
        ("alive", "strftime('%Y-%m-%dT%H:%M:%S.123456789Z', 'now', '60 seconds')"),
        ("ended", "strftime('%Y-%m-%dT%H:%M:%SZ', 'now', '-1 seconds')"),
        ("endless", "'9999-12-31T23:59:59.999999999Z'"),
        ("never", "'0001-01-01T00:00:00Z'"),
    ] {
        let text = format!("insert into tower_sessions (id, data, expiry_date) values ('{id}', x'6f6e65', {date})");
        sqlx::raw_sql(AssertSqlSafe(text)).execute(&pool).await.unwrap();
    }
    // The texts are compared as texts there.
    let reads = "select data from tower_sessions where id = 'ours' \
                 and expiry_date > strftime('%Y-%m-%dT%H:%M:%S.123456789Z', 'now', '595 seconds') \
                 and expiry_date < strftime('%Y-%m-%dT%H:%M:%S.123456789Z', 'now', '602 seconds')";
    check(pool, TowerSessionsTable::new, reads.to_owned()).await;
}

async fn check<DB>(pool: Pool<DB>, make: impl Fn(Pool<DB>) -> TowerSessionsTable<DB>, reads: String)
where
    DB: Database,
    for<'a> &'a mut DB::Connection: Executor<'a, Database = DB>,
    for<'a> DB::Arguments: IntoArguments<DB>,
    DB::Connection: Connection,
    (Vec<u8>,): for<'a> sqlx::FromRow<'a, DB::Row>,
{
    let store = make(pool.clone());
    let found = store.load("alive").await.unwrap().unwrap();
    assert_eq!(found.bytes, b"one");
    assert!(found.ttl > Some(Duration::from_secs(50)) && found.ttl <= Some(Duration::from_secs(61)), "{found:?}");
    assert_eq!(store.load("endless").await.unwrap().unwrap().ttl, None);
    for id in ["ended", "never"] {
        assert_eq!(store.load(id).await.unwrap(), None, "{id}");
        assert_eq!(store.replace(id, b"one", &stored("two")).await.unwrap(), Replaced::Gone);
        assert_eq!(store.delete(id, None).await.unwrap(), Deleted::Gone);
        assert_eq!(store.create(id, &stored("two")).await.unwrap(), Created::Done);
        assert_eq!(store.create(id, &stored("three")).await.unwrap(), Created::Taken);
        assert_eq!(store.load(id).await.unwrap().unwrap().bytes, b"two");
    }
    assert_eq!(store.replace("endless", b"one", &stored("two")).await.unwrap(), Replaced::Done);
    assert_eq!(store.create("ours", &stored("one")).await.unwrap(), Created::Done);
    let (bytes,): (Vec<u8>,) = sqlx::query_as(AssertSqlSafe(reads)).fetch_one(&pool).await.unwrap();
    assert_eq!(bytes, b"one");
    // Two creators at once: one of them stores its record.
    let calls = (0..8).map(|_| {
        let store = store.clone();
        tokio::spawn(async move { store.create("at-once", &stored("one")).await.unwrap() })
    });
    let mut done = 0;
    for call in calls.collect::<Vec<_>>() {
        done += usize::from(call.await.unwrap() == Created::Done);
    }
    assert_eq!(done, 1);
}

#[tokio::test]
async fn errors_promise_that_nothing_was_done_and_show_no_id() {
    let file = File::new();
    // There is no table.
    let store = TowerSessionsTable::new(file.pool());
    for error in [
        store.load("s3cret").await.unwrap_err(),
        store.create("s3cret", &stored("one")).await.unwrap_err(),
        store.replace("s3cret", b"one", &stored("two")).await.unwrap_err(),
        store.delete("s3cret", None).await.unwrap_err(),
    ] {
        assert!(error.is_not_done(), "{error:?}");
        let text = format!("{error:?} {store:?}");
        assert!(text.contains("no such table") && !text.contains("s3cret"), "{text}");
    }
    let (pool, schema) = mariadb().await;
    let store = TowerSessionsTable::new(pool).schema(&schema).unwrap();
    let error = store.create("s3cret and longer than the column", &stored("one")).await.unwrap_err();
    assert!(error.is_not_done() && !format!("{error:?}").contains("s3cret"), "{error:?}");
    for name in ["", "a b", "a.b", "a;b", "a\"b", "a`b", "a\0"] {
        let error = TowerSessionsTable::new(file.pool()).table(name).unwrap_err();
        assert!(error.to_string().contains("letters, digits"), "{error}");
        assert!(TowerSessionsTable::new(file.pool()).schema(name).is_err());
    }
}
