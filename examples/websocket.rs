//! A WebSocket that stores its messages in the session, with Axum: `cargo run --features axum --example websocket --
//! 8080`.

use axum::{
    Router,
    extract::ws::{Message, WebSocket, WebSocketUpgrade},
    response::{Html, Response, Result},
    routing::get,
};
use cloakroom::{Key, MemoryStore, Session, SessionLayer};
use tokio::net::TcpListener;

const SAID: Key<Vec<String>> = Key::new("said");

const PAGE: &str = "<!doctype html><title>WebSocket</title><form><input autofocus></form><pre></pre>
<script>const socket = new WebSocket(`ws://${location.host}/socket`)
socket.onmessage = event => document.querySelector('pre').textContent = event.data
document.forms[0].onsubmit = event => { event.preventDefault(); socket.send(event.target[0].value) }</script>";

async fn socket(session: Session, upgrade: WebSocketUpgrade) -> Result<Response> {
    // The cookie can only be sent with the response's head. Later, a new session would be too late.
    session.start().await?;
    Ok(upgrade.on_upgrade(async move |socket| {
        if let Err(error) = talk(socket, &session).await {
            eprintln!("{error}");
        }
    }))
}

async fn talk(mut socket: WebSocket, session: &Session) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    while let Some(Ok(Message::Text(text))) = socket.recv().await {
        let text = text.to_string();
        session.update_or(SAID, vec![text.clone()], move |mut said| {
            said.push(text.clone());
            said
        })?;
        // The response's head is sent, so the layer does not save the changes any more. `save` fails if the user has
        // logged out in another tab.
        session.save().await?;
        // Shows the messages that other tabs sent meanwhile.
        session.reload().await?;
        let said = session.get(SAID)?.unwrap_or_default();
        socket.send(Message::Text(said.join("\n").into())).await?;
    }
    Ok(())
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    // `insecure_http` is for development: without it, browsers drop the cookie over http, except on localhost.
    let layer = SessionLayer::new(MemoryStore::new()).insecure_http();
    let app = Router::new().route("/", get(async || Html(PAGE))).route("/socket", get(socket)).layer(layer);

    let port = std::env::args().nth(1).unwrap_or_else(|| "8080".to_owned());
    let listener = TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    println!("http://{}/", listener.local_addr()?);
    axum::serve(listener, app).await
}
