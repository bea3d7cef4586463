//! The instructions of a request, counted by callgrind. They do not depend on the machine's load.
//!
//! `instructions` counts every row and fails if one is over its budget. `instructions run ..` is the program that it counts.

use std::{
    env,
    process::{Command, ExitCode},
};

use anyhow::{Context as _, Result, bail};
use peers::{
    classes::{Class, Payload},
    contestants::{Contestant, Framework, Store, baseline, floor, with_store},
    visit::Visit,
};

mod budgets;
mod callgrind;

/// The requests of the shorter run. The longer one makes three times as many, so that their difference is requests alone.
const REQUESTS: u32 = 400;

fn main() -> Result<ExitCode> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["run", framework, name, class, payload, times] => {
            run(&find(framework, name)?, class, payload, times.parse()?)?;
            Ok(ExitCode::SUCCESS)
        }
        [] => table(),
        _ => bail!("usage: instructions"),
    }
}

/// Returns the contestants that are counted: ours on both frameworks, with sessions in memory and in the cookie.
fn counted() -> Vec<Contestant> {
    let of = |store| with_store(store).into_iter().filter(Contestant::is_ours);
    of(Store::Memory).chain(of(Store::Cookie)).collect()
}

fn find(framework: &str, name: &str) -> Result<Contestant> {
    let bare = Framework::ALL.into_iter().flat_map(|framework| [baseline(framework), floor(framework)]).flatten();
    let mut all = counted().into_iter().chain(bare);
    all.find(|contestant| contestant.framework.name() == framework && contestant.name == name)
        .context("no such contestant")
}

/// Makes requests: what callgrind counts.
fn run(contestant: &Contestant, class: &str, payload: &str, times: u32) -> Result<()> {
    let class = Class::ALL.into_iter().find(|it| it.name() == class).context("no such class")?;
    let payload = Payload::ALL.into_iter().find(|it| it.name() == payload).context("no such payload")?;
    Visit::start(contestant, "", class, payload).run(times);
    Ok(())
}

/// Prints the instructions of a request over the bare framework, and fails if a row is over its budget.
fn table() -> Result<ExitCode> {
    println!("| | | | instructions | budget |\n|---|---|---|---|---|");
    let mut over = Vec::new();
    for framework in [Framework::Axum, Framework::Actix] {
        let bare = baseline(framework).context("a framework")?;
        for (class, payload) in Class::ALL.into_iter().flat_map(|class| Payload::ALL.map(|payload| (class, payload))) {
            let floor = per_request(&bare, class, payload)?;
            for contestant in counted().into_iter().filter(|contestant| contestant.framework == framework) {
                let count = per_request(&contestant, class, payload)? - floor;
                let budget = budgets::of(framework, contestant.store, class, payload);
                let names = [framework.name(), contestant.store.name(), class.name(), payload.name()].join(" | ");
                println!("| {names} | {count} | {budget} |");
                if count > budget + budget * budgets::MARGIN / 100 {
                    over.push(names);
                }
            }
        }
    }
    let [bare, layer] = [baseline(Framework::Axum), floor(Framework::Axum)].map(|it| it.context("Axum has both"));
    let layer = per_request(&layer?, Class::Anonymous, Payload::Small)?
        - per_request(&bare?, Class::Anonymous, Payload::Small)?;
    println!("\nA layer that does nothing, on Axum: {layer}");
    if over.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    let compiler = Command::new("rustc").arg("--version").output().context("cannot run rustc")?;
    if !compiler.stdout.starts_with(budgets::COMPILER.as_bytes()) {
        println!("The budgets are those of another compiler, {}x, and were not compared.", budgets::COMPILER);
        return Ok(ExitCode::SUCCESS);
    }
    eprintln!("over the budget by more than {} %:\n{}", budgets::MARGIN, over.join("\n"));
    Ok(ExitCode::FAILURE)
}

fn per_request(contestant: &Contestant, class: Class, payload: Payload) -> Result<i64> {
    let of = |times: u32| -> Result<i64> {
        let row = [contestant.framework.name(), contestant.name, class.name(), payload.name(), &times.to_string()];
        callgrind::count(&row)
    };
    // Callgrind runs one thread at a time, so two programs are two processors.
    let (long, short) = std::thread::scope(|scope| {
        let short = scope.spawn(|| of(REQUESTS));
        (of(3 * REQUESTS), short.join().ok())
    });
    let short = short.context("a thread panicked")??;
    Ok((long? - short) / i64::from(2 * REQUESTS))
}
