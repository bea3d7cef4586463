//! The memory of a session, and the reuse of the memory of expired sessions.
//!
//! Each figure is measured in a process of its own, so that the allocator has no other blocks.

use std::{
    env,
    error::Error,
    ffi::OsString,
    fs, io,
    process::{Command, ExitCode},
    str::FromStr,
    time::Duration,
};

use axum::{Router, routing::get};
use cloakroom::{MemoryStore, SessionLayer};
use tower_service::Service as _;

use crate::{
    Plan,
    app::{App, get_of, runtime},
    clock::Clock,
    common::{
        budget::Budget,
        report::{Report, Row},
        spread::Spread,
    },
};

/// The first argument of such a process.
pub(crate) const CHILD: &str = "--memory-of";

const A_SESSION: Budget = Budget::AtMost(220.0);
/// The growth of the second fill, as a part of the first one's. Only what an allocator keeps between blocks is allowed.
const THE_SECOND: Budget = Budget::AtMost(0.05);

pub(crate) fn measure(plan: &Plan, report: &mut Report) -> Result<(), Box<dyn Error>> {
    let sessions = plan.most_sessions();
    let [first, second] = numbers(&run("cloakroom", sessions)?)?;
    let [peer] = numbers(&run("tower-sessions", sessions)?)?;
    let row = |case: &str, figure| Row::new(case, Spread::of(&[figure]), "bytes a session");
    let rows = [
        row("cloakroom", first).budget(A_SESSION),
        row("tower-sessions", peer),
        row("cloakroom, as many again once the first have expired: growth", second)
            .ratio(Spread::of(&[second / first]))
            .budget(THE_SECOND),
    ];
    report.part(
        &format!("Resident memory, {sessions} sessions of one small key, without an owner"),
        "to the first",
        &rows,
    );
    Ok(())
}

fn run(subject: &str, sessions: usize) -> io::Result<String> {
    let child = Command::new(env::current_exe()?).args([CHILD, subject, &sessions.to_string()]).output()?;
    if !child.status.success() {
        return Err(io::Error::other(String::from_utf8_lossy(&child.stderr).into_owned()));
    }
    Ok(String::from_utf8_lossy(&child.stdout).into_owned())
}

fn numbers<const N: usize>(text: &str) -> Result<[f64; N], Box<dyn Error>> {
    let found = text.split_whitespace().map(f64::from_str).collect::<Result<Vec<_>, _>>()?;
    found.try_into().map_err(|found| format!("{N} numbers, and not {found:?}").into())
}

/// Runs in the process of its own: prints the bytes that it grew for each session.
pub(crate) fn measure_here(mut arguments: impl Iterator<Item = OsString>) -> io::Result<ExitCode> {
    let subject = arguments.next().unwrap_or_default();
    let sessions = arguments.next().and_then(|count| count.to_str()?.parse().ok()).unwrap_or_default();
    match subject.to_str() {
        Some("cloakroom") => cloakroom(sessions),
        Some("tower-sessions") => tower_sessions(sessions),
        _ => Err(io::Error::other("nobody of that name")),
    }?;
    Ok(ExitCode::SUCCESS)
}

fn cloakroom(sessions: u32) -> io::Result<()> {
    let clock = Clock::new();
    let mut app = App::new(SessionLayer::new(MemoryStore::new()).clock(clock.clone()));
    let runtime = runtime();
    let mut fill = || {
        runtime.block_on(async {
            for _ in 0..sessions {
                app.create(1).await;
            }
        });
    };
    println!("{}", growth(sessions, &mut fill)?);
    clock.advance(Duration::from_hours(60 * 24));
    println!("{}", growth(sessions, &mut fill)?);
    Ok(())
}

fn tower_sessions(sessions: u32) -> io::Result<()> {
    let layer = tower_sessions::SessionManagerLayer::new(tower_sessions::MemoryStore::default());
    let mut router = Router::new().route("/create", get(create)).layer(layer);
    println!(
        "{}",
        growth(sessions, || runtime().block_on(async {
            for _ in 0..sessions {
                let Ok(response) = router.call(get_of("/create")).await;
                assert!(response.status().is_success());
            }
        }))?
    );
    Ok(())
}

async fn create(session: tower_sessions::Session) {
    session.insert("visits", 0).await.expect("memory does not fail");
}

/// Returns the bytes by which this process grows for each session.
fn growth(sessions: u32, fill: impl FnOnce()) -> io::Result<f64> {
    let before = resident()?;
    fill();
    Ok((resident()? - before) / f64::from(sessions))
}

/// Returns the resident bytes of this process.
fn resident() -> io::Result<f64> {
    let statm = fs::read_to_string("/proc/self/statm")?;
    let pages = statm.split(' ').nth(1).and_then(|pages| pages.parse::<f64>().ok());
    Ok(pages.ok_or_else(|| io::Error::other("no such number in /proc/self/statm"))? * 4096.0)
}
