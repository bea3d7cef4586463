//! Counts visits with Axum: `cargo run --features axum --example axum -- 8080`.

use axum::{Router, response::Result, routing::get};
use cloakroom::{MemoryStore, Session, SessionLayer};
use tokio::net::TcpListener;

async fn home(session: Session) -> Result<String> {
    // `update` and not `insert`, so that two concurrent visits both count.
    session.update_or("visits", 1, |visits: u32| visits + 1)?;
    let visits = session.get::<u32>("visits")?.unwrap_or_default();
    Ok(format!("visits: {visits}\n"))
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    // `insecure_http` is for development: without it, browsers drop the cookie over http, except on localhost.
    let layer = SessionLayer::new(MemoryStore::new()).insecure_http();
    let app = Router::new().route("/", get(home)).layer(layer);

    let port = std::env::args().nth(1).unwrap_or_else(|| "8080".to_owned());
    let listener = TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    println!("http://{}/", listener.local_addr()?);
    axum::serve(listener, app).await
}
