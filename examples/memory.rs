//! Prints what a session takes in a `MemoryStore`, in bytes of resident memory (Linux):
//! `cargo run --release --example memory`.

use std::{
    convert::Infallible,
    fs,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, UNIX_EPOCH},
};

use cloakroom::{LazySession, MemoryStore, SessionLayer};
use http::{Request, Response};
use tower::{Layer, ServiceExt, service_fn};

const SESSIONS: u64 = 1_000_000;
const DAYS: u64 = 24 * 60 * 60;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let now = Arc::new(AtomicU64::new(20_000 * DAYS));
    println!("without an owner: {} bytes a session, of {SESSIONS}", fill(&MemoryStore::new(), &now, false).await);
    let store = MemoryStore::new();
    println!("with an owner:    {} bytes a session", fill(&store, &now, true).await);
    now.fetch_add(60 * DAYS, Ordering::Relaxed);
    let growth = fill(&store, &now, true).await;
    println!("a second million, once the first has expired: {growth} bytes a session more, {} records", store.len());
}

/// Sends a million requests that each begin a session, and gives the growth of this process for each.
async fn fill(store: &MemoryStore, now: &Arc<AtomicU64>, owned: bool) -> i64 {
    let clock = Arc::clone(now);
    let layer =
        SessionLayer::new(store.clone()).clock(move || UNIX_EPOCH + Duration::from_secs(clock.load(Ordering::Relaxed)));
    let service = layer.layer(service_fn(move |request: Request<u64>| async move {
        let lazy = request.extensions().get::<LazySession>().expect("the layer is there");
        let session = lazy.load().await.expect("memory does not fail");
        session.insert("visits", request.body()).expect("a number is JSON");
        if owned {
            session.set_owner(format!("user-{}", request.body()));
        }
        Ok::<_, Infallible>(Response::new(()))
    }));
    let before = resident();
    for n in 0..SESSIONS {
        let _ = service.clone().oneshot(Request::new(n)).await;
    }
    (resident() - before) / i64::try_from(SESSIONS).unwrap_or(i64::MAX)
}

/// Resident bytes of this process.
fn resident() -> i64 {
    let statm = fs::read_to_string("/proc/self/statm").expect("this example reads Linux's /proc");
    let pages: i64 = statm.split(' ').nth(1).and_then(|pages| pages.parse().ok()).expect("a number of pages");
    pages * 4096
}
