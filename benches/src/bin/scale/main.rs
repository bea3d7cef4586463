//! Measures how the cost of a request grows: with the sessions in the store, with a session's keys, and with threads.
//! Also measures the memory of a session, and the time that clean-up adds to a request.
//!
//! Everything runs in process, without sockets: an Axum `Router` under `SessionLayer`, with a `MemoryStore`.

use std::{env, error::Error, process::ExitCode, time::Duration};

use crate::common::{args, report::Report};

mod app;
mod clock;
#[path = "../common/mod.rs"]
mod common;
mod keys;
mod memory;
mod pause;
mod sessions;
mod threads;
mod times;

const ABOUT: &str = "Measures how a request's cost grows with sessions, keys and threads.";

/// The extent of a measurement.
struct Plan {
    /// The numbers of sessions in the store. The others are compared with the first.
    sessions: &'static [usize],
    rounds: usize,
    /// The requests of a round.
    requests: usize,
    /// The time for which threads work in a round.
    work: Duration,
}

const WHOLE: Plan = Plan {
    sessions: &[1_000, 10_000, 100_000, 1_000_000],
    rounds: 51,
    requests: 10_000,
    work: Duration::from_millis(500),
};
const QUICK: Plan =
    Plan { sessions: &[1_000, 10_000, 100_000], rounds: 15, requests: 5_000, work: Duration::from_millis(100) };

impl Plan {
    fn most_sessions(&self) -> usize {
        self.sessions.iter().copied().max().unwrap_or_default()
    }
}

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let mut arguments = env::args_os().skip(1).peekable();
    if arguments.next_if(|first| first == memory::CHILD).is_some() {
        return Ok(memory::measure_here(arguments)?);
    }
    let Some(args) = args::parse("scale", ABOUT)? else { return Ok(ExitCode::SUCCESS) };
    let plan = if args.quick { QUICK } else { WHOLE };
    println!("{ABOUT}\n{}", common::machine::describe());

    let mut report = Report::default();
    sessions::measure(&plan, &mut report);
    keys::measure(&plan, &mut report);
    threads::measure(&plan, &mut report);
    memory::measure(&plan, &mut report)?;
    pause::measure(&plan, &mut report);
    Ok(report.end(&args)?)
}
