//! Measures a request with sessions in SQL, with cloakroom and with tower-sessions:
//! `cargo run --release --manifest-path benches/sql/Cargo.toml`.
//!
//! Both have the same handlers, the same server and pools of the same size. They take turns, and the table has the median of
//! the turns in microseconds a request. PostgreSQL does not wait for its disk here (`fsync = off`), which would hide the rest.
#![allow(unreachable_pub)]

#[allow(dead_code)]
#[path = "../../../adapters/sqlx/tests/sql/servers/mod.rs"]
mod servers;

mod ours;
mod theirs;

use std::time::{Duration, Instant};

use axum::Router;
use http::{Request, StatusCode, header};
use tower::ServiceExt as _;

const TURNS: usize = 7;
const REQUESTS: u32 = 400;
/// Requests at the same time, in the second half of the table.
const AT_ONCE: u32 = 8;

#[tokio::main]
async fn main() {
    let file = tempfile::tempdir().unwrap();
    let server = servers::postgres::Postgres::start();
    let database = format!("postgres://postgres@127.0.0.1:{}/postgres", server.port());
    let contestants = [
        ("PostgreSQL", ours::postgres(&database).await, theirs::postgres(&database).await),
        ("SQLite", ours::sqlite(&file.path().join("ours")).await, theirs::sqlite(&file.path().join("theirs")).await),
    ];
    println!("| | request | at once | cloakroom, µs | tower-sessions, µs | ratio |\n|---|---|---|---|---|---|");
    for (store, ours, theirs) in &contestants {
        for at_once in [1, AT_ONCE] {
            for path in ["/read", "/write", "/create"] {
                let (mut our, mut their) = (Vec::new(), Vec::new());
                for _ in 0..TURNS {
                    our.push(turn(ours, path, at_once).await);
                    their.push(turn(theirs, path, at_once).await);
                }
                let (our, their) = (median(our), median(their));
                println!("| {store} | {path} | {at_once} | {our:.0} | {their:.0} | {:.2} |", our / their);
            }
        }
    }
}

/// Returns the time of one request in microseconds: each of `at_once` clients has a session of its own.
async fn turn(app: &Router, path: &'static str, at_once: u32) -> f64 {
    let mut cookies = Vec::new();
    for _ in 0..at_once {
        cookies.push(get(app, "/create", None).await.expect("a cookie"));
    }
    let each = REQUESTS / at_once;
    let started = Instant::now();
    let clients: Vec<_> = cookies
        .into_iter()
        .map(|cookie| {
            let app = app.clone();
            tokio::spawn(async move {
                for _ in 0..each {
                    get(&app, path, (path != "/create").then_some(&cookie)).await;
                }
            })
        })
        .collect();
    for client in clients {
        client.await.unwrap();
    }
    micros(started.elapsed()) / f64::from(each * at_once)
}

async fn get(app: &Router, path: &str, cookie: Option<&String>) -> Option<String> {
    let mut request = Request::builder().uri(path);
    if let Some(cookie) = cookie {
        request = request.header(header::COOKIE, cookie);
    }
    let response = app.clone().oneshot(request.body(axum::body::Body::empty()).unwrap()).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK, "{path}");
    let set = response.headers().get(header::SET_COOKIE)?.to_str().unwrap();
    set.split(';').next().map(str::to_owned)
}

fn micros(span: Duration) -> f64 {
    span.as_secs_f64() * 1e6
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}
