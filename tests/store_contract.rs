//! The contract suite: the crate's own stores pass it, and it catches every store that breaks the contract.

mod support;

use cloakroom::{
    Clock as _, MemoryStore, SessionLayer,
    testing::{FaultStore, TestClock, breaches, contract},
};

use self::broken::{Careless, Fault};

#[path = "store_contract/broken.rs"]
mod broken;
#[allow(dead_code, unreachable_pub)] // It is a program of its own.
#[path = "../examples/custom_store.rs"]
mod custom_store;
#[allow(dead_code, unreachable_pub)] // As well.
#[path = "../examples/actix_session_store.rs"]
mod directory;

#[tokio::test]
async fn the_memory_store_keeps_it() {
    contract(async || MemoryStore::new()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_memory_store_keeps_it_on_several_threads() {
    contract(async || MemoryStore::new()).await;
}

#[tokio::test]
async fn one_store_for_all_checks_keeps_it() {
    let store = MemoryStore::new();
    contract(async || store.clone()).await;
}

#[tokio::test]
async fn a_fault_store_without_faults_keeps_it() {
    contract(async || FaultStore::new(MemoryStore::new())).await;
}

#[tokio::test]
async fn the_example_keeps_it() {
    contract(async || custom_store::Blobs::default()).await;
}

#[tokio::test]
async fn the_example_over_files_keeps_it_and_gives_space_back() {
    let place = tempfile::tempdir().expect("a writable directory");
    let open = || {
        let path = tempfile::tempdir_in(&place).expect("a writable directory").keep();
        directory::Directory::open(path).expect("it is there")
    };
    contract(async || open()).await;

    let (store, clock) = (open(), TestClock::new());
    let layer = SessionLayer::new(store.clone()).clock(clock.clone());
    let app = support::drivers::tower::app(layer);
    for _ in 0..2 {
        support::Browser::new().get(&app, "/app/insert:n:1").await;
        clock.advance(std::time::Duration::from_secs(20 * 60 * 60));
    }
    assert_eq!(store.sweep(clock.now().into()).await.expect("it works"), 1);
    assert_eq!(store.sweep(clock.now().into()).await.expect("it works"), 0);
}

#[test]
fn it_needs_no_runtime() {
    let found = std::thread::spawn(|| {
        let mut suite = std::pin::pin!(breaches(async || custom_store::Blobs::default()));
        let waker = std::task::Waker::from(std::sync::Arc::new(Unpark(std::thread::current())));
        loop {
            match suite.as_mut().poll(&mut std::task::Context::from_waker(&waker)) {
                std::task::Poll::Ready(found) => return found,
                std::task::Poll::Pending => std::thread::park(),
            }
        }
    });
    assert_eq!(found.join().expect("no panic"), []);
}

struct Unpark(std::thread::Thread);

impl std::task::Wake for Unpark {
    fn wake(self: std::sync::Arc<Self>) {
        self.0.unpark();
    }
}

#[tokio::test]
#[should_panic(expected = "create_taken: `create` never overwrites a live record")]
async fn it_panics_with_the_sentence_that_was_broken() {
    contract(async || Careless::new(Fault::OverwritesOnCreate)).await;
}

/// Each fault, and the checks that must find it at least.
#[tokio::test]
async fn it_catches_every_broken_store() {
    let table: [(Fault, &[&str]); 20] = [
        (Fault::None, &[]),
        (Fault::LoadsThenOverwrites, &["parallel_updates", "parallel_writes", "create_race", "rotation_race"]),
        (Fault::RecreatesOnUpdate, &["update_missing", "delete_ends", "delete_race", "random_histories"]),
        (Fault::IgnoresCredentials, &["credentials_condition", "rotation_race", "random_histories"]),
        (Fault::IgnoresKeys, &["key_condition", "condition_is_raw", "nonce_names_the_write", "parallel_updates"]),
        (Fault::OverwritesOnCreate, &["create_taken", "create_race", "random_histories", "list"]),
        (Fault::NeverExpires, &["update_expired", "gone_before_conflict", "random_histories"]),
        (Fault::KeepsExpiredIds, &["create_over_expired", "create_race_over_expired", "random_histories"]),
        (Fault::OneMilliLate, &["update_expired", "create_over_expired"]),
        (Fault::ForgetsNonce, &["nonce_names_the_write", "touch", "random_histories"]),
        (Fault::MovesDeadlinesIn, &["deadline_moves_out"]),
        (Fault::SignsDeadlines, &["deadline_far"]),
        (Fault::ClearsLast, &["update_clears", "random_histories"]),
        (Fault::ReparsesNumbers, &["raw_values"]),
        (Fault::TrimsKeys, &["odd_keys"]),
        (Fault::WritesHalves, &["cancel_update"]),
        (Fault::DeletesTooMuch, &["delete_one"]),
        (Fault::ListsExpired, &["list_expired"]),
        (Fault::RevokesAnybodys, &["revoke_others"]),
        (Fault::KeepsNone, &["revoke_all"]),
    ];
    let mut missed = Vec::new();
    for (fault, expected) in table {
        let found = breaches(async || Careless::new(fault)).await;
        let names: Vec<&str> = found.iter().map(|breach| breach.check).collect();
        if names.is_empty() != expected.is_empty() || !expected.iter().all(|check| names.contains(check)) {
            missed.push(format!("{fault:?} failed {names:?} instead of {expected:?}: {found:#?}"));
        }
    }
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}
