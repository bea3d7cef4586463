use std::{
    fmt::Write as _,
    time::{Duration, Instant},
};

use stateright::{Checker as _, Model as _, Path};

use super::{
    does::{
        ALICE, BOB,
        Does::{self, *},
        MALLORY,
    },
    invariants as is,
    request::{Next, Options},
    seeded::Bug,
    steps::{Action, Protocol},
    world::{Budget, Stage, Start, World},
};

mod seeded;

const KINDS: [Does; 20] = [
    Read,
    Write,
    Update,
    UpdateTwice,
    Held,
    HeldUpdate,
    HeldReload,
    HeldRenew,
    HeldClear,
    HeldPurge,
    Clear,
    Login(ALICE),
    Login(BOB),
    SetOwner(BOB),
    StepUp,
    Renew,
    Leave,
    Purge,
    Restart,
    Everywhere,
];
const STARTS: [Start; 3] = [Start::Empty, Start::Anonymous, Start::LoggedIn];
const CALM: Budget = Budget { faults: 0, windows: 0, proofs: 0 };
const PLAIN: Options =
    Options { owner_key: false, epochs: false, skew: Duration::ZERO, anonymous: false, devices: false };
#[cfg(feature = "device-bound")]
const DEVICES: Options = Options { devices: true, ..PLAIN };

/// Returns every way to choose `count` of `all`, in any order, with "everywhere" at most once.
fn choices(all: &[Does], count: usize) -> Vec<Vec<Does>> {
    if count == 0 {
        return vec![Vec::new()];
    }
    let with = |at: usize| choices(&all[at..], count - 1).into_iter().map(move |rest| [&[all[at]], &rest[..]].concat());
    let is_once = |does: &Vec<Does>| does.iter().filter(|does| **does == Everywhere).count() < 2;
    (0..all.len()).flat_map(with).filter(is_once).collect()
}

fn browsers(kinds: &[Does], count: usize, options: Options, left: Budget) -> Vec<World> {
    let of =
        |start: Start| choices(kinds, count).into_iter().map(move |does| World::new(start, options, left, &does, &[]));
    STARTS.into_iter().flat_map(of).collect()
}

fn attacked(
    start: Start,
    kinds: &[Does],
    count: usize,
    options: Options,
    left: Budget,
    attacks: &[&[Does]],
) -> Vec<World> {
    let of = |does: Vec<Does>| attacks.iter().map(move |attack| World::new(start, options, left, &does, attack));
    choices(kinds, count).into_iter().flat_map(of).collect()
}

/// Returns a path as text, one line a step.
fn story(path: Path<World, Action>) -> String {
    let mut lines = String::new();
    let steps = path.into_vec();
    for pair in steps.windows(2) {
        let ((before, action), (after, _)) = (&pair[0], &pair[1]);
        let Some(action) = action else { continue };
        let _ = write!(lines, "  {action:?}");
        if let Action::Send(at, _) | Action::Ask(at, _) = *action {
            let _ = write!(lines, " {:?}", before.requests[at].does);
            if let Some(Next::Call(call)) = before.requests[at].next() {
                let _ = write!(lines, ": {}", call.brief());
            }
            if let Some(reply) = after.requests[at].last_reply() {
                let _ = write!(lines, " -> {}", reply.brief());
            }
            if let Stage::Answered(answer) = &after.requests[at].stage {
                let _ = write!(lines, ", answers {answer:?}");
            }
            if let Stage::Over { is_ok, .. } = &after.requests[at].stage {
                let _ = write!(lines, ", is over: {is_ok}, acknowledged {:?}", after.requests[at].acknowledged);
            }
        }
        lines.push('\n');
    }
    if let Some((world, _)) = steps.last() {
        let does: Vec<_> = world.requests.iter().map(|request| request.does).collect();
        let _ = write!(lines, "  {does:?} {:?} jar {:?}", world.options, world.jar);
        for (id, kept) in world.store.live() {
            let _ = write!(lines, "\n  {id}: {}", kept.brief());
        }
    }
    lines
}

/// Explores every state, and checks that there are more than `least`: a model that does not move proves nothing.
fn explore(worlds: Vec<World>, least: usize) {
    let (begun, count) = (Instant::now(), worlds.len());
    let checker = Protocol { worlds, bug: None }.checker().spawn_bfs().join();
    let (states, depth) = (checker.unique_state_count(), checker.max_depth());
    println!("{count} worlds, {states} states, {depth} steps, {:?}", begun.elapsed());
    for (name, path) in checker.discoveries() {
        println!("VIOLATED: {name}\n{}", story(path));
    }
    checker.assert_properties();
    assert!(states > least, "{states}");
}

#[test]
fn two_requests_of_all_kinds_agree() {
    explore(browsers(&KINDS, 2, PLAIN, CALM), 25_000);
}

#[test]
fn two_requests_agree_where_a_key_names_the_owner() {
    explore(browsers(&KINDS, 2, Options { owner_key: true, ..PLAIN }, CALM), 25_000);
    let kinds = [Write, Clear, Login(ALICE), SetOwner(BOB), StepUp, Leave];
    explore(browsers(&kinds, 2, Options { owner_key: true, ..PLAIN }, Budget { faults: 1, ..CALM }), 20_000);
}

#[test]
fn two_requests_agree_where_owners_have_epochs() {
    explore(browsers(&KINDS, 2, Options { epochs: true, ..PLAIN }, CALM), 25_000);
}

#[test]
fn two_requests_agree_where_clocks_differ_and_the_window_passes() {
    let options = Options { skew: Duration::from_secs(7), ..PLAIN };
    explore(browsers(&KINDS, 2, options, Budget { windows: 1, ..CALM }), 40_000);
}

#[test]
fn two_requests_of_all_kinds_agree_where_a_call_fails() {
    explore(browsers(&KINDS, 2, PLAIN, Budget { faults: 1, ..CALM }), 250_000);
}

#[test]
fn two_requests_agree_where_two_calls_fail() {
    let kinds = [Write, UpdateTwice, Login(ALICE), StepUp, Purge];
    explore(browsers(&kinds, 2, PLAIN, Budget { faults: 2, ..CALM }), 100_000);
}

#[test]
fn three_requests_agree() {
    let kinds = [Write, UpdateTwice, Login(ALICE), StepUp, Leave, Purge];
    explore(browsers(&kinds, 3, PLAIN, CALM), 100_000);
}

#[test]
fn three_requests_agree_where_a_call_fails() {
    explore(browsers(&[Update, Login(ALICE)], 3, PLAIN, Budget { faults: 1, ..CALM }), 100_000);
}

#[test]
fn requests_that_go_on_without_the_store_write_nothing() {
    let kinds = [Write, Update, Renew, Purge];
    explore(browsers(&kinds, 2, Options { anonymous: true, ..PLAIN }, Budget { faults: 1, ..CALM }), 1_000);
}

#[test]
fn an_attacker_with_the_token_from_before_the_login_gets_nowhere() {
    let attacks: [&[Does]; 8] =
        [&[Read], &[Write], &[Held], &[Clear], &[StepUp], &[Renew], &[Login(MALLORY)], &[Purge]];
    explore(attacked(Start::Anonymous, &KINDS, 1, PLAIN, Budget { windows: 1, ..CALM }, &attacks), 5_000);
    let kinds = [Write, Update, Login(ALICE), StepUp, Leave, Everywhere];
    let attacks: [&[Does]; 5] = [&[Held], &[Clear], &[Renew], &[Login(MALLORY)], &[Purge]];
    explore(attacked(Start::Anonymous, &kinds, 2, PLAIN, CALM, &attacks), 40_000);
}

#[test]
fn a_thief_gets_no_more_than_one_session() {
    let kinds = [Write, Update, Login(ALICE), StepUp, Leave, Everywhere];
    let attacks: [&[Does]; 3] = [&[StepUp], &[Renew], &[Login(MALLORY)]];
    explore(attacked(Start::LoggedIn, &kinds, 2, Options { epochs: true, ..PLAIN }, CALM, &attacks), 40_000);
}

#[cfg(feature = "device-bound")]
#[test]
fn a_thief_without_the_devices_key_acts_for_one_proofs_lifetime_at_most() {
    let left = Budget { proofs: 2, ..CALM };
    let attacks: [&[Does]; 7] = [&[Write], &[Held], &[HeldReload], &[StepUp], &[Renew], &[Purge], &[SetOwner(MALLORY)]];
    let kinds = [Write, Renew, Login(ALICE), Leave, Refresh];
    explore(attacked(Start::LoggedIn, &kinds, 1, DEVICES, left, &attacks), 1_000);
    let attacks: [&[Does]; 3] = [&[Renew, Read], &[Forge, Forge], &[Forge, ForgeDevice]];
    explore(attacked(Start::LoggedIn, &[Login(ALICE), Refresh], 1, DEVICES, left, &attacks), 1_000);
    let browser = [Login(ALICE), Register];
    explore(vec![World::new(Start::LoggedIn, DEVICES, left, &browser, &[Read])], 1_000);
}

#[cfg(feature = "device-bound")]
#[test]
fn requests_of_a_bound_session_agree() {
    let kinds = [Write, Renew, Login(ALICE), Leave, Purge, Refresh];
    let worlds = |kinds, left| {
        let of = move |does: Vec<Does>| World::new(Start::LoggedIn, DEVICES, left, &does, &[]);
        choices(kinds, 2).into_iter().map(of).collect()
    };
    explore(worlds(&kinds, Budget { proofs: 2, ..CALM }), 1_000);
    explore(worlds(&[Write, Login(ALICE), Refresh], Budget { faults: 1, ..CALM }), 1_000);
}
