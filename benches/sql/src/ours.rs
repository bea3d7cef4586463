//! cloakroom.

use std::path::Path;

use axum::{Router, http::StatusCode, response::Result, routing::get};
use cloakroom::{Session, SessionLayer};
use cloakroom_sqlx::{Database, PostgresStore, SqlStore, SqliteStore};
use sqlx::{
    postgres::PgPoolOptions,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

pub async fn postgres(url: &str) -> Router {
    app(PostgresStore::new(PgPoolOptions::new().max_connections(8).min_connections(8).connect(url).await.unwrap()))
        .await
}

pub async fn sqlite(file: &Path) -> Router {
    let options = SqliteConnectOptions::new()
        .filename(file)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Normal);
    let pool = SqlitePoolOptions::new().max_connections(8).min_connections(8);
    app(SqliteStore::new(pool.connect_with(options).await.unwrap())).await
}

async fn app<DB: Database>(store: SqlStore<DB>) -> Router {
    store.migrate().await.unwrap();
    Router::new()
        .route("/read", get(read))
        .route("/write", get(write))
        .route("/create", get(create))
        .layer(SessionLayer::new(store))
}

async fn read(session: Session) -> Result<StatusCode> {
    Ok(if session.get::<u64>("n")?.is_some() { StatusCode::OK } else { StatusCode::NOT_FOUND })
}

async fn write(session: Session) -> Result<StatusCode> {
    session.update_or("n", 1_u64, |n| n + 1)?;
    Ok(StatusCode::OK)
}

async fn create(session: Session) -> Result<StatusCode> {
    session.insert("n", 1_u64)?;
    Ok(StatusCode::OK)
}
