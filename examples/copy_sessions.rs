//! Copies all sessions of one Redis into another place, with a progress bar. It can be stopped and started again.
//!
//! `cargo run --features redis --example copy_sessions -- redis://old:6379 redis://new:6379 5000`
//!
//! The third argument limits the sessions in a second. The cursor is kept in `copy_sessions.cursor`. Without arguments, it
//! copies 100,000 sessions from memory to memory.

use std::{env, error::Error, fs};

use cloakroom::{
    MemoryStore, SessionLayer,
    redis::RedisStore,
    store::{Copied, Cursor, Scan, SessionStore, copy_all},
};
use http::{HeaderMap, StatusCode};
use indicatif::{ProgressBar, ProgressStyle};

const CURSOR: &str = "copy_sessions.cursor";

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let Some(from) = arguments.next() else {
        let (from, to) = (MemoryStore::new(), MemoryStore::new());
        fill(&from, 100_000).await?;
        report(&copy(&from, &to, Cursor::default(), 0, |_| ()).await?);
        return Ok(());
    };
    let to = arguments.next().ok_or("the second argument is the URL of the new Redis")?;
    let per_second = arguments.next().map_or(Ok(0), |rate| rate.parse())?;
    let (from, to) = (RedisStore::connect(from).await?, RedisStore::connect(to).await?);
    let cursor = fs::read_to_string(CURSOR).map(Cursor::new).unwrap_or_default();
    let keep = |so_far: &Copied| {
        // A cursor that is not written only makes the next start repeat a part.
        let _ = fs::write(CURSOR, so_far.cursor.as_str());
    };
    let copied = copy(&from, &to, cursor, per_second, keep).await?;
    let _ = fs::remove_file(CURSOR);
    report(&copied);
    Ok(())
}

async fn copy(
    from: &impl Scan,
    to: &impl SessionStore,
    cursor: Cursor,
    per_second: u32,
    mut keep: impl FnMut(&Copied) + Send,
) -> Result<Copied, Box<dyn Error>> {
    let bar = ProgressBar::new_spinner();
    bar.set_style(ProgressStyle::with_template("{spinner} {pos} sessions, {per_sec}, {elapsed}")?);
    let copied = copy_all(from, to)
        .resume(cursor)
        .per_second(per_second)
        .on_progress(|so_far| {
            bar.set_position(so_far.total());
            keep(so_far);
        })
        .run()
        .await?;
    bar.finish();
    Ok(copied)
}

fn report(copied: &Copied) {
    let Copied { copied: count, expired, already_there, unreadable, reasons, .. } = copied;
    println!("{count} copied; skipped: {expired} expired, {already_there} already there, {unreadable} unreadable");
    for (id, reason) in reasons {
        println!("{id}: {}", cloakroom::store::ErrorChain(reason));
    }
}

/// Stores sessions as requests do.
async fn fill(store: &MemoryStore, count: usize) -> Result<(), Box<dyn Error>> {
    let layer = SessionLayer::new(store.clone());
    for n in 0..count {
        let exchange = layer.begin(&HeaderMap::new());
        exchange.session().load().await?.insert("n", n)?;
        let _ = exchange.commit(StatusCode::OK).await?;
    }
    Ok(())
}
