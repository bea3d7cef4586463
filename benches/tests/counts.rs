//! The figures that do not depend on the machine: the allocations of a request, and its commands to Redis.

use peers::{
    budgets, commands,
    contestants::{Contestant, Store, with_store},
    measure::{allocated, kinds},
    redis::Server,
    verify::verify,
};

#[test]
fn requests_allocate_no_more_than_they_may() {
    let mut over = Vec::new();
    for contestant in ours(Store::Memory) {
        for (class, payload) in kinds() {
            let Some(budget) = budgets::allocations(contestant.framework, contestant.store, class) else { continue };
            let (count, bytes) = allocated(&contestant, "", class, payload);
            if count > budget {
                let who = format!("{}, {}", contestant.framework.name(), contestant.name);
                over.push(format!("{who}, {}: {count} allocations of {budget}, {bytes} bytes", class.name()));
            }
        }
    }
    assert!(over.is_empty(), "over a layer that does nothing:\n{}", over.join("\n"));
}

#[test]
fn requests_send_to_redis_what_they_must() {
    let server = Server::launch();
    for contestant in ours(Store::Redis) {
        for (class, payload) in kinds() {
            let sent = commands::of(&contestant, &server, class, payload);
            let who = format!("{}, {class:?}, {payload:?}", contestant.framework.name());
            assert_eq!(sent.len(), budgets::commands(class), "{who}: {sent:?}");
        }
    }
}

#[test]
fn every_contestant_does_what_is_measured() {
    let server = Server::launch();
    Store::ALL.into_iter().flat_map(with_store).for_each(|contestant| verify(&contestant, &server.url()));
}

fn ours(store: Store) -> Vec<Contestant> {
    let ours: Vec<_> = with_store(store).into_iter().filter(Contestant::is_ours).collect();
    assert_eq!(ours.len(), 2, "one on each framework");
    ours
}
