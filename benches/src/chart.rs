//! The chart: a panel for each framework, store and payload, with a group of bars for each kind of request.

use maud::{Markup, html};

use crate::{
    classes::{Class, Payload},
    contestants::{Framework, Role, Store},
    measure::Cost,
};

const WIDTH: f64 = 460.0;
const LABEL: f64 = 190.0;
const BAR: f64 = 13.0;
const GAP: f64 = 22.0;

/// Returns the chart as SVG, for sessions in memory and in cookies. The times of Redis are too long for it.
pub fn svg(costs: &[Cost]) -> String {
    let mut panels = Vec::new();
    let mut top = 10.0;
    for store in [Store::Memory, Store::Cookie] {
        for framework in [Framework::Axum, Framework::Actix] {
            let drawn = Payload::ALL.map(|payload| panel(costs, framework, store, payload));
            let height = drawn.iter().map(|(_, height)| *height).fold(0.0, f64::max);
            for (nth, (panel, _)) in drawn.into_iter().enumerate() {
                let left = if nth == 0 { 10.0 } else { WIDTH + LABEL + 70.0 };
                panels.push(html! { g transform=(format!("translate({left} {top})")) { (panel) } });
            }
            top += height;
        }
    }
    let width = 2.0 * (WIDTH + LABEL + 70.0);
    let markup = html! {
        svg xmlns="http://www.w3.org/2000/svg" viewBox=(format!("0 0 {width} {top}")) font-family="sans-serif" font-size="11" {
            title { "What a session adds to a request, in ns" }
            rect width="100%" height="100%" fill="white" {}
            @for panel in &panels { (panel) }
        }
    };
    markup.into_string()
}

/// Returns a panel and its height, which is 0 if it has no contestant.
fn panel(costs: &[Cost], framework: Framework, store: Store, payload: Payload) -> (Markup, f64) {
    let is_here = |cost: &&Cost| {
        let contestant = &cost.contestant;
        contestant.framework == framework && contestant.store == store && cost.payload == payload
    };
    let here: Vec<&Cost> = costs.iter().filter(is_here).collect();
    let longest = here.iter().map(|cost| cost.overhead.median).fold(0.0, f64::max);
    if longest <= 0.0 {
        return (Markup::default(), 0.0);
    }
    let mut y = GAP;
    let mut groups = Vec::new();
    for class in Class::ALL {
        groups.push(html! { text x="0" y=(y + BAR) font-weight="bold" { (class.name()) } });
        for cost in here.iter().filter(|cost| cost.class == class) {
            y += BAR;
            groups.push(bar(cost, y, longest));
        }
        y += GAP;
    }
    let title = format!("{}, {}, {}: ns over the bare framework", framework.name(), store.name(), payload.name());
    (html! { text x="0" y="12" font-size="14" { (title) } @for group in &groups { (group) } }, y + GAP)
}

fn bar(cost: &Cost, y: f64, longest: f64) -> Markup {
    let ns = cost.overhead.median.max(0.0);
    let fill = match cost.contestant.role {
        Role::Ours => "#1f6f8b",
        Role::OursBeside => "#99c1cf",
        _ => "#b9b3a9",
    };
    let width = ns / longest * WIDTH;
    html! {
        text x=(LABEL + 55.0) y=(y) text-anchor="end" { (cost.contestant.name) }
        rect x=(LABEL + 60.0) y=(y - 9.0) width=(format!("{:.1}", width * 0.85)) height=(BAR - 3.0) fill=(fill) {}
        text x=(format!("{:.1}", LABEL + 64.0 + width * 0.85)) y=(y) { (format!("{ns:.0}")) }
    }
}
