//! Prints the resident memory of a session in a `MemoryStore`, in bytes (Linux): `cargo run --release --example
//! memory`.

use std::{convert::Infallible, fs};

use cloakroom::{LazySession, MemoryStore, SessionLayer};
use http::{Request, Response};
use tower::{Layer, ServiceExt, service_fn};

const SESSIONS: u64 = 1_000_000;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    // Both stores live to the end, because the second one would reuse memory that the first one freed.
    let stores = [MemoryStore::new(), MemoryStore::new()];
    println!("without an owner: {} bytes a session, of {SESSIONS}", fill(&stores[0], false).await);
    println!("with an owner:    {} bytes a session", fill(&stores[1], true).await);
}

/// Sends a million requests that each begin a session, and returns the growth of this process for each.
async fn fill(store: &MemoryStore, owned: bool) -> i64 {
    let service = SessionLayer::new(store.clone()).layer(service_fn(move |request: Request<u64>| async move {
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

/// Returns the resident bytes of this process.
fn resident() -> i64 {
    let statm = fs::read_to_string("/proc/self/statm").expect("this example reads Linux's /proc");
    let pages: i64 = statm.split(' ').nth(1).and_then(|pages| pages.parse().ok()).expect("a number of pages");
    pages * 4096
}
