//! The cost of a request, by the number of keys in its session.

use cloakroom::{MemoryStore, SessionLayer};

use crate::{
    Plan,
    app::{App, Class, runtime},
    common::{
        report::{Report, Row},
        spread::Spread,
    },
};

const KEYS: [usize; 4] = [1, 10, 100, 1_000];

pub(crate) fn measure(plan: &Plan, report: &mut Report) {
    let runtime = runtime();
    let mut app = App::new(SessionLayer::new(MemoryStore::new()));
    let cookies = KEYS.map(|keys| runtime.block_on(app.create(keys)));

    let mut rounds = KEYS.map(|_| Vec::new());
    for _ in 0..plan.rounds {
        for (cookie, rounds) in cookies.iter().zip(&mut rounds) {
            let requests = (0..plan.requests).map(|_| Class::Read.request(cookie)).collect();
            rounds.push(runtime.block_on(app.time(requests)));
        }
    }
    let rows: Vec<_> = KEYS
        .iter()
        .zip(&rounds)
        .map(|(keys, figures)| {
            Row::new(format!("read, {keys} keys"), Spread::of(figures), "ns")
                .ratio(Spread::of_ratios(figures, &rounds[0]))
        })
        .collect();
    report.part("A whole request that reads one key, of a session of many", "to one key", &rows);
}
