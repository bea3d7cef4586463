//! The applications on Actix Web.

use std::{error::Error, net::TcpListener};

use actix_session::storage::{CookieSessionStore, RedisSessionStore};
use actix_web::{
    App, HttpServer, Result,
    cookie::Key,
    rt::System,
    web::{ServiceConfig, get},
};
use cloakroom::{CookieStore, MemoryStore, Session, SessionLayer, actix_web::SessionMiddleware, keys::Keyring};

use crate::{
    actix_memory::SharedMemory,
    framework::{NOTHING, OURS},
    server::KEPT,
};

pub(crate) const NAMES: [&str; 8] = [
    NOTHING,
    OURS,
    "cloakroom, memory, lazy",
    "cloakroom, Redis",
    "cloakroom, sealed cookie",
    "actix-session, memory (a minimal store of our own)",
    "actix-session, Redis",
    "actix-session, private cookie",
];

pub(crate) fn serve(name: &str, redis: &str, listener: TcpListener) -> Result<(), Box<dyn Error>> {
    System::new().block_on(serve_in_system(name, redis, listener))
}

async fn serve_in_system(name: &str, redis: &str, listener: TcpListener) -> Result<(), Box<dyn Error>> {
    // A macro, because the type of `App` depends on its middleware.
    macro_rules! run {
        ($app:expr) => {
            HttpServer::new(move || $app).workers(1).listen(listener)?.run()
        };
    }
    let key = Key::generate();
    let server = match name {
        NOTHING => run!(App::new().route("/read", get().to(async || KEPT)).route("/create", get().to(async || KEPT))),
        OURS => {
            let layer = SessionLayer::new(MemoryStore::new());
            run!(App::new().wrap(SessionMiddleware::from(layer.clone())).configure(ours))
        }
        "cloakroom, memory, lazy" => {
            let layer = SessionLayer::new(MemoryStore::new());
            run!(App::new().wrap(SessionMiddleware::from(layer.clone()).lazy()).configure(ours))
        }
        "cloakroom, Redis" => {
            let layer = SessionLayer::new(cloakroom::redis::RedisStore::connect(redis).await?);
            run!(App::new().wrap(SessionMiddleware::from(layer.clone())).configure(ours))
        }
        "cloakroom, sealed cookie" => {
            let store = CookieStore::new(Keyring::new(cloakroom::keys::SecretKey::generate()));
            let layer = SessionLayer::cookie_store(store);
            run!(App::new().wrap(SessionMiddleware::from(layer.clone())).configure(ours))
        }
        "actix-session, memory (a minimal store of our own)" => {
            let store = SharedMemory::default();
            run!(App::new().wrap(actix_session::SessionMiddleware::new(store.clone(), key.clone())).configure(theirs))
        }
        "actix-session, Redis" => {
            let store = RedisSessionStore::new(redis).await?;
            run!(App::new().wrap(actix_session::SessionMiddleware::new(store.clone(), key.clone())).configure(theirs))
        }
        "actix-session, private cookie" => run!(
            App::new()
                .wrap(actix_session::SessionMiddleware::new(CookieSessionStore::default(), key.clone()))
                .configure(theirs)
        ),
        name => return Err(format!("nothing on Actix Web is named {name}").into()),
    };
    Ok(server.await?)
}

fn ours(config: &mut ServiceConfig) {
    config.route("/read", get().to(read)).route("/create", get().to(create));
}

fn theirs(config: &mut ServiceConfig) {
    config.route("/read", get().to(read_theirs)).route("/create", get().to(create_theirs));
}

/// Returns the response to a read.
fn answer(value: Option<u32>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

async fn read(session: Session) -> Result<String> {
    Ok(answer(session.get("key")?))
}

async fn create(session: Session) -> Result<String> {
    session.insert("key", 42)?;
    Ok(String::new())
}

async fn read_theirs(session: actix_session::Session) -> Result<String> {
    Ok(answer(session.get("key")?))
}

async fn create_theirs(session: actix_session::Session) -> Result<String> {
    session.insert("key", 42)?;
    Ok(String::new())
}
