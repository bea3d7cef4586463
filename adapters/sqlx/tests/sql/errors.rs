//! The errors that the database returns.

use std::time::{Duration, Instant};

use cloakroom::{
    SessionId, StoreError,
    store::{Created, Record, Replaced, SessionStore, Timestamp},
    testing::RecordBuilder,
};
use cloakroom_sqlx::{MySqlStore, PostgresStore, SqliteStore};
use sqlx::{Connection as _, MySqlConnection, PgConnection, mysql::MySqlPoolOptions, sqlite::SqlitePoolOptions};

use crate::{
    app::App,
    servers::{
        mariadb,
        postgres::{self, Postgres},
        sqlite::File,
        table,
    },
};

fn record() -> Record {
    RecordBuilder::new(std::time::SystemTime::now().into()).set("n", "1").owner(Some("alice")).build()
}

fn text(error: &StoreError) -> String {
    std::error::Error::source(error).unwrap().to_string()
}

/// Pages that only read work on a replica. Writes are refused, and have had no effect.
async fn only_reads(app: App, cookie: &str) {
    for path in ["/read", "/ignore"] {
        assert_eq!(app.get(path, Some(cookie)).await.status, 200, "{path}");
    }
    for path in ["/count", "/renew", "/login/bob", "/logout"] {
        let seen = app.get(path, Some(cookie)).await;
        assert_eq!(seen.status, 503, "{path}");
        // A browser that logs out forgets its token in any case.
        assert_eq!(seen.cookie.as_deref(), (path == "/logout").then_some("id="), "{path}");
        assert!(app.last_failure().contains("Failure(NotDone"), "{}", app.last_failure());
    }
    assert_eq!(app.get("/read", Some(cookie)).await.body, "1");
}

#[tokio::test]
async fn a_read_only_database_serves_pages_that_only_read() {
    let server = &*postgres::SHARED;
    let name = table();
    let store = PostgresStore::new(server.pool()).table(&name).unwrap();
    store.migrate().await.unwrap();
    let cookie = App::new(store).new_session().await;
    let options = server.options().options([("default_transaction_read_only", "on")]);
    only_reads(App::new(PostgresStore::new(postgres::pool(options)).table(&name).unwrap()), &cookie).await;

    let server = &*mariadb::SHARED;
    let store = MySqlStore::new(server.pool()).table(&name).unwrap();
    store.migrate().await.unwrap();
    let cookie = App::new(store).new_session().await;
    let pool = MySqlPoolOptions::new().after_connect(|connection, _| {
        Box::pin(async move { sqlx::query("set session transaction read only").execute(connection).await.map(drop) })
    });
    let store = MySqlStore::new(pool.connect_lazy_with(server.options())).table(&name).unwrap();
    only_reads(App::new(store), &cookie).await;

    let file = File::new();
    let cookie = App::new(file.store().await).new_session().await;
    let pool = SqlitePoolOptions::new().connect_lazy_with(file.options().pragma("query_only", "on"));
    only_reads(App::new(SqliteStore::new(pool)), &cookie).await;
}

#[tokio::test]
async fn a_lock_that_does_not_come_in_time_is_not_done() {
    let (id, first) = (SessionId::random(), record());
    let next = RecordBuilder::after(&first).set("n", "2").build();

    let (server, name) = (&*postgres::SHARED, table());
    let options = server.options().options([("lock_timeout", "100ms")]);
    let store = PostgresStore::new(postgres::pool(options)).table(&name).unwrap();
    store.migrate().await.unwrap();
    store.create(&id, &first).await.unwrap();
    let mut other = PgConnection::connect_with(&server.options()).await.unwrap();
    let lock = format!("select 1 from {name} for update");
    let mut transaction = other.begin().await.unwrap();
    sqlx::query(sqlx::AssertSqlSafe(lock.as_str())).execute(&mut *transaction).await.unwrap();
    assert_eq!(store.load(&id).await.unwrap().as_ref(), Some(&first));
    let error = store.replace(&id, &first, &next).await.unwrap_err();
    assert!(error.is_not_done() && text(&error).contains("55P03"), "{error:?}");
    // Without the server's limit, the store's own holds. The statement may still be done.
    let patient = PostgresStore::new(server.pool()).table(&name).unwrap().query_timeout(Duration::from_millis(200));
    let started = Instant::now();
    let error = patient.replace(&id, &first, &next).await.unwrap_err();
    assert!(error.is_unknown() && text(&error).contains("200ms"), "{error:?}");
    assert!(started.elapsed() < Duration::from_secs(1));
    transaction.commit().await.unwrap();

    let (server, name) = (&*mariadb::SHARED, table());
    let pool = MySqlPoolOptions::new().after_connect(|connection, _| {
        Box::pin(
            async move { sqlx::query("set session innodb_lock_wait_timeout = 1").execute(connection).await.map(drop) },
        )
    });
    let store = MySqlStore::new(pool.connect_lazy_with(server.options())).table(&name).unwrap();
    let store = store.query_timeout(Duration::from_secs(5));
    store.migrate().await.unwrap();
    store.create(&id, &first).await.unwrap();
    let mut other = MySqlConnection::connect_with(&server.options()).await.unwrap();
    let lock = format!("select 1 from {name} for update");
    let mut transaction = other.begin().await.unwrap();
    sqlx::query(sqlx::AssertSqlSafe(lock.as_str())).execute(&mut *transaction).await.unwrap();
    assert_eq!(store.load(&id).await.unwrap().as_ref(), Some(&first));
    let error = store.replace(&id, &first, &next).await.unwrap_err();
    assert!(error.is_not_done() && text(&error).contains("Lock wait timeout"), "{error:?}");
    transaction.commit().await.unwrap();
    assert_eq!(store.load(&id).await.unwrap().as_ref(), Some(&first));
}

/// The replacement holds its row and waits for the place of the new owner in the index. The other transaction holds that
/// place, and then asks for the row. It wrote more rows, so the server ends the replacement.
#[tokio::test]
async fn a_statement_that_a_deadlock_ended_is_sent_again() {
    let (id, first) = (SessionId::random(), record());
    let next = RecordBuilder::after(&first).owner(Some("bob")).build();
    let (server, name) = (&*mariadb::SHARED, table());
    let store = MySqlStore::new(server.pool()).table(&name).unwrap().query_timeout(Duration::from_secs(30));
    store.migrate().await.unwrap();
    store.create(&id, &first).await.unwrap();
    let mut other = MySqlConnection::connect_with(&server.options()).await.unwrap();
    let mut transaction = other.begin().await.unwrap();
    for _ in 0..20 {
        let filler = format!("insert into {name} (id, nonce, expires_at, sweep, record) values (?, 1, 1, 1, '')");
        let filler = sqlx::query(sqlx::AssertSqlSafe(filler)).bind(SessionId::random().to_string());
        filler.execute(&mut *transaction).await.unwrap();
    }
    let place = format!("select 1 from {name} where owner = 'bob' for update");
    sqlx::query(sqlx::AssertSqlSafe(place)).execute(&mut *transaction).await.unwrap();
    let deadlock = async {
        let waiting = "select count(*) from information_schema.innodb_trx where trx_state = 'LOCK WAIT'";
        // The server renews this table only if it was not read for 100 ms.
        while sqlx::query_scalar::<_, i64>(waiting).fetch_one(&mut *transaction).await.unwrap() == 0 {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        let row = format!("select 1 from {name} where id = ? for update");
        sqlx::query(sqlx::AssertSqlSafe(row)).bind(id.to_string()).execute(&mut *transaction).await.unwrap();
        transaction.commit().await.unwrap();
    };
    let (replaced, ()) = tokio::join!(store.replace(&id, &first, &next), deadlock);
    assert_eq!(replaced.unwrap(), Replaced::Done);
    assert_eq!(store.load(&id).await.unwrap(), Some(next));
}

#[tokio::test]
async fn a_missing_table_is_named() {
    let stores: [(&str, StoreError); 3] = [
        ("cloakroom_sessions", missing(PostgresStore::new(postgres::SHARED.pool())).await),
        ("cloakroom_sessions", missing(MySqlStore::new(mariadb::SHARED.pool())).await),
        ("cloakroom_sessions", missing(SqliteStore::new(File::new().pool())).await),
    ];
    for (name, error) in stores {
        assert!(error.is_not_done() && text(&error).contains(name), "{error:?}");
    }
}

async fn missing(store: impl SessionStore) -> StoreError {
    store.create(&SessionId::random(), &record()).await.unwrap_err()
}

/// A statement of a connection that the server ended is in doubt.
#[tokio::test]
async fn a_connection_that_the_server_ends_leaves_the_outcome_unknown() {
    let (id, first) = (SessionId::random(), record());
    let next = RecordBuilder::after(&first).set("n", "2").build();
    let (server, name) = (&*postgres::SHARED, table());
    let store = PostgresStore::new(postgres::pool(server.options().application_name(&name))).table(&name).unwrap();
    store.migrate().await.unwrap();
    store.create(&id, &first).await.unwrap();
    let mut other = PgConnection::connect_with(&server.options()).await.unwrap();
    let mut transaction = other.begin().await.unwrap();
    let lock = format!("select 1 from {name} for update");
    sqlx::query(sqlx::AssertSqlSafe(lock)).execute(&mut *transaction).await.unwrap();
    let end = async {
        let killed = "select count(pg_terminate_backend(pid)) from pg_stat_activity \
                      where application_name = $1 and wait_event_type = 'Lock'";
        while sqlx::query_scalar::<_, i64>(killed).bind(&name).fetch_one(&mut *transaction).await.unwrap() == 0 {}
    };
    let (replaced, ()) = tokio::join!(store.replace(&id, &first, &next), end);
    let error = replaced.unwrap_err();
    assert!(error.is_unknown() && text(&error).contains("57P01"), "{error:?}");
    transaction.commit().await.unwrap();
    assert_eq!(store.load(&id).await.unwrap(), Some(first));
}

/// Every column has a number, and no time: the time zone of a session changes nothing.
#[tokio::test]
async fn a_time_zone_changes_nothing() {
    let (server, name) = (&*postgres::SHARED, table());
    let here = PostgresStore::new(server.pool()).table(&name).unwrap();
    here.migrate().await.unwrap();
    let options = server.options().options([("TimeZone", "Pacific/Kiritimati")]);
    let there = PostgresStore::new(postgres::pool(options)).table(&name).unwrap();
    let (id, first) = (SessionId::random(), record());
    there.create(&id, &first).await.unwrap();
    assert_eq!(here.load(&id).await.unwrap().as_ref(), Some(&first));
    let next = RecordBuilder::after(&first).expires_at(Timestamp::MAX).build();
    here.replace(&id, &first, &next).await.unwrap();
    assert_eq!(there.load(&id).await.unwrap(), Some(next));
    assert_eq!(there.sweep(10).await.unwrap(), 0);
}

/// A file of SQLite that may not grow, as on a full disk. What is there can be read, and a logout works.
#[tokio::test]
async fn a_full_database_refuses_new_sessions() {
    let file = File::new();
    let pool = SqlitePoolOptions::new().max_connections(1).connect_lazy_with(file.options());
    let store = SqliteStore::new(pool.clone());
    store.migrate().await.unwrap();
    let app = App::new(store.clone());
    let cookie = app.new_session().await;
    sqlx::query("pragma max_page_count = 1").execute(&pool).await.unwrap();
    let large = RecordBuilder::of(&record()).set("a", &format!("\"{}\"", "x".repeat(50_000))).build();
    let error = store.create(&SessionId::random(), &large).await.unwrap_err();
    assert!(error.is_not_done() && text(&error).contains("full"), "{error:?}");
    assert_eq!(app.get("/read", Some(&cookie)).await.body, "1");
    assert_eq!(app.get("/logout", Some(&cookie)).await.status, 200);
}

/// A server whose files cannot grow. What is there can be read, and it works again as soon as there is room.
#[tokio::test]
async fn a_full_disk_refuses_new_sessions_and_nothing_else() {
    let server = Postgres::start();
    let store = server.store().await;
    let app = App::new(store.clone());
    let cookie = app.new_session().await;
    // A segment of the log has 16 MiB.
    server.limit_files("17000000");
    let large = RecordBuilder::of(&record()).set("a", &format!("\"{}\"", noise(400_000))).build();
    let error = loop {
        if let Err(error) = store.create(&SessionId::random(), &large).await {
            break error;
        }
    };
    assert!(error.is_not_done() && text(&error).contains("could not extend file"), "{error:?}");
    assert_eq!(app.get("/read", Some(&cookie)).await.body, "1");
    server.limit_files("unlimited");
    assert_eq!(store.create(&SessionId::random(), &large).await.unwrap(), Created::Done);
    assert_eq!(app.get("/count", Some(&cookie)).await.body, "2");
}

/// Text that does not become shorter when it is compressed.
fn noise(length: usize) -> String {
    std::iter::repeat_with(|| SessionId::random().to_string()).take(length / 22).collect()
}
