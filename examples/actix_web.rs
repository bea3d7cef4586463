//! Counts visits with Actix Web: `cargo run --features actix-web --example actix_web -- 8080`.

use std::net::TcpListener;

use actix_web::{App, HttpServer, get};
use cloakroom::{MemoryStore, Session, SessionLayer, actix_web::SessionMiddleware};

#[get("/")]
async fn home(session: Session) -> actix_web::Result<String> {
    // `update` and not `insert`, so that two concurrent visits both count.
    session.update_or("visits", 1, |visits: u32| visits + 1)?;
    let visits = session.get::<u32>("visits")?.unwrap_or_default();
    Ok(format!("visits: {visits}\n"))
}

#[actix_web::main]
async fn main() -> std::io::Result<()> {
    // Made once, outside of the closure, which runs once for each worker. `insecure_http` is for development: without
    // it, browsers drop the cookie over http, except on localhost.
    let layer = SessionLayer::new(MemoryStore::new()).insecure_http();

    let port = std::env::args().nth(1).unwrap_or_else(|| "8080".to_owned());
    let listener = TcpListener::bind(format!("127.0.0.1:{port}"))?;
    println!("http://{}/", listener.local_addr()?);
    HttpServer::new(move || App::new().wrap(SessionMiddleware::from(layer.clone())).service(home))
        .listen(listener)?
        .run()
        .await
}
