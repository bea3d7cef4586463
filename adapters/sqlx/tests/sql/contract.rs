//! The contract suite.

use std::time::Duration;

use cloakroom::testing;
use cloakroom_sqlx::{Database, PostgresStore, SqlStore};

use crate::servers::{
    mariadb,
    pgbouncer::PgBouncer,
    postgres,
    sqlite::{self, File},
    table,
};

const PATIENCE: Duration = Duration::from_secs(30);

/// The suite has eight calls at once. A busy machine may take longer for them than an application would wait.
async fn holds<DB: Database>(store: SqlStore<DB>) {
    let store = store.acquire_timeout(PATIENCE).query_timeout(PATIENCE);
    testing::contract(async || store.clone()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres() {
    holds(postgres::SHARED.store().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_unprepared() {
    holds(postgres::SHARED.store().await.unprepared()).await;
}

/// The two connections of the server take turns, so a statement that was prepared by itself would be missing at the next step.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_behind_pgbouncer() {
    let server = &*postgres::SHARED;
    let bouncer = PgBouncer::start(server, 2);
    let store = PostgresStore::new(postgres::pool(bouncer.options(server))).table(&table()).unwrap().unprepared();
    store.migrate().await.unwrap();
    holds(store).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mariadb() {
    holds(mariadb::SHARED.store().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite_in_a_file() {
    let file = File::new();
    holds(file.store().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite_in_memory() {
    holds(sqlite::memory().await).await;
}
