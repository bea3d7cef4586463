//! Serves a node on Axum.

use axum::{
    Router,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use tokio::net::TcpListener;

use crate::{app, node::Node};

/// Runs the operation in a request's body.
pub async fn respond(session: &impl app::Session, body: &str) -> Response {
    match app::run(session, body).await {
        Ok(body) => body.into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error).into_response(),
    }
}

/// Starts the server.
pub async fn serve(name: &str, routes: Router) -> Node {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let task = tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
    Node::new(name, port, move || task.abort())
}
