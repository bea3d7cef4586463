//! Bugs that are put into the model, each of which it finds.

use super::*;

/// Checks that the model finds `bug` as a violation of each of these properties.
fn finds(bug: Bug, worlds: Vec<World>, violated: &[&'static str]) {
    let checker = Protocol { worlds, bug: Some(bug) }.checker().spawn_bfs().join();
    for name in violated {
        let path = checker.discovery(name).unwrap_or_else(|| panic!("{bug:?} is not found by {name:?}"));
        println!("{bug:?}: {name}: {} steps", path.into_actions().len());
    }
}

#[test]
fn finds_a_create_that_is_sent_twice() {
    let worlds = browsers(&[Write, Purge], 2, PLAIN, Budget { faults: 1, ..CALM });
    finds(Bug::CreateTwice, worlds, &[is::DELETED]);
}

#[test]
fn finds_a_delete_without_a_tombstone() {
    let worlds = browsers(&[Write, Login(ALICE), Purge], 2, PLAIN, Budget { faults: 1, ..CALM });
    finds(Bug::NoTombstone, worlds, &[is::DELETED]);
}

#[test]
fn finds_a_replace_without_the_nonce() {
    let worlds = browsers(&[Write, Update, Login(ALICE)], 2, PLAIN, CALM);
    finds(Bug::NoNonce, worlds, &[is::LOST, is::KEPT]);
}

#[test]
fn finds_an_index_that_is_written_after_the_record() {
    finds(Bug::IndexAfter, browsers(&[Login(ALICE)], 1, PLAIN, CALM), &[is::INDEXED]);
}

#[test]
fn finds_an_entry_that_is_removed_at_a_change_of_owner() {
    let worlds = vec![World::new(Start::LoggedIn, PLAIN, CALM, &[Login(BOB), Login(ALICE)], &[])];
    finds(Bug::IndexRemoved, worlds, &[is::INDEXED]);
}

#[test]
fn finds_a_handle_without_the_standing_check() {
    let worlds = browsers(&[Write, Update, Clear, Held, Login(ALICE), Login(BOB), Renew], 2, PLAIN, CALM);
    finds(Bug::NoStanding, worlds, &[is::SHOWN, is::FOREIGN, is::UNDONE]);
    let worlds = vec![World::new(Start::Anonymous, PLAIN, CALM, &[Update, Renew, Update], &[])];
    finds(Bug::NoStanding, worlds, &[is::RAN]);
}

#[test]
fn finds_a_handle_that_outlives_the_window() {
    let worlds = browsers(&[HeldUpdate, Login(ALICE)], 2, PLAIN, Budget { windows: 1, ..CALM });
    finds(Bug::NoStanding, worlds, &[is::UNKNOWN]);
}

#[test]
fn finds_a_superseded_clear_that_merges_blindly() {
    let worlds = browsers(&[Clear, HeldClear, Write, Login(ALICE)], 2, PLAIN, CALM);
    finds(Bug::BlindClear, worlds, &[is::UNDONE]);
}

#[test]
fn finds_a_step_up_that_begins_a_session() {
    finds(Bug::StepUpBegins, browsers(&[StepUp, Purge], 2, PLAIN, CALM), &[is::REMADE]);
}

#[test]
fn finds_an_operation_of_unknown_outcome_that_is_applied_again() {
    let worlds = browsers(&[UpdateTwice], 1, PLAIN, Budget { faults: 1, ..CALM });
    finds(Bug::AppliesAgain, worlds, &[is::ONCE]);
}

#[test]
fn finds_a_restart_that_begins_first() {
    finds(Bug::CreateFirst, browsers(&[Restart], 1, PLAIN, CALM), &[is::RESTART]);
}

#[cfg(feature = "device-bound")]
#[test]
fn finds_a_renewal_that_drops_the_device() {
    let attacks: [&[Does]; 1] = [&[Renew, Read]];
    let worlds = attacked(Start::LoggedIn, &[Write], 1, DEVICES, Budget { proofs: 2, ..CALM }, &attacks);
    finds(Bug::RenewalUnbinds, worlds, &[is::THIEF]);
}

#[cfg(feature = "device-bound")]
#[test]
fn finds_a_registration_of_a_bound_session() {
    let attacks: [&[Does]; 1] = [&[ForgeDevice]];
    let worlds = attacked(Start::LoggedIn, &[Write], 1, DEVICES, CALM, &attacks);
    finds(Bug::BindsAgain, worlds, &[is::THIEF]);
}
