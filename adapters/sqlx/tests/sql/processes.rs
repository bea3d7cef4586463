//! Two processes on one database.

use std::process::{Command, Stdio};

use cloakroom::store::SessionStore;
use cloakroom_sqlx::{Database, MySqlStore, PostgresStore, SqlStore, SqliteStore};
use sqlx::{MySqlPool, PgPool, sqlite::SqlitePoolOptions};

use crate::{
    app::App,
    servers::{mariadb, postgres, sqlite::File, table},
};

/// Requests of each process that count, and run at the same time.
const WRITERS: usize = 8;
const ROUNDS: usize = 15;

/// Carries the database, the table and the cookie to the other process.
const VARIABLE: &str = "CLOAKROOM_SQL_TEST";

async fn count(app: &App, cookie: &str) {
    let writers: Vec<_> = (0..WRITERS)
        .map(|_| {
            let (app, cookie) = (app.clone(), cookie.to_owned());
            tokio::spawn(async move {
                for _ in 0..ROUNDS {
                    let seen = app.get("/count", Some(&cookie)).await;
                    assert_eq!(seen.status, 200, "{}: {}", seen.body, app.last_failure());
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
}

/// The other process, which does nothing when the whole suite runs.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_other_process() {
    let Ok(text) = std::env::var(VARIABLE) else { return };
    let [url, table, cookie] = *text.split(' ').collect::<Vec<_>>() else { panic!("{text}") };
    let app = if url.starts_with("postgres") {
        App::new(PostgresStore::new(PgPool::connect_lazy(url).unwrap()).table(table).unwrap())
    } else if url.starts_with("mysql") {
        App::new(MySqlStore::new(MySqlPool::connect_lazy(url).unwrap()).table(table).unwrap())
    } else {
        let options = url.parse::<sqlx::sqlite::SqliteConnectOptions>().unwrap();
        let pool =
            SqlitePoolOptions::new().connect_lazy_with(options.busy_timeout(std::time::Duration::from_millis(900)));
        App::new(SqliteStore::new(pool).table(table).unwrap())
    };
    count(&app, cookie).await;
}

/// Both count in one session. While they do, a logout ends another one for good.
async fn counts_in_two<DB: Database>(url: &str, name: &str, store: SqlStore<DB>) {
    store.migrate().await.unwrap();
    let app = App::new(store.clone());
    let cookie = app.new_session().await;
    let other = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "processes::the_other_process", "--nocapture"])
        .env(VARIABLE, format!("{url} {name} {cookie}"))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    count(&app, &cookie).await;
    let output = tokio::task::spawn_blocking(|| other.wait_with_output().unwrap()).await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let expected = 1 + 2 * WRITERS * ROUNDS;
    assert_eq!(app.get("/read", Some(&cookie)).await.body, expected.to_string());
    assert_eq!(app.get("/logout", Some(&cookie)).await.status, 200);
    assert_eq!(App::new(store).get("/read", Some(&cookie)).await.body, "");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_write_is_lost_in_postgres() {
    let (server, name) = (&*postgres::SHARED, table());
    let url = format!("postgres://postgres@127.0.0.1:{}/postgres", server.port());
    counts_in_two(&url, &name, PostgresStore::new(server.pool()).table(&name).unwrap()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_write_is_lost_in_mariadb() {
    let (server, name) = (&*mariadb::SHARED, table());
    let url = format!("mysql://root@127.0.0.1:{}/test", server.port());
    counts_in_two(&url, &name, MySqlStore::new(server.pool()).table(&name).unwrap()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_write_is_lost_in_sqlite() {
    let (file, name) = (File::new(), table());
    let url = format!("sqlite://{}", file.path().display());
    counts_in_two(&url, &name, SqliteStore::new(file.pool()).table(&name).unwrap()).await;
}

/// A store is what the layer takes, whichever database it is.
#[test]
fn all_of_them_are_stores() {
    fn is_store<S: SessionStore + Clone + std::fmt::Debug>() {}
    is_store::<PostgresStore>();
    is_store::<MySqlStore>();
    is_store::<SqliteStore>();
}
