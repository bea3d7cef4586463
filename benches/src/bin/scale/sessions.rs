//! The cost of a request, by the number of sessions in the store.

use cloakroom::{MemoryStore, SessionLayer};
use rand::{SeedableRng as _, rngs::StdRng};

use crate::{
    Plan,
    app::{App, Class, runtime},
    common::{
        budget::Budget,
        report::{Report, Row},
        spread::Spread,
    },
};

const BUDGET: Budget = Budget::AtMost(2.0);

pub(crate) fn measure(plan: &Plan, report: &mut Report) {
    let mut random = StdRng::seed_from_u64(1);
    let runtime = runtime();
    let mut stores: Vec<_> = plan
        .sessions
        .iter()
        .map(|&sessions| {
            let mut app = App::new(SessionLayer::new(MemoryStore::new()));
            let cookies = runtime.block_on(app.fill(sessions));
            (app, cookies)
        })
        .collect();

    for class in Class::ALL {
        let mut rounds = vec![Vec::new(); stores.len()];
        for _ in 0..plan.rounds {
            for ((app, cookies), rounds) in stores.iter_mut().zip(&mut rounds) {
                let requests = class.requests(cookies, plan.requests, &mut random);
                rounds.push(runtime.block_on(app.time(requests)));
            }
        }
        let rows: Vec<_> = plan
            .sessions
            .iter()
            .zip(&rounds)
            .enumerate()
            .map(|(at, (sessions, figures))| {
                let row = Row::new(format!("{}, {sessions} sessions", class.name()), Spread::of(figures), "ns");
                if at == 0 { row } else { row.ratio(Spread::of_ratios(figures, &rounds[0])).budget(BUDGET) }
            })
            .collect();
        let part = format!("A whole request ({}) to a session at random", class.name());
        report.part(&part, &format!("to {} sessions", plan.sessions[0]), &rows);
    }
}
