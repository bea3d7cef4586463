//! Counts the events of sessions for Prometheus, with Axum: `cargo run --features axum --example metrics -- 8080`.

use axum::{Router, response::Result, routing::get};
use cloakroom::{Event, MemoryStore, Session, SessionLayer};
use metrics_exporter_prometheus::PrometheusBuilder;
use tokio::net::TcpListener;

/// Counts an event. The session's id is no label, because each session would be a time series of its own.
fn count(event: &Event<'_>) {
    let what = match event {
        Event::Created { .. } => "created",
        Event::Rotated { .. } => "rotated",
        Event::Destroyed { .. } => "destroyed",
        Event::Rejected { reason, .. } => {
            metrics::counter!("session_tokens_rejected_total", "reason" => format!("{reason:?}")).increment(1);
            return;
        }
        Event::SupersededWriteDropped { .. } => "superseded write dropped",
        Event::GoneWriteDropped { .. } => "gone write dropped",
        Event::ConflictReplayed { .. } => "conflict replayed",
        Event::StoreFailed { .. } => "store failed",
        _ => "other",
    };
    metrics::counter!("session_events_total", "event" => what).increment(1);
}

async fn home(session: Session) -> Result<String> {
    session.update_or("visits", 1, |visits: u32| visits + 1)?;
    Ok(format!("visits: {}\n", session.get::<u32>("visits")?.unwrap_or_default()))
}

async fn login(session: Session) {
    session.renew();
}

async fn logout(session: Session) {
    session.purge();
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let prometheus = PrometheusBuilder::new().install_recorder()?;
    // `insecure_http` is for development: without it, browsers drop the cookie over http, except on localhost.
    let layer = SessionLayer::new(MemoryStore::new()).insecure_http().on_event(count);
    let app =
        Router::new().route("/", get(home)).route("/login", get(login)).route("/logout", get(logout)).layer(layer);
    let app = app.route("/metrics", get(async move || prometheus.render()));

    let port = std::env::args().nth(1).unwrap_or_else(|| "8080".to_owned());
    let listener = TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    println!("http://{}/", listener.local_addr()?);
    Ok(axum::serve(listener, app).await?)
}
