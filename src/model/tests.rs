use std::time::Instant;

use stateright::{Checker as _, Model as _};

use super::{
    request::Does::{self, Login, Purge, Read, Renew, Restart, Update, Write},
    seeded::Bug,
    steps::Protocol,
    world::{Budget, Start, World},
};
use crate::OnStoreError;

const ALL: [Does; 7] = [Read, Write, Update, Login("alice"), Renew, Purge, Restart];
const STARTS: [Start; 3] = [Start::Empty, Start::Anonymous, Start::LoggedIn];
const CALM: Budget = Budget { faults: 0, retries: 0, windows: 0 };

/// Every way to choose `count` of `all`, in no order.
fn choices(all: &[Does], count: usize) -> Vec<Vec<Does>> {
    if count == 0 {
        return vec![Vec::new()];
    }
    let with = |at: usize| choices(&all[at..], count - 1).into_iter().map(move |rest| [&[all[at]], &rest[..]].concat());
    (0..all.len()).flat_map(with).collect()
}

fn browsers(count: usize, left: Budget) -> Vec<World> {
    let of = |start: Start| choices(&ALL, count).into_iter().map(move |does| World::new(start, left, &does, &[]));
    STARTS.into_iter().flat_map(of).collect()
}

fn attacked(count: usize, left: Budget, attacks: &[&[Does]]) -> Vec<World> {
    let of = |does: Vec<Does>| attacks.iter().map(move |attack| World::new(Start::Anonymous, left, &does, attack));
    choices(&ALL, count).into_iter().flat_map(of).collect()
}

/// Explores every state that there is, and more than `least`: a model that does not move proves nothing.
fn explore(worlds: Vec<World>, least: usize) {
    let (begun, count) = (Instant::now(), worlds.len());
    let checker = Protocol { worlds, bug: None }.checker().spawn_bfs().join();
    checker.assert_properties();
    let (states, depth) = (checker.unique_state_count(), checker.max_depth());
    println!("{count} worlds, {states} states, {depth} steps, {:?}", begun.elapsed());
    assert!(states > least, "{states}");
}

#[test]
fn three_requests_of_one_browser_agree() {
    explore(browsers(3, CALM), 100_000);
}

#[test]
fn three_requests_agree_where_a_call_fails_or_a_request_crashes() {
    explore(browsers(3, Budget { faults: 1, ..CALM }), 300_000);
}

#[test]
fn two_requests_agree_where_two_calls_fail_and_the_window_passes() {
    explore(browsers(2, Budget { faults: 2, windows: 1, ..CALM }), 30_000);
}

#[test]
fn three_requests_agree_where_the_superseded_window_passes() {
    explore(browsers(3, Budget { windows: 1, ..CALM }), 500_000);
}

#[test]
fn three_requests_agree_where_a_lost_reply_is_asked_for_again() {
    explore(browsers(3, Budget { retries: 1, ..CALM }), 200_000);
}

#[test]
fn two_users_on_one_browser_agree() {
    let all = [Write, Login("alice"), Login("bob"), Renew];
    let of = |start| choices(&all, 3).into_iter().map(move |does| World::new(start, CALM, &does, &[]));
    explore(STARTS.into_iter().flat_map(of).collect(), 10_000);
}

#[test]
fn requests_that_go_on_without_the_store_write_nothing() {
    let mut worlds = browsers(2, Budget { faults: 2, ..CALM });
    for request in worlds.iter_mut().flat_map(|world| &mut world.requests) {
        request.policy = OnStoreError::Anonymous;
    }
    explore(worlds, 9_000);
}

#[test]
fn an_attacker_with_the_token_from_before_the_login_gets_nowhere() {
    explore(attacked(3, CALM, &[&[Renew], &[Login("mallory")]]), 1_000_000);
}

#[test]
fn an_attacker_gets_nowhere_with_two_requests_and_time() {
    let attacks: [&[Does]; 3] = [&[Purge], &[Update], &[Renew, Login("mallory")]];
    explore(attacked(2, Budget { windows: 1, ..CALM }, &attacks), 500_000);
}

#[test]
fn an_attacker_gets_nowhere_where_a_call_fails() {
    let attacks: [&[Does]; 3] = [&[Purge], &[Login("mallory")], &[Renew, Login("mallory")]];
    explore(attacked(2, Budget { faults: 1, ..CALM }, &attacks), 100_000);
}

/// Whether the model finds `bug`, as a violation of each of these.
fn finds(bug: Bug, violated: &[&'static str]) {
    let left = Budget { retries: u8::from(bug == Bug::TrustRetry), ..CALM };
    let checker = Protocol { worlds: browsers(2, left), bug: Some(bug) }.checker().spawn_bfs().join();
    for name in violated {
        let path = checker.discovery(name).unwrap_or_else(|| panic!("{bug:?} is not found by {name:?}"));
        println!("{bug:?}: {name}: {:?}", path.into_actions());
    }
}

#[test]
fn the_model_finds_overwriting_instead_of_merging() {
    finds(Bug::Overwrite, &["no acknowledged write to a live session is lost", "an acknowledged update counts once"]);
}

#[test]
fn the_model_finds_storing_again_what_is_gone() {
    finds(Bug::Revive, &["an ended session stays ended"]);
}

#[test]
fn the_model_finds_unconditional_rotation() {
    finds(Bug::RotateAnyway, &["a login lasts"]);
}

#[test]
fn the_model_finds_creating_before_deleting() {
    finds(Bug::CreateFirst, &["a restart's session begins after the old one's end"]);
}

#[test]
fn the_model_finds_retries_that_trust_every_conflict() {
    finds(Bug::TrustRetry, &["an acknowledged update counts once", "what a request inserts is in one session"]);
}
