//! Counts visits with Axum, in PostgreSQL:
//! `cargo run -p cloakroom-sqlx --features postgres --example axum_postgres -- postgres://localhost/app 8080`.

use std::{env, error::Error, time::Duration};

use axum::{Router, response::Result, routing::get};
use cloakroom::{Session, SessionLayer};
use cloakroom_sqlx::PostgresStore;
use sqlx::PgPool;
use tokio::net::TcpListener;

async fn home(session: Session) -> Result<String> {
    // `update` and not `insert`: of two visits at once, both count.
    session.update_or("visits", 1, |visits: u32| visits + 1)?;
    let visits = session.get::<u32>("visits")?.unwrap_or_default();
    Ok(format!("visits: {visits}\n"))
}

#[tokio::main]
async fn main() -> std::result::Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let url = arguments.next().or_else(|| env::var("DATABASE_URL").ok()).ok_or("expected the URL of a database")?;
    let port = arguments.next().unwrap_or_else(|| "8080".to_owned());

    // The pool is the application's: its other queries use it, too.
    let store = PostgresStore::new(PgPool::connect(&url).await?);
    // For development. In production, a migration of yours has the text of `PostgresStore::schema()`.
    store.migrate().await?;
    let sweeper = store.sweep_every(Duration::from_mins(10));

    // Plain http, for development: without `insecure_http` browsers drop the cookie, except on localhost.
    let layer = SessionLayer::new(store).insecure_http();
    let app = Router::new().route("/", get(home)).layer(layer);
    let listener = TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    println!("http://{}/", listener.local_addr()?);
    let stop = async { drop(tokio::signal::ctrl_c().await) };
    axum::serve(listener, app).with_graceful_shutdown(stop).await?;
    sweeper.stop().await;
    Ok(())
}
