//! Counts visits with Actix Web, in a file of SQLite:
//! `cargo run -p cloakroom-sqlx --features sqlite --example actix_sqlite -- sessions.db 8080`.

use std::{env, error::Error, net::TcpListener, time::Duration};

use actix_web::{App, HttpServer, get};
use cloakroom::{Session, SessionLayer, actix_web::SessionMiddleware};
use cloakroom_sqlx::SqliteStore;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool};

#[get("/")]
async fn home(session: Session) -> actix_web::Result<String> {
    // `update` and not `insert`: of two visits at once, both count.
    session.update_or("visits", 1, |visits: u32| visits + 1)?;
    let visits = session.get::<u32>("visits")?.unwrap_or_default();
    Ok(format!("visits: {visits}\n"))
}

#[actix_web::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let file = arguments.next().or_else(|| env::var("DATABASE_FILE").ok()).ok_or("expected the file of a database")?;
    let port = arguments.next().unwrap_or_else(|| "8080".to_owned());

    let options = SqliteConnectOptions::new()
        .filename(file)
        .create_if_missing(true)
        // Readers do not wait for a writer.
        .journal_mode(SqliteJournalMode::Wal)
        // A writer waits for another one, and no longer than the store does.
        .busy_timeout(Duration::from_millis(900));
    let store = SqliteStore::new(SqlitePool::connect_with(options).await?);
    store.migrate().await?;
    let sweeper = store.sweep_every(Duration::from_mins(10));

    // Made once, outside the closure, which runs once a worker. Plain http, for development: without `insecure_http`
    // browsers drop the cookie, except on localhost.
    let layer = SessionLayer::new(store).insecure_http();
    let listener = TcpListener::bind(format!("127.0.0.1:{port}"))?;
    println!("http://{}/", listener.local_addr()?);
    HttpServer::new(move || App::new().wrap(SessionMiddleware::from(layer.clone())).service(home))
        .listen(listener)?
        .run()
        .await?;
    sweeper.stop().await;
    Ok(())
}
