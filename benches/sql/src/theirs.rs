//! tower-sessions, with its store for sqlx.

use std::path::Path;

use axum::{Router, http::StatusCode, routing::get};
use sqlx_peer::{
    postgres::PgPoolOptions,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use tower_sessions::{Session, SessionManagerLayer, SessionStore, session::Error};
use tower_sessions_sqlx_store::{PostgresStore, SqliteStore};

pub async fn postgres(url: &str) -> Router {
    let pool = PgPoolOptions::new().max_connections(8).min_connections(8).connect(url).await.unwrap();
    let store = PostgresStore::new(pool);
    store.migrate().await.unwrap();
    app(store)
}

pub async fn sqlite(file: &Path) -> Router {
    let options = SqliteConnectOptions::new()
        .filename(file)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Normal);
    let pool = SqlitePoolOptions::new().max_connections(8).min_connections(8);
    let store = SqliteStore::new(pool.connect_with(options).await.unwrap());
    store.migrate().await.unwrap();
    app(store)
}

fn app(store: impl SessionStore + Clone) -> Router {
    Router::new()
        .route("/read", get(read))
        .route("/write", get(write))
        .route("/create", get(create))
        .layer(SessionManagerLayer::new(store))
}

async fn read(session: Session) -> Result<StatusCode, StatusCode> {
    let n: Option<u64> = session.get("n").await.map_err(failure)?;
    Ok(if n.is_some() { StatusCode::OK } else { StatusCode::NOT_FOUND })
}

async fn write(session: Session) -> Result<StatusCode, StatusCode> {
    let n: Option<u64> = session.get("n").await.map_err(failure)?;
    session.insert("n", n.unwrap_or_default() + 1).await.map_err(failure)?;
    Ok(StatusCode::OK)
}

async fn create(session: Session) -> Result<StatusCode, StatusCode> {
    session.insert("n", 1_u64).await.map_err(failure)?;
    Ok(StatusCode::OK)
}

fn failure(_error: Error) -> StatusCode {
    StatusCode::INTERNAL_SERVER_ERROR
}
