//! The store that a test disturbs: which calls, and how.

use std::{future::Future, pin::pin, task::Poll, time::Duration};

use cloakroom::{
    Created, Credentials, MemoryStore, Record, SecretHash, SessionId, SessionStore, State, Timestamp,
    testing::{FaultStore, Verb},
};

fn record() -> Record {
    let now = Timestamp::from_millis(1_000);
    Record::new(Credentials::new(SecretHash::from_bytes([1; 32])), State::default(), now, Timestamp::MAX)
}

fn is_pending(future: std::pin::Pin<&mut impl Future>) -> bool {
    matches!(future.poll(&mut std::task::Context::from_waker(std::task::Waker::noop())), Poll::Pending)
}

#[tokio::test]
async fn rules_count_calls_of_their_verb_only() {
    let store = FaultStore::new(MemoryStore::new());
    let id = SessionId::random();
    store.nth(Verb::Load, 2).times(2).fails();
    let mut failed = Vec::new();
    for _ in 0..5 {
        store.delete(&id).await.expect("no rule for it");
        failed.push(store.load(&id).await.is_err());
    }
    assert_eq!(failed, [false, true, true, false, false]);
}

#[tokio::test]
async fn every_holds_until_it_is_healed() {
    let store = FaultStore::new(MemoryStore::new());
    let id = SessionId::random();
    for verb in Verb::ALL {
        store.every(verb).fails();
    }
    let index = store.owner_index().expect("the memory store has one");
    assert!(store.load(&id).await.is_err());
    assert!(store.create(&id, &record()).await.is_err());
    assert!(store.delete(&id).await.is_err());
    assert!(index.list("alice", Timestamp::default()).await.is_err());
    assert!(index.revoke("alice", &id).await.is_err());
    assert!(index.revoke_all("alice", None).await.is_err());
    store.heal();
    assert_eq!(store.load(&id).await.expect("healed"), None, "a failed create does not create");
    assert_eq!(store.take_calls(), ["load", "create", "delete", "list", "revoke", "revoke_all", "load"]);
    assert!(store.calls().is_empty());
}

#[tokio::test]
async fn a_lost_reply_is_a_call_that_was_done() {
    let store = FaultStore::new(MemoryStore::new());
    let id = SessionId::random();
    store.next(Verb::Create).loses_its_reply();
    assert!(store.create(&id, &record()).await.is_err());
    assert_eq!(store.create(&id, &record()).await.expect("one was lost"), Created::Taken);
    store.next(Verb::Load).is_undecodable();
    assert!(store.load(&id).await.is_err_and(|error| error.is_undecodable()));
}

#[tokio::test]
async fn a_call_waits_before_or_its_answer_after() {
    let store = FaultStore::new(MemoryStore::new());
    let (id, record) = (SessionId::random(), record());

    let gate = store.next(Verb::Create).waits();
    let mut create = pin!(store.create(&id, &record));
    assert!(is_pending(create.as_mut()));
    gate.reached().await;
    assert!(store.inner().is_empty(), "it waits before");
    gate.open();
    assert_eq!(create.await.expect("let go"), Created::Done);

    let gate = store.next(Verb::Delete).answers_late();
    let mut delete = pin!(store.delete(&id));
    assert!(is_pending(delete.as_mut()));
    gate.reached().await;
    assert!(store.inner().is_empty(), "it is done, and its answer waits");
    drop(gate);
    delete.await.expect("a dropped gate is open");
}

#[tokio::test]
async fn a_gate_lets_calls_go_one_by_one() {
    let store = FaultStore::new(MemoryStore::new());
    let id = SessionId::random();
    let gate = store.every(Verb::Load).waits();
    let (mut first, mut second) = (pin!(store.load(&id)), pin!(store.load(&id)));
    assert!(is_pending(first.as_mut()) && is_pending(second.as_mut()));
    gate.reached().await;
    gate.reached().await;
    assert!(is_pending(pin!(gate.reached())), "no third one came");
    gate.let_one_go();
    first.await.expect("it came first");
    assert!(is_pending(second.as_mut()));
    gate.open();
    second.await.expect("all may go");
    store.load(&id).await.expect("those that come later, too");
}

#[tokio::test(start_paused = true)]
async fn latency_goes_by_the_clock_of_tokio() {
    let store = FaultStore::new(MemoryStore::new());
    store.next(Verb::Load).takes(Duration::from_secs(60));
    store.next(Verb::Load).fails();
    let started = tokio::time::Instant::now();
    assert!(store.load(&SessionId::random()).await.is_err(), "both rules hold");
    assert_eq!(started.elapsed(), Duration::from_secs(60));
}
