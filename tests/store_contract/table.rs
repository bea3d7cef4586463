//! Each broken store, and the checks that must find its fault.

use cloakroom::testing::{breaches, contract};

use crate::broken::{Careless, Fault};

const TABLE: [(Fault, &[&str]); 49] = [
    (Fault::None, &[]),
    // Comparing.
    (Fault::LoadsThenOverwrites, &["replace_race", "counters", "create_race", "delete_base_race"]),
    (
        Fault::ReplacesBlindly,
        &[
            "replace_changed",
            "replace_twice",
            "nonce_only",
            "nonce_ends",
            "replace_race",
            "counters",
            "random_histories",
        ],
    ),
    (Fault::RecreatesOnReplace, &["replace_missing", "delete_ends", "delete_race", "random_histories", "revoke"]),
    (Fault::OverwritesOnCreate, &["create_taken", "create_over_expired", "create_race", "random_histories"]),
    (Fault::CreatesOverExpired, &["create_over_expired", "random_histories"]),
    (Fault::DeletesBlindly, &["delete_base", "nonce_ends", "delete_base_race", "random_histories"]),
    (Fault::ComparesAll, &["nonce_only", "random_histories"]),
    (Fault::ComparesTimes, &["replace_changed", "nonce_only", "delete_base"]),
    (Fault::FloatNonces, &["nonce_ends"]),
    (Fault::HalfNonces, &["nonce_ends"]),
    (Fault::KeepsNonce, &["replace_stores", "replace_twice", "touch", "counters"]),
    (Fault::AnswersBase, &["replace_changed", "replace_twice", "replace_race", "counters", "random_histories"]),
    // Deciding.
    (Fault::HidesExpired, &["load_expired", "replace_expired", "delete_expired", "random_histories"]),
    (Fault::ReplacesLiveOnly, &["replace_expired", "deadline_moves", "random_histories"]),
    (Fault::MovesDeadlinesOut, &["deadline_moves", "touch", "random_histories"]),
    (Fault::KeepsLabels, &["owner_and_label", "replace_stores", "random_histories"]),
    // Losing.
    (Fault::Loses("trail"), &["create_stores", "trail"]),
    (Fault::Loses("superseded"), &["create_stores", "credentials"]),
    (Fault::Loses("owner"), &["create_stores", "owner_and_label", "list"]),
    (Fault::Loses("label"), &["create_stores", "owner_and_label"]),
    (Fault::Loses("lifetime"), &["create_stores", "lifetime"]),
    (Fault::Loses("admitted"), &["create_stores", "rare_parts"]),
    (Fault::Loses("later"), &["create_stores", "rare_parts"]),
    (Fault::RoundsTimes, &["deadline_moves", "touch"]),
    (Fault::CutsDeadlines, &["create_stores", "deadline_far"]),
    (Fault::CutsValues, &["large_values"]),
    (Fault::ReparsesNumbers, &["raw_values"]),
    (Fault::TrimsKeys, &["odd_keys"]),
    (Fault::WritesHeadOnly, &["small_changes"]),
    (Fault::WritesHalves, &["cancel_replace"]),
    // Deleting.
    (Fault::DeletesTooMuch, &["delete_one"]),
    (Fault::Revives, &["delete_final"]),
    (Fault::HalfTombstones, &["tombstones"]),
    // The index.
    (Fault::IndexesLate, &["cancel_listed"]),
    (Fault::UnlistsAtMoves, &["list_race"]),
    (Fault::TidiesLists, &["list_race"]),
    (Fault::UnlistsAtReplace, &["list", "list_moves", "random_histories"]),
    (Fault::ListsMoved, &["list_moves", "random_histories"]),
    (Fault::ListsLiveOnly, &["list_expired"]),
    (Fault::CutsLists, &["list_long"]),
    (Fault::FoldsOwners, &["owner_names"]),
    (Fault::TrimsOwners, &["owner_names"]),
    (Fault::CutsOwners, &["owner_names"]),
    (Fault::RevokesAnybodys, &["revoke_others"]),
    (Fault::RevokesBlindly, &["revoke_race"]),
    (Fault::RevokesOnce, &["revoke_race"]),
    (Fault::RevokesLiveOnly, &["revoke", "revoke_all"]),
    (Fault::KeepsNone, &["revoke_all"]),
];

#[tokio::test]
async fn it_catches_every_broken_store() {
    let mut missed = Vec::new();
    for (fault, expected) in TABLE {
        let found = breaches(async || Careless::new(fault)).await;
        let names: Vec<&str> = found.iter().map(|breach| breach.check).collect();
        if names.is_empty() != expected.is_empty() || !expected.iter().all(|check| names.contains(check)) {
            missed.push(format!("{fault:?} failed {names:?} instead of {expected:?}: {found:#?}"));
        }
    }
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}

#[tokio::test]
#[should_panic(expected = "create_taken: `create` over a record is `Taken`, and nothing changes.")]
async fn it_panics_with_the_sentence_that_was_broken() {
    contract(async || Careless::new(Fault::OverwritesOnCreate)).await;
}
