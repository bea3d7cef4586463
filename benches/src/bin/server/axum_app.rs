//! The applications on Axum.

use std::{error::Error, net::TcpListener};

use axum::{Router, handler::Handler, response::Result, routing::get};
use axum_session::{SessionConfig, SessionNullPool, SessionStore};
use cloakroom::{CookieStore, MemoryStore, Session, SessionLayer, keys::Keyring, redis::RedisStore};
use tower_sessions_redis_store::fred::{
    interfaces::ClientLike as _,
    prelude::{Config, Pool},
};

use crate::{
    framework::{NOTHING, OURS},
    server::KEPT,
};

pub(crate) const NAMES: [&str; 7] = [
    NOTHING,
    OURS,
    "cloakroom, Redis",
    "cloakroom, sealed cookie",
    "tower-sessions, memory",
    "tower-sessions 0.14, Redis",
    "axum_session, memory",
];

pub(crate) fn serve(name: &str, redis: &str, listener: TcpListener) -> Result<(), Box<dyn Error>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::from_std(listener)?;
        Ok(axum::serve(listener, app(name, redis).await?).await?)
    })
}

async fn app(name: &str, redis: &str) -> Result<Router, Box<dyn Error>> {
    Ok(match name {
        NOTHING => routes(async || KEPT, async || KEPT),
        OURS => routes(read, create).layer(SessionLayer::new(MemoryStore::new())),
        "cloakroom, Redis" => routes(read, create).layer(SessionLayer::new(RedisStore::connect(redis).await?)),
        "cloakroom, sealed cookie" => {
            let store = CookieStore::new(Keyring::new(cloakroom::keys::SecretKey::generate()));
            routes(read, create).layer(SessionLayer::cookie_store(store))
        }
        "tower-sessions, memory" => {
            let store = tower_sessions::MemoryStore::default();
            routes(read_tower, create_tower).layer(tower_sessions::SessionManagerLayer::new(store))
        }
        "tower-sessions 0.14, Redis" => {
            let pool = Pool::new(Config::from_url(redis)?, None, None, None, 6)?;
            pool.connect();
            pool.wait_for_connect().await?;
            let store = tower_sessions_redis_store::RedisStore::new(pool);
            routes(read_tower_redis, create_tower_redis).layer(tower_sessions_redis::SessionManagerLayer::new(store))
        }
        "axum_session, memory" => {
            let store = SessionStore::<SessionNullPool>::new(None, SessionConfig::default()).await?;
            routes(read_axum, create_axum).layer(axum_session::SessionLayer::new(store))
        }
        name => return Err(format!("nothing on Axum is named {name}").into()),
    })
}

fn routes<R: 'static, C: 'static>(read: impl Handler<R, ()>, create: impl Handler<C, ()>) -> Router {
    Router::new().route("/read", get(read)).route("/create", get(create))
}

/// Returns the response to a read.
fn answer(value: Option<u32>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

async fn read(session: Session) -> Result<String> {
    Ok(answer(session.get("key")?))
}

async fn create(session: Session) -> Result<()> {
    Ok(session.insert("key", 42)?)
}

async fn read_tower(session: tower_sessions::Session) -> String {
    answer(session.get("key").await.expect("memory does not fail"))
}

async fn create_tower(session: tower_sessions::Session) {
    session.insert("key", 42).await.expect("memory does not fail");
}

async fn read_tower_redis(session: tower_sessions_redis::Session) -> String {
    answer(session.get("key").await.expect("Redis answers"))
}

async fn create_tower_redis(session: tower_sessions_redis::Session) {
    session.insert("key", 42).await.expect("Redis answers");
}

async fn read_axum(session: axum_session::Session<SessionNullPool>) -> String {
    answer(session.get("key"))
}

async fn create_axum(session: axum_session::Session<SessionNullPool>) {
    session.set("key", 42);
}
