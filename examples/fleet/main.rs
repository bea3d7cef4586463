//! A small shop on Actix Web, Axum and hyper at once, with one set of sessions.
//!
//! Run `cargo run --all-features --example fleet`, log in on one server, and go shopping on the others. Copy from
//! `shop.rs`: it is written once, with `Session` and `Owners`, and the three `on_*.rs` only pass requests to it.

mod args;
mod on_actix;
mod on_axum;
mod on_hyper;
mod page;
mod reply;
mod servers;
mod shop;

use std::{error::Error, process::ExitCode};

use cloakroom::{
    CookieStore, MemoryStore, SessionLayer,
    keys::{KeyError, Keyring, SecretKey},
    redis::RedisStore,
};

use self::{
    args::{Command, Sessions},
    servers::Fleet,
};

#[tokio::main]
async fn main() -> ExitCode {
    tracing_subscriber::fmt().with_max_level(tracing::Level::WARN).with_writer(std::io::stderr).init();
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("fleet: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), Box<dyn Error>> {
    let args = match args::parse(std::env::args_os())? {
        Command::Serve(args) => args,
        Command::Help => {
            print!("{}", args::HELP);
            return Ok(());
        }
    };
    let layer = layer(args.sessions).await?;
    let fleet = Fleet::bind(args.port)?;
    print!("{fleet}");
    tokio::select! {
        ended = fleet.serve(layer) => ended?,
        pressed = tokio::signal::ctrl_c() => pressed?,
    }
    Ok(())
}

/// Makes the session layer of the whole fleet.
async fn layer(sessions: Sessions) -> Result<SessionLayer, Box<dyn Error>> {
    let layer = match sessions {
        Sessions::Memory => SessionLayer::new(MemoryStore::new()),
        Sessions::Redis(url) => SessionLayer::new(RedisStore::connect(url.as_str()).await?),
        Sessions::Cookie => SessionLayer::cookie_store(CookieStore::new(keys()?)),
    };
    // The servers speak plain http, over which browsers drop `Secure` cookies, except on localhost.
    Ok(layer.insecure_http())
}

/// Returns the keys that all services of the fleet share.
fn keys() -> Result<Keyring, KeyError> {
    match Keyring::from_env("SESSION_KEYS") {
        Err(KeyError::Unset(_)) => Ok(SecretKey::generate().into()),
        keys => keys,
    }
}
