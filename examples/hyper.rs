//! Counts visits with hyper alone: `cargo run --example hyper -- 8080`.

use std::convert::Infallible;

use cloakroom::{LazySession, MemoryStore, SessionLayer};
use http::{Request, Response, StatusCode};
use hyper::{body::Incoming, server::conn::http1};
use hyper_util::{rt::TokioIo, service::TowerToHyperService};
use tokio::net::TcpListener;
use tower::{Layer as _, service_fn};

async fn home(request: Request<Incoming>) -> Result<Response<String>, Infallible> {
    Ok(match count(&request).await {
        Ok(visits) => Response::new(format!("visits: {visits}\n")),
        Err(error) => {
            eprintln!("{error}");
            let mut response = Response::new(String::new());
            *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
            response
        }
    })
}

async fn count(request: &Request<Incoming>) -> Result<u32, cloakroom::Error> {
    let session = LazySession::of(request.extensions())?.load().await?;
    // `update` and not `insert`, so that two concurrent visits both count.
    session.update_or("visits", 1, |visits: u32| visits + 1)?;
    Ok(session.get("visits")?.unwrap_or_default())
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    // `insecure_http` is for development: without it, browsers drop the cookie over http, except on localhost.
    let layer = SessionLayer::new(MemoryStore::new()).insecure_http();
    let service = layer.layer(service_fn(home));

    let port = std::env::args().nth(1).unwrap_or_else(|| "8080".to_owned());
    let listener = TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    println!("http://{}/", listener.local_addr()?);
    loop {
        let (stream, _) = listener.accept().await?;
        let service = TowerToHyperService::new(service.clone());
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}
