//! Server-sent events that store their changes, with Axum: `cargo run --features axum --example sse -- 8080`.

use std::{convert::Infallible, time::Duration};

use axum::{
    Router,
    response::{
        Html, Result,
        sse::{Event, Sse},
    },
    routing::{get, post},
};
use cloakroom::{Key, MemoryStore, Session, SessionLayer};
use futures_util::{Stream, stream};
use tokio::{net::TcpListener, time::sleep};

const SECONDS: Key<u32> = Key::new("seconds");

const PAGE: &str = "<!doctype html><title>Events</title><p>Seconds you have watched: <output></output></p>
<form method=post action=/leave><button>Forget me</button></form>
<script>new EventSource('/events').onmessage = event => document.querySelector('output').value = event.data</script>";

async fn events(session: Session) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>> {
    // The cookie can only be sent with the response's head. Later, a new session would be too late.
    session.start().await?;
    Ok(Sse::new(stream::unfold(session, async |session| {
        sleep(Duration::from_secs(1)).await;
        // Ends with the session: `save` fails after the session is purged elsewhere.
        let seconds = watch(&session).await.ok()?;
        Some((Ok(Event::default().data(seconds.to_string())), session))
    })))
}

async fn watch(session: &Session) -> std::result::Result<u32, Box<dyn std::error::Error>> {
    session.update_or(SECONDS, 1, |seconds| seconds + 1)?;
    // The response's head is sent, so the layer does not save the changes any more.
    session.save().await?;
    Ok(session.get(SECONDS)?.unwrap_or_default())
}

async fn leave(session: Session) -> &'static str {
    session.purge();
    "forgotten"
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    // `insecure_http` is for development: without it, browsers drop the cookie over http, except on localhost.
    let layer = SessionLayer::new(MemoryStore::new()).insecure_http();
    let app = Router::new().route("/", get(async || Html(PAGE))).route("/events", get(events));
    let app = app.route("/leave", post(leave)).layer(layer);

    let port = std::env::args().nth(1).unwrap_or_else(|| "8080".to_owned());
    let listener = TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    println!("http://{}/", listener.local_addr()?);
    axum::serve(listener, app).await
}
