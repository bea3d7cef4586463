//! The commands that a request sends to Redis.

use crate::{
    classes::{Class, Payload},
    contestants::Contestant,
    redis::{Monitor, Server},
    visit::Visit,
};

/// Returns the commands of one request.
pub fn of(contestant: &Contestant, server: &Server, class: Class, payload: Payload) -> Vec<String> {
    let visit = Visit::start(contestant, &server.url(), class, payload);
    // The first requests also send scripts or `HELLO`.
    visit.run(3);
    let mut monitor = Monitor::start(server);
    visit.run(1);
    monitor.commands()
}
