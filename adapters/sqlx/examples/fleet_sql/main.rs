//! The fleet, with its sessions in PostgreSQL or SQLite: one small shop on Actix Web, Axum and hyper at once.
//!
//! `cargo run -p cloakroom-sqlx --all-features --example fleet_sql -- --sqlite shop.db`. The shop is that of the example `fleet` of
//! `cloakroom`. This program is of its own, so that `cloakroom` does not build sqlx. It has another name, because both are built into
//! one folder.

mod args;
#[path = "../../../../examples/fleet/calls.rs"]
mod calls;
#[path = "../../../../examples/fleet/on_actix.rs"]
mod on_actix;
#[path = "../../../../examples/fleet/on_axum.rs"]
mod on_axum;
#[path = "../../../../examples/fleet/on_hyper.rs"]
mod on_hyper;
#[path = "../../../../examples/fleet/page.rs"]
mod page;
#[path = "../../../../examples/fleet/reply.rs"]
mod reply;
#[path = "../../../../examples/fleet/servers.rs"]
mod servers;
#[path = "../../../../examples/fleet/shop.rs"]
mod shop;

use std::{error::Error, process::ExitCode, time::Duration};

use cloakroom::SessionLayer;
use cloakroom_sqlx::{Database, PostgresStore, SqlStore, SqliteStore, Sweeper};
use sqlx::{
    PgPool, SqlitePool,
    sqlite::{SqliteConnectOptions, SqliteJournalMode},
};

use self::{
    args::{Command, Sessions},
    calls::{Calls, Noting},
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
    let (layer, calls, sweeper) = match args.sessions {
        Sessions::Postgres(url) => layer(PostgresStore::new(PgPool::connect(&url).await?)).await?,
        Sessions::Sqlite(file) => {
            let options = SqliteConnectOptions::new()
                .filename(file)
                .create_if_missing(true)
                .journal_mode(SqliteJournalMode::Wal)
                .busy_timeout(Duration::from_millis(900));
            layer(SqliteStore::new(SqlitePool::connect_with(options).await?)).await?
        }
    };
    let fleet = Fleet::bind(args.port)?;
    print!("{fleet}");
    tokio::select! {
        ended = fleet.serve(layer, calls) => ended?,
        pressed = tokio::signal::ctrl_c() => pressed?,
    }
    sweeper.stop().await;
    Ok(())
}

/// Returns the sessions of the whole fleet, the calls that they make, and their sweeper.
async fn layer<DB: Database>(store: SqlStore<DB>) -> sqlx::Result<(SessionLayer, Calls, Sweeper)> {
    store.migrate().await?;
    let sweeper = store.sweep_every(Duration::from_mins(10));
    let (store, calls) = Noting::new(store);
    // The servers speak plain http.
    Ok((SessionLayer::new(store).insecure_http(), calls, sweeper))
}
