//! The fault store: the calls that it disturbs, and the faults.

use std::{future::Future, pin::pin, task::Poll, time::Duration};

use cloakroom::{
    MemoryStore, SessionId, StoreError,
    store::{Created, Deleted, DynOwnerIndex, Record, SessionStore, Timestamp},
    testing::{FaultStore, RecordBuilder, Verb},
};

#[path = "faults/late.rs"]
mod late;

fn record() -> Record {
    RecordBuilder::new(Timestamp::from_millis(1_000)).owner(Some("alice")).build()
}

fn next(record: &Record) -> Record {
    RecordBuilder::after(record).set("a", "1").build()
}

fn store() -> FaultStore<MemoryStore> {
    FaultStore::new(MemoryStore::new())
}

/// Returns a store with one record.
async fn stored(record: &Record) -> (FaultStore<MemoryStore>, SessionId) {
    let (store, id) = (store(), SessionId::random());
    assert_eq!(store.create(&id, record).await.expect("no rule"), Created::Done);
    (store, id)
}

fn index(store: &FaultStore<MemoryStore>) -> &dyn DynOwnerIndex {
    store.owner_index().expect("the memory store has one")
}

async fn loaded(store: &FaultStore<MemoryStore>, id: &SessionId) -> Option<Record> {
    store.load(id).await.expect("no rule")
}

fn is_unknown<T>(answer: Result<T, StoreError>) -> bool {
    answer.is_err_and(|error| error.is_unknown() && !error.is_not_done())
}

fn is_not_done<T>(answer: Result<T, StoreError>) -> bool {
    answer.is_err_and(|error| error.is_not_done() && !error.is_undecodable())
}

fn is_pending(future: std::pin::Pin<&mut impl Future>) -> bool {
    matches!(future.poll(&mut std::task::Context::from_waker(std::task::Waker::noop())), Poll::Pending)
}

#[tokio::test]
async fn rules_count_calls_of_their_verb_only() {
    let (store, id) = (store(), SessionId::random());
    store.nth(Verb::Load, 2).times(2).fails();
    let mut failed = Vec::new();
    for _ in 0..5 {
        store.delete(&id, None).await.expect("no rule for it");
        failed.push(store.load(&id).await.is_err());
    }
    assert_eq!(failed, [false, true, true, false, false]);
}

#[tokio::test]
async fn a_failure_promises_that_nothing_was_done_and_every_holds_until_it_is_healed() {
    let record = record();
    let (store, id) = stored(&record).await;
    store.take_calls();
    for verb in Verb::ALL {
        store.every(verb).fails();
    }
    let other = SessionId::random();
    assert!(is_not_done(store.load(&id).await));
    assert!(is_not_done(store.create(&other, &record).await));
    assert!(is_not_done(store.replace(&id, &record, &next(&record)).await));
    assert!(is_not_done(store.delete(&id, None).await));
    assert!(is_not_done(store.delete(&id, Some(&record)).await));
    assert!(is_not_done(index(&store).list("alice").await));
    assert!(is_not_done(index(&store).revoke("alice", &id).await));
    assert!(is_not_done(index(&store).revoke_all("alice", None).await));
    store.heal();
    assert_eq!((loaded(&store, &id).await, loaded(&store, &other).await), (Some(record), None));
    let calls = store.take_calls();
    assert_eq!(
        calls,
        ["load", "create", "replace", "delete", "delete", "list", "revoke", "revoke_all", "load", "load"]
    );
    assert_eq!((calls[1].id, calls[6].owner.as_deref()), (Some(other), Some("alice")));
    assert!(store.calls().is_empty());
}

#[tokio::test]
async fn a_lost_reply_is_a_call_that_was_done() {
    let record = record();
    let (store, id) = (store(), SessionId::random());
    store.next(Verb::Create).loses_its_reply();
    assert!(is_unknown(store.create(&id, &record).await));
    assert_eq!(loaded(&store, &id).await, Some(record.clone()));

    let after = next(&record);
    store.next(Verb::Replace).loses_its_reply();
    assert!(is_unknown(store.replace(&id, &record, &after).await));
    assert_eq!(loaded(&store, &id).await, Some(after.clone()));

    store.next(Verb::Delete).loses_its_reply();
    assert!(is_unknown(store.delete(&id, Some(&after)).await));
    assert_eq!(loaded(&store, &id).await, None);
}

#[tokio::test]
async fn a_record_that_cannot_be_read_is_an_error_without_effect() {
    let record = record();
    let (store, id) = stored(&record).await;
    store.next(Verb::Load).is_undecodable();
    assert!(store.load(&id).await.is_err_and(|error| error.is_undecodable() && error.is_not_done()));
    store.next(Verb::Replace).is_undecodable();
    assert!(store.replace(&id, &record, &next(&record)).await.is_err_and(|error| error.is_undecodable()));
    assert_eq!(loaded(&store, &id).await, Some(record));
}

#[tokio::test]
async fn a_call_waits_before_or_its_answer_after() {
    let (store, id, record) = (store(), SessionId::random(), record());

    let gate = store.next(Verb::Create).waits();
    let mut create = pin!(store.create(&id, &record));
    assert!(is_pending(create.as_mut()));
    gate.reached().await;
    assert!(store.inner().is_empty(), "it waits before");
    gate.open();
    assert_eq!(create.await.expect("let go"), Created::Done);

    let gate = store.next(Verb::Delete).answers_late();
    let mut delete = pin!(store.delete(&id, None));
    assert!(is_pending(delete.as_mut()));
    gate.reached().await;
    assert!(store.inner().is_empty(), "it is done, and its answer waits");
    drop(gate);
    assert_eq!(delete.await.expect("a dropped gate is open"), Deleted::Done);
}

#[tokio::test]
async fn a_gate_lets_calls_go_one_by_one() {
    let store = store();
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
    let store = store();
    store.next(Verb::Load).takes(Duration::from_secs(60));
    store.next(Verb::Load).fails();
    let started = tokio::time::Instant::now();
    assert!(store.load(&SessionId::random()).await.is_err(), "both rules hold");
    assert_eq!(started.elapsed(), Duration::from_secs(60));
}
