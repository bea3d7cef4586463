//! A small shop on Actix Web, Axum and hyper at once, with one set of sessions.
//!
//! `cargo run --features actix-web,axum,redis,secure-cookies --example fleet`, then log in on one of them and go shopping on the others. `shop.rs` is what
//! to copy from: it is written once, on `Session` and `Owners`, and the three `on_*.rs` only hand requests to it.
//!
//! With the features `redis-rustls` and `device-bound` too, it takes `--https` and `--device-bound`. The first needs a C compiler.

mod args;
mod calls;
#[cfg(feature = "redis-rustls")]
mod certificate;
#[cfg(feature = "redis-rustls")]
mod https;
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
    actix_web::SessionMiddleware,
    keys::{KeyError, Keyring, SecretKey},
    redis::RedisStore,
    store::SessionStore,
};

use self::{
    args::{Command, Sessions},
    calls::{Calls, Noting},
    servers::{Fleet, Policy},
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
    let (layer, calls) = layer(args.sessions).await?;
    #[allow(unused_mut)] // Only further features change it.
    let mut fleet = Fleet::bind(args.port)?;
    // Without https, browsers keep a `Secure` cookie to themselves, but for pages of the machine they run on.
    let layer = if args.https { layer } else { layer.insecure_http() };
    #[cfg(feature = "redis-rustls")]
    if args.https {
        fleet.note = https::secure(&mut fleet)?;
    }
    #[cfg(feature = "device-bound")]
    if args.device_bound {
        fleet.device = |session| session.device().map(|device| [device.bound_at, device.proved_at]);
        let layer = layer.device_bound(cloakroom::device_bound::DeviceBound::builder().build()?)?;
        return serve(fleet, layer, calls).await;
    }
    serve(fleet, layer, calls).await
}

/// Serves until Ctrl-C is pressed.
async fn serve<P: Policy>(fleet: Fleet, layer: SessionLayer<P>, calls: Calls) -> Result<(), Box<dyn Error>>
where
    SessionLayer<P>: Into<SessionMiddleware>,
{
    print!("{fleet}");
    tokio::select! {
        ended = fleet.serve(layer, calls) => ended?,
        pressed = tokio::signal::ctrl_c() => pressed?,
    }
    Ok(())
}

/// The sessions of the whole fleet, and the calls that they make.
async fn layer(sessions: Sessions) -> Result<(SessionLayer, Calls), Box<dyn Error>> {
    let (layer, calls) = match sessions {
        Sessions::Memory => over(MemoryStore::new()),
        Sessions::Redis(url) => over(RedisStore::connect(url.as_str()).await?),
        Sessions::Cookie => (SessionLayer::cookie_store(CookieStore::new(keys()?)), Calls::default()),
    };
    Ok((layer, calls))
}

fn over(store: impl SessionStore) -> (SessionLayer, Calls) {
    let (store, calls) = Noting::new(store);
    (SessionLayer::new(store), calls)
}

/// Returns the keys that all services of the fleet share.
fn keys() -> Result<Keyring, KeyError> {
    match Keyring::from_env("SESSION_KEYS") {
        Err(KeyError::Unset(_)) => Ok(SecretKey::generate().into()),
        keys => keys,
    }
}
