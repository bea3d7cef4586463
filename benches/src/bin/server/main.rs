//! Measures the requests a second of whole servers: without sessions, with cloakroom and with its peers, over sockets
//! of the loopback device, under `wrk`.
//!
//! Each server is a process with one thread, and so is the load. They share the machine, so compare the figures only
//! with each other. Rounds are interleaved, and each ratio is taken within its round.

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
    server::Server,
};

mod actix_app;
mod actix_memory;
mod axum_app;
#[path = "../common/mod.rs"]
mod common;
mod framework;
mod load;
#[allow(dead_code, unreachable_pub)] // The tests use more of it.
#[path = "../../../../tests/support/redis_server.rs"]
mod redis;
mod server;

const ABOUT: &str = "Measures what whole servers answer in a second, over loopback, under wrk.";

/// The allowed part of the requests a second of the server without sessions.
const READ_WITH_MEMORY: Budget = Budget::AtLeast(0.93);

/// A kind of request.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    /// With a cookie, and the handler reads one key.
    Read,
    /// The same request without a cookie.
    Anonymous,
}

struct Plan {
    classes: &'static [Class],
    rounds: usize,
    /// The time of one server under load. `wrk` takes whole seconds.
    turn: Duration,
}

const WHOLE: Plan = Plan { classes: &[Class::Read, Class::Anonymous], rounds: 11, turn: Duration::from_secs(1) };
const QUICK: Plan = Plan { classes: &[Class::Read], rounds: 3, turn: Duration::from_secs(1) };

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let mut arguments = env::args().skip(1).peekable();
    if arguments.next_if(|first| first == server::SERVE).is_some() {
        return server::serve(arguments);
    }
    let Some(args) = args::parse("server", ABOUT)? else { return Ok(ExitCode::SUCCESS) };
    let load = Load::find()?;
    let redis = redis::Server::launch();
    let plan = if args.quick { QUICK } else { WHOLE };
    println!("{ABOUT}\n{}; {load}\nServer and load share these CPUs.", common::machine::describe());

    let mut report = Report::default();
    for framework in [Framework::Axum, Framework::Actix] {
        let start = |&name: &&str| Server::start(framework, name, &redis.url());
        let servers = framework.names().iter().map(start).collect::<Result<Vec<_>, _>>()?;
        for &class in plan.classes {
            let rounds = measure(&servers, class, &plan, &load)?;
            let part = format!("{}, {}", framework.title(), class.title());
            report.part(&part, "to no sessions", &rates(framework, class, &rounds));
            let part = format!("{part}: the server's own processor time");
            report.part(&part, "to no sessions", &costs(framework, &rounds));
        }
    }
    Ok(report.end(&args)?)
}

/// The figures of one server in each round.
#[derive(Clone, Default)]
struct Rounds {
    /// Requests a second.
    rates: Vec<f64>,
    /// The microseconds of processor time for each request, which do not depend on other programs.
    costs: Vec<f64>,
}

fn measure(servers: &[Server], class: Class, plan: &Plan, load: &Load) -> Result<Vec<Rounds>, Box<dyn Error>> {
    let mut all = vec![Rounds::default(); servers.len()];
    for round in 0..plan.rounds {
        for turn in 0..servers.len() {
            // The order changes with each round, so that a machine that gets slower or faster affects all servers
            // alike.
            let at = if round % 2 == 0 { turn } else { servers.len() - 1 - turn };
            let server = &servers[at];
            let cookie = (class == Class::Read).then_some(server.cookie.as_str());
            let before = server.processor()?;
            let done = load.send(&server.url(), cookie, plan.turn)?;
            all[at].rates.push(done.rate);
            all[at].costs.push((server.processor()? - before) / done.requests);
        }
    }
    Ok(all)
}

fn rates(framework: Framework, class: Class, all: &[Rounds]) -> Vec<Row> {
    let row = |(&name, Rounds { rates, .. }): (&&str, &Rounds)| {
        let row = Row::new(name, Spread::of(rates), "requests/s");
        let ratio = Spread::of_ratios(rates, &all[0].rates);
        match name {
            NOTHING => row,
            OURS if class == Class::Read => row.ratio(ratio).budget(READ_WITH_MEMORY),
            _ => row.ratio(ratio),
        }
    };
    framework.names().iter().zip(all).map(row).collect()
}

fn costs(framework: Framework, all: &[Rounds]) -> Vec<Row> {
    let row = |(&name, Rounds { costs, .. }): (&&str, &Rounds)| {
        Row::new(name, Spread::of(costs), "µs a request").ratio(Spread::of_ratios(costs, &all[0].costs))
    };
    framework.names().iter().zip(all).map(row).collect()
}

impl Class {
    fn title(self) -> &'static str {
        match self {
            Self::Read => "a valid cookie, one key is read",
            Self::Anonymous => "no cookie, one key is asked for",
        }
    }
}
