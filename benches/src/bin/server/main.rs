//! What whole servers answer in a second: without sessions, with cloakroom and with its peers, over sockets of the
//! loopback device, under `wrk`.
//!
//! Each server is a process of its own with one thread, and so is the load. They share the machine: the figures are to be
//! compared with each other, and with nothing else. Rounds are interleaved, and each ratio is taken within its round.

use std::{env, error::Error, process::ExitCode, time::Duration};

use crate::{
    common::{
        args,
        budget::Budget,
        report::{Report, Row},
        spread::Spread,
    },
    framework::{Framework, NOTHING, OURS},
    load::Load,
    redis::Redis,
    server::Server,
};

mod actix_app;
mod actix_memory;
mod axum_app;
#[path = "../common/mod.rs"]
mod common;
mod framework;
mod load;
mod redis;
mod server;

const ABOUT: &str = "Measures what whole servers answer in a second, over loopback, under wrk.";

/// Of what the server answers that has no sessions.
const READ_WITH_MEMORY: Budget = Budget::AtLeast(0.93);

/// A kind of request.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    /// With a cookie, and the handler reads one key.
    Read,
    /// The same without a cookie.
    Anonymous,
}

struct Plan {
    classes: &'static [Class],
    rounds: usize,
    /// Of one server under load. `wrk` takes whole seconds.
    turn: Duration,
}

const WHOLE: Plan = Plan { classes: &[Class::Read, Class::Anonymous], rounds: 5, turn: Duration::from_secs(2) };
const QUICK: Plan = Plan { classes: &[Class::Read], rounds: 3, turn: Duration::from_secs(1) };

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let mut arguments = env::args().skip(1).peekable();
    if arguments.next_if(|first| first == server::SERVE).is_some() {
        return server::serve(arguments);
    }
    let Some(args) = args::parse("server", ABOUT)? else { return Ok(ExitCode::SUCCESS) };
    let load = Load::find()?;
    let redis = Redis::start()?;
    let plan = if args.quick { QUICK } else { WHOLE };
    println!("{ABOUT}\n{}; {load}\nServer and load share these CPUs.", common::machine::describe());

    let mut report = Report::default();
    for framework in [Framework::Axum, Framework::Actix] {
        let start = |&name: &&str| Server::start(framework, name, &redis.url());
        let servers = framework.names().iter().map(start).collect::<Result<Vec<_>, _>>()?;
        for &class in plan.classes {
            let rounds = measure(&servers, class, &plan, &load)?;
            let part = format!("{}, {}", framework.title(), class.title());
            report.part(&part, "to no sessions", &rows(framework, class, &rounds));
        }
    }
    Ok(report.end(&args)?)
}

/// Requests a second of each server, of each round.
fn measure(servers: &[Server], class: Class, plan: &Plan, load: &Load) -> Result<Vec<Vec<f64>>, Box<dyn Error>> {
    let mut rounds = vec![Vec::new(); servers.len()];
    for _ in 0..plan.rounds {
        for (server, rounds) in servers.iter().zip(&mut rounds) {
            let cookie = (class == Class::Read).then_some(server.cookie.as_str());
            rounds.push(load.send(&server.url(), cookie, plan.turn)?);
        }
    }
    Ok(rounds)
}

fn rows(framework: Framework, class: Class, rounds: &[Vec<f64>]) -> Vec<Row> {
    let row = |(&name, figures): (&&str, &Vec<f64>)| {
        let row = Row::new(name, Spread::of(figures), "requests/s");
        match name {
            NOTHING => row,
            OURS if class == Class::Read => row.ratio(Spread::of_ratios(figures, &rounds[0])).budget(READ_WITH_MEMORY),
            _ => row.ratio(Spread::of_ratios(figures, &rounds[0])),
        }
    };
    framework.names().iter().zip(rounds).map(row).collect()
}

impl Class {
    fn title(self) -> &'static str {
        match self {
            Self::Read => "a valid cookie, one key is read",
            Self::Anonymous => "no cookie, one key is asked for",
        }
    }
}
