//! A fleet moves from tower-sessions 0.14 with its SQL store to cloakroom and back, on one file of `SQLite`.

#[path = "../../tests/rollout/app.rs"]
mod app;
#[allow(dead_code)] // This test uses a part of it.
#[path = "../../tests/rollout/browser.rs"]
mod browser;
#[path = "../../tests/rollout/fleet.rs"]
mod fleet;
#[path = "../../tests/rollout/node.rs"]
mod node;
#[path = "../../tests/rollout/phases.rs"]
mod phases;
#[path = "../../tests/rollout/request.rs"]
mod request;
#[path = "../../tests/rollout/seed.rs"]
mod seed;
#[path = "../../tests/rollout/serve.rs"]
mod serve;
#[path = "../../tests/rollout/steps.rs"]
mod steps;

use std::{path::Path, time::Duration};

use axum::{Router, routing::post};
use cloakroom::{SessionLayer, formats::TowerSessions, keys::SecretKey};
use cloakroom_sqlx::{SqliteStore, TowerSessionsTable};
use serde::{Serialize, de::DeserializeOwned};
use sqlx::{
    SqlitePool,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions},
};
use tower_sessions::{Expiry, Session, SessionManagerLayer, cookie::time};
use tower_sessions_sqlx_store::{SqliteStore as TheirStore, sqlx as their_sqlx};

use crate::{
    app::text,
    browser::Manner,
    fleet::Fleet,
    node::{KEPT, Node},
    phases::there_and_back,
    serve::{respond, serve},
    steps::{NEW, Step},
};

/// The time that a node waits for a connection and for a lock: a busy machine is no failure.
const PATIENCE: Duration = Duration::from_secs(30);

/// Starts a node on tower-sessions.
async fn old(name: &str, file: &Path) -> Node {
    let options = their_sqlx::sqlite::SqliteConnectOptions::new().filename(file).busy_timeout(PATIENCE);
    let pool = their_sqlx::SqlitePool::connect_with(options).await.unwrap();
    let layer = SessionManagerLayer::new(TheirStore::new(pool))
        .with_secure(false)
        .with_expiry(Expiry::OnInactivity(time::Duration::try_from(KEPT).unwrap()));
    let routes = Router::new().route("/", post(async |session: Session, body: String| respond(&session, &body).await));
    serve(name, routes.layer(layer)).await
}

/// Starts a node on cloakroom.
async fn new(name: &str, layer: SessionLayer) -> Node {
    let routes = Router::new()
        .route("/", post(async |session: cloakroom::Session, body: String| respond(&session, &body).await));
    serve(name, routes.layer(layer)).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn there_and_back_in_one_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("sessions.db");
    let options = SqliteConnectOptions::new().filename(&file).create_if_missing(true);
    let options = options.journal_mode(SqliteJournalMode::Wal).busy_timeout(PATIENCE);
    let pool = SqlitePoolOptions::new().max_connections(4).connect_with(options).await.unwrap();
    let ours = SqliteStore::new(pool.clone()).acquire_timeout(PATIENCE).query_timeout(PATIENCE);
    ours.migrate().await.unwrap();
    let their_pool = their_sqlx::SqlitePool::connect(&format!("sqlite:{}", file.display())).await.unwrap();
    TheirStore::new(their_pool).migrate().await.unwrap();

    let key = SecretKey::generate();
    let mut nodes = vec![(Step::Old, old("old 1", &file).await), (Step::Old, old("old 2", &file).await)];
    for number in 1..3 {
        for step in NEW {
            let table = TowerSessionsTable::new(pool.clone()).acquire_timeout(PATIENCE).query_timeout(PATIENCE);
            let layer = step.layer(TowerSessions::new(table), &ours, &key);
            nodes.push((step, new(&format!("{step:?} {number}"), layer).await));
        }
    }
    there_and_back(Fleet::new(nodes, 30, Manner::Lively), async || count(&pool).await).await;
}

/// Returns the number of our records that hold a session, and of theirs. The rest of a session of ours that has moved has no values
/// behind its head, and a marker in their format has one key: `cloakroom`.
async fn count(pool: &SqlitePool) -> (usize, usize) {
    let ours = "select count(*) from cloakroom_sessions \
                where instr(record, x'0a0a') > 0 and length(record) > instr(record, x'0a0a') + 1";
    let theirs = "select count(*) from tower_sessions where instr(data, x'a9636c6f616b726f6f6d') = 0";
    let count = async |text: &'static str| -> i64 { sqlx::query_scalar(text).fetch_one(pool).await.unwrap() };
    (usize::try_from(count(ours).await).unwrap(), usize::try_from(count(theirs).await).unwrap())
}

impl app::Session for Session {
    async fn get<T: DeserializeOwned + Send>(&self, key: &str) -> Result<Option<T>, String> {
        self.get(key).await.map_err(text)
    }

    async fn insert<T: Serialize + Send + Sync>(&self, key: &str, value: T) -> Result<(), String> {
        self.insert(key, value).await.map_err(text)
    }

    async fn remove(&self, key: &str) -> Result<(), String> {
        self.remove_value(key).await.map(drop).map_err(text)
    }

    async fn renew(&self) -> Result<(), String> {
        self.cycle_id().await.map_err(text)
    }

    async fn purge(&self) -> Result<(), String> {
        self.flush().await.map_err(text)
    }
}
