//! Calls that arrive late or twice, and ids that stay deleted.

use cloakroom::{
    SessionId,
    store::{Created, Deleted, Replaced, SessionStore as _},
    testing::Verb,
};

use crate::{index, is_not_done, is_pending, is_unknown, loaded, next, record, store, stored};

#[tokio::test]
async fn a_late_call_takes_effect_when_the_test_says_so() {
    let (store, id, first) = (store(), SessionId::random(), record());
    let late = store.next(Verb::Create).arrives_late();
    assert!(is_unknown(store.create(&id, &first).await));
    assert_eq!((loaded(&store, &id).await, late.held_back()), (None, 1));
    late.arrives().await;
    assert_eq!((loaded(&store, &id).await, late.held_back()), (Some(first.clone()), 0));

    let (second, third) = (next(&first), next(&first));
    let late = store.next(Verb::Replace).arrives_late();
    assert!(is_unknown(store.replace(&id, &first, &second).await));
    assert_eq!(store.replace(&id, &first, &third).await.expect("no rule for it"), Replaced::Done);
    late.arrives().await;
    assert_eq!(loaded(&store, &id).await, Some(third.clone()), "its base was gone");

    let late = store.next(Verb::Delete).arrives_late();
    assert!(is_unknown(store.delete(&id, Some(&first)).await));
    late.arrives().await;
    assert_eq!(loaded(&store, &id).await, Some(third.clone()), "not its base");
    let late = store.next(Verb::Delete).arrives_late();
    assert!(is_unknown(store.delete(&id, None).await));
    store.heal();
    late.arrives().await;
    assert_eq!(loaded(&store, &id).await, None, "healing removes rules, not calls");
}

#[tokio::test]
async fn late_calls_arrive_one_by_one_and_a_test_may_wait_for_them() {
    let (store, record) = (store(), record());
    let late = store.every(Verb::Create).times(2).arrives_late();
    let ids = [SessionId::random(), SessionId::random()];
    let mut arrives = Box::pin(late.arrives());
    assert!(is_pending(arrives.as_mut()), "none was sent yet");
    for id in &ids {
        assert!(is_unknown(store.create(id, &record).await));
    }
    arrives.await;
    assert_eq!((loaded(&store, &ids[0]).await, loaded(&store, &ids[1]).await), (Some(record.clone()), None));
    late.arrives().await;
    assert_eq!(loaded(&store, &ids[1]).await, Some(record));
    assert_eq!(store.take_calls(), ["create", "create", "load", "load", "load"], "arrivals are not calls");

    let late = store.next(Verb::Delete).arrives_late();
    assert!(is_unknown(store.delete(&ids[0], None).await));
    drop(late);
    assert!(loaded(&store, &ids[0]).await.is_some(), "it never arrives");
}

#[tokio::test]
async fn a_call_that_arrives_twice_is_answered_once() {
    let first = record();
    let (store, id) = stored(&first).await;
    let (second, third) = (next(&first), next(&first));
    let late = store.next(Verb::Replace).arrives_twice();
    assert_eq!(store.replace(&id, &first, &second).await.expect("answered"), Replaced::Done);
    assert_eq!(late.held_back(), 1);
    assert_eq!(store.replace(&id, &second, &third).await.expect("no rule for it"), Replaced::Done);
    late.arrives().await;
    assert_eq!(loaded(&store, &id).await, Some(third.clone()), "the copy found another base");

    let late = store.next(Verb::Delete).arrives_twice();
    assert_eq!(store.delete(&id, Some(&third)).await.expect("answered"), Deleted::Done);
    late.arrives().await;
    assert_eq!(loaded(&store, &id).await, None);
}

#[tokio::test]
async fn a_revocation_may_be_late_or_come_twice() {
    let record = record();
    let (store, id) = stored(&record).await;
    let late = store.next(Verb::RevokeAll).arrives_late();
    assert!(is_unknown(index(&store).revoke_all("alice", None).await));
    assert_eq!(index(&store).list("alice").await.expect("no rule for it").len(), 1);
    late.arrives().await;
    assert_eq!(index(&store).list("alice").await.expect("no rule for it").len(), 0);
    assert_eq!(loaded(&store, &id).await, None);

    let other = SessionId::random();
    let late = store.next(Verb::Revoke).arrives_twice();
    assert!(!index(&store).revoke("alice", &other).await.expect("answered"));
    assert_eq!(store.create(&other, &record).await.expect("no rule for it"), Created::Done);
    late.arrives().await;
    assert_eq!(loaded(&store, &other).await, None);
}

#[tokio::test]
async fn a_deleted_id_stays_deleted_whatever_arrives() {
    let record = record();
    // Each way deletes the record under the id.
    for way in 0..6 {
        let (store, id) = stored(&record).await;
        match way {
            0 => drop(store.delete(&id, None).await),
            1 => drop(store.delete(&id, Some(&record)).await),
            2 => drop(index(&store).revoke("alice", &id).await),
            3 => drop(index(&store).revoke_all("alice", None).await),
            4 => {
                store.next(Verb::Delete).loses_its_reply();
                drop(store.delete(&id, None).await);
            }
            _ => {
                let late = store.next(Verb::Delete).arrives_late();
                drop(store.delete(&id, None).await);
                late.arrives().await;
            }
        }
        assert_eq!(store.create(&id, &record).await.expect("no rule for it"), Created::Taken, "{way}");
        assert_eq!(store.replace(&id, &record, &next(&record)).await.expect("no rule"), Replaced::Gone, "{way}");
        for base in [None, Some(&record)] {
            assert_eq!(store.delete(&id, base).await.expect("no rule for it"), Deleted::Gone, "{way}");
        }
        assert_eq!(loaded(&store, &id).await, None, "{way}");
        assert!(store.inner().is_empty(), "{way}");
    }
}

#[tokio::test]
async fn a_create_that_arrives_after_its_delete_creates_nothing() {
    let (store, id, record) = (store(), SessionId::random(), record());
    let late = store.next(Verb::Create).arrives_late();
    assert!(is_unknown(store.create(&id, &record).await));
    assert_eq!(store.delete(&id, None).await.expect("no rule for it"), Deleted::Gone);
    late.arrives().await;
    assert_eq!(loaded(&store, &id).await, None);
    assert!(store.inner().is_empty());

    // A delete that was not done leaves no tombstone.
    let id = SessionId::random();
    store.next(Verb::Delete).fails();
    assert!(is_not_done(store.delete(&id, None).await));
    assert_eq!(store.delete(&id, Some(&record)).await.expect("no rule for it"), Deleted::Gone);
    assert_eq!(store.create(&id, &record).await.expect("no rule for it"), Created::Done);
}
