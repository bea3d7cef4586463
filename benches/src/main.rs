//! Measures the costs of a request with cloakroom and with its peers, in one run.

use std::{error::Error, fs, process::ExitCode, time::Duration};

use peers::{
    args::Args,
    budgets::Verdict,
    chart, commands,
    contestants::{Contestant, Store, baseline, with_store},
    csv,
    measure::{Cost, Effort, measure},
    redis::Server,
    report::Row,
    saturation, table,
    verify::verify,
    versions,
};

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let Some(args) = Args::read()? else { return Ok(ExitCode::SUCCESS) };
    let server = Server::launch();
    let url = server.url();
    let is_asked_for = |contestant: &Contestant| {
        let label = format!("{}, {}, {}", contestant.framework.name(), contestant.store.name(), contestant.name);
        label.contains(&args.filter)
    };
    let mut costs = Vec::new();
    for stores in [&[Store::Memory, Store::Cookie][..], &[Store::Redis]] {
        let mut contestants: Vec<Contestant> = stores.iter().flat_map(|store| with_store(*store)).collect();
        contestants.retain(is_asked_for);
        for contestant in &contestants {
            baseline(contestant.framework).iter().chain([contestant]).for_each(|contestant| verify(contestant, &url));
        }
        let effort = effort(&args, stores.contains(&Store::Redis));
        eprintln!("{} contestants, {} rounds of {} requests each", contestants.len(), effort.rounds, effort.requests);
        costs.extend(measure(&contestants, &url, effort));
    }
    let count = |cost: &Cost| {
        let is_sent = cost.contestant.store == Store::Redis;
        is_sent.then(|| commands::of(&cost.contestant, &server, cost.class, cost.payload).len())
    };
    let rows = Row::all(&costs, count);
    let in_redis: Vec<Contestant> = with_store(Store::Redis).into_iter().filter(is_asked_for).collect();
    let limit = Duration::from_millis(if args.quick { 200 } else { 1000 });
    let throughput = saturation::measure(&in_redis, &url, if args.quick { 3 } else { 5 }, limit);

    for line in versions::lines() {
        println!("{line}");
    }
    println!("{NOTES}");
    println!("{}", table::costs(&costs));
    println!("{}", table::budgets(&rows));
    println!("{}", table::saturation(&throughput));
    fs::create_dir_all(&args.out)?;
    fs::write(args.out.join("peers.csv"), csv::costs(&costs, count))?;
    fs::write(args.out.join("peers.svg"), chart::svg(&costs))?;
    println!("{} has peers.csv and peers.svg", args.out.display());
    Ok(if args.check { check(&rows) } else { ExitCode::SUCCESS })
}

const NOTES: &str = "
Cells: ns over the bare framework (for bare commands: all they take), the median of all rounds ± the median distance from \
it; allocations over the framework with a layer that does nothing: Axum clones and boxes a layered route for every request, \
whatever the layer.
Each round starts every contestant afresh, with an empty store, in turn; its bare framework runs in the same round. \
The best other is the cheapest peer on the same framework and store.
actix-session has no store in memory: its own store here is a HashMap in a Mutex, without deadlines. axum_session keeps \
sessions in memory through its null pool, and gives every request one. Peers are as their documentation sets them up, \
without logging; each name says how its cookie is protected.";

fn effort(args: &Args, in_redis: bool) -> Effort {
    let (rounds, requests, warm_up) = match (in_redis, args.quick) {
        (false, false) => (240, 300, 100),
        (false, true) => (60, 300, 100),
        (true, false) => (60, 40, 10),
        (true, true) => (12, 40, 10),
    };
    Effort { rounds: args.rounds.unwrap_or(rounds), requests, warm_up }
}

/// Prints the costs that miss their budgets, and those that are unclear.
fn check(rows: &[Row<'_>]) -> ExitCode {
    let named = |verdict| rows.iter().filter(move |row| row.verdicts().any(|of_row| of_row == verdict));
    for verdict in [Verdict::Unclear, Verdict::Missed] {
        for row in named(verdict) {
            println!("{}: {row}", verdict.name());
        }
    }
    if named(Verdict::Missed).next().is_some() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
