//! The tables, in Markdown.

use std::fmt::Write as _;

use crate::{
    classes::{Class, Payload},
    contestants::{Framework, Role, Store},
    measure::Cost,
    report::Row,
    saturation::{IN_FLIGHT, Throughput},
};

/// Returns the costs of all contestants: a table for each framework, store and payload.
pub fn costs(costs: &[Cost]) -> String {
    let mut text = String::new();
    for (framework, store, payload) in places() {
        let here = |cost: &&Cost| {
            let contestant = &cost.contestant;
            // Every framework's table ends with the bare commands.
            let is_here = contestant.framework == framework || contestant.role == Role::Yardstick;
            is_here && contestant.store == store && cost.payload == payload
        };
        let here: Vec<&Cost> = costs.iter().filter(here).collect();
        if here.iter().any(|cost| cost.contestant.role != Role::Yardstick) {
            let _ = writeln!(text, "\n{}, {}, {}:\n", framework.name(), store.name(), payload.name());
            text += &grid(&here);
        }
    }
    text
}

fn places() -> impl Iterator<Item = (Framework, Store, Payload)> {
    let stores = |framework| Store::ALL.map(|store| (framework, store));
    let places = [Framework::Axum, Framework::Actix].into_iter().flat_map(stores);
    places.flat_map(|(framework, store)| Payload::ALL.map(|payload| (framework, store, payload)))
}

/// Returns a table with a row for each contestant and a column for each class.
fn grid(costs: &[&Cost]) -> String {
    let mut names: Vec<&str> = Vec::new();
    for cost in costs {
        if !names.contains(&cost.contestant.name) {
            names.push(cost.contestant.name);
        }
    }
    let head: Vec<String> =
        std::iter::once(String::new()).chain(Class::ALL.map(|class| class.name().to_owned())).collect();
    let row = |name: &&str| {
        let cell = |class: Class| {
            let cost = costs.iter().find(|cost| cost.contestant.name == *name && cost.class == class);
            cost.map_or_else(String::new, |cost| {
                format!("{:.0} ns ±{:.0}, {}", cost.overhead.median, cost.overhead.spread, cost.allocations)
            })
        };
        std::iter::once((*name).to_owned()).chain(Class::ALL.map(cell)).collect()
    };
    markdown(&head, &names.iter().map(row).collect::<Vec<_>>())
}

/// Returns a table that compares cloakroom with the best peer, and with the budgets.
pub fn budgets(rows: &[Row<'_>]) -> String {
    let head = [
        "",
        "store",
        "payload",
        "request",
        "over bare, ns",
        "best other",
        "its ns",
        "ratio",
        "budget",
        "",
        "allocations",
        "budget",
        "",
        "Redis commands",
    ];
    let line = |row: &Row<'_>| {
        let (cost, contestant) = (row.cost, &row.cost.contestant);
        let shown =
            |verdict: Option<crate::budgets::Verdict>| verdict.map_or("", crate::budgets::Verdict::name).to_owned();
        vec![
            format!("{}, {}", contestant.framework.name(), contestant.name),
            contestant.store.name().to_owned(),
            cost.payload.name().to_owned(),
            cost.class.name().to_owned(),
            format!("{:.0} ±{:.0}", cost.overhead.median, cost.overhead.spread),
            row.rival.map_or_else(String::new, |rival| rival.contestant.name.to_owned()),
            row.rival.map_or_else(String::new, |rival| {
                format!("{:.0} ±{:.0}", rival.overhead.median, rival.overhead.spread)
            }),
            row.ratio().map_or_else(String::new, |ratio| format!("{ratio:.2}")),
            row.ratio_budget().map_or_else(String::new, |budget| format!("{budget}")),
            shown(row.ratio_verdict()),
            cost.allocations.to_string(),
            row.allocation_budget().map_or_else(String::new, |budget| budget.to_string()),
            shown(row.allocation_verdict()),
            row.commands.map_or_else(String::new, |count| format!("{count} {}", shown(row.command_verdict()))),
        ]
    };
    markdown(&head.map(str::to_owned), &rows.iter().map(line).collect::<Vec<_>>())
}

/// Returns a table of requests a second.
pub fn saturation(all: &[Throughput]) -> String {
    let head = ["", "request", &format!("a second, {IN_FLIGHT} at once")].map(str::to_owned);
    let line = |one: &Throughput| {
        vec![
            format!("{}, {}", one.contestant.framework.name(), one.contestant.name),
            one.class.name().to_owned(),
            format!("{:.0} ±{:.0}", one.per_second.median, one.per_second.spread),
        ]
    };
    markdown(&head, &all.iter().map(line).collect::<Vec<_>>())
}

fn markdown(head: &[String], rows: &[Vec<String>]) -> String {
    let width = |at: usize| rows.iter().chain([&head.to_vec()]).map(|row| row[at].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    let line = |cells: &[String]| {
        let cells = cells.iter().zip(&widths).map(|(cell, width)| format!(" {cell:width$} |"));
        format!("|{}\n", cells.collect::<String>())
    };
    let rule: Vec<String> = widths.iter().map(|width| "-".repeat(width + 2)).collect();
    let rule = rule.join("|");
    format!("{}|{rule}|\n{}", line(head), rows.iter().map(|row| line(row)).collect::<String>())
}
