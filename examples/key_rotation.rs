//! Replaces the key of a fleet under load, without logging users out: `cargo run --features secure-cookies --example
//! key_rotation`.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use cloakroom::keys::{Keyring, SecretKey};
use cloakroom::{LazySession, MemoryStore, SessionLayer};
use http::{Request, Response, header};
use tokio::{task::JoinSet, time::sleep};
use tower::{BoxError, Layer as _, ServiceExt as _, service_fn, util::BoxCloneSyncService};

type Server = BoxCloneSyncService<Request<()>, Response<String>, BoxError>;

/// Returns a server that counts each user's visits. To restart it with other keys, deploy it again.
fn deploy(keys: &Keyring, store: &MemoryStore) -> Server {
    let layer = SessionLayer::new(store.clone()).signed(keys.clone());
    BoxCloneSyncService::new(layer.layer(service_fn(|request: Request<()>| async move {
        let session = LazySession::of(request.extensions())?.load().await?;
        session.update_or("visits", 1, |visits: u64| visits + 1)?;
        Ok(Response::new(session.get::<u64>("visits")?.unwrap_or_default().to_string()))
    })))
}

/// Visits one server after the other as one user, and fails if a server does not know the user.
async fn user(servers: Arc<[Mutex<Server>]>) -> Result<(), BoxError> {
    let mut cookie = String::new();
    for visit in 1..=200 {
        let server = servers[visit % servers.len()].lock().map_err(|_| "poisoned")?.clone();
        let response = server.oneshot(Request::builder().header(header::COOKIE, &cookie).body(())?).await?;
        if let Some(line) = response.headers().get(header::SET_COOKIE) {
            cookie = line.to_str()?.split(';').next().unwrap_or_default().to_owned();
        }
        if response.body() != &visit.to_string() {
            return Err("logged out".into());
        }
        sleep(Duration::from_millis(10)).await;
    }
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let (old, new, store) = (SecretKey::generate(), SecretKey::generate(), MemoryStore::new());
    // In production, the last step waits for the idle limit. Here, every user comes back at once.
    let steps = [
        ("the old key", Keyring::new(old.clone())),
        ("1. the new key is accepted", Keyring::new(old.clone()).previous(new.clone())),
        ("2. the new key is current", Keyring::new(new.clone()).previous(old)),
        ("3. the old key is removed", Keyring::new(new)),
    ];
    let servers: Arc<[_]> = (0..4).map(|_| Mutex::new(deploy(&steps[0].1, &store))).collect();
    let mut users: JoinSet<_> = (0..100).map(|_| user(Arc::clone(&servers))).collect();
    for (step, keys) in &steps {
        for server in &*servers {
            *server.lock().map_err(|_| "poisoned")? = deploy(keys, &store);
            sleep(Duration::from_millis(100)).await;
        }
        println!("{step}");
    }
    while let Some(user) = users.join_next().await {
        user??;
    }
    println!("20000 visits, and nobody was logged out");
    Ok(())
}
