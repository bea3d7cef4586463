//! Creates whose outcome is unknown, and ids that are taken.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::SystemTime,
};

use cloakroom::{
    MemoryStore, OverLimit, SessionId, SessionLayer, StoreError,
    store::{Created, Deleted, Record, Replaced, SessionStore},
    testing::{FaultStore, RecordBuilder, Verb},
};

use crate::app::Browser;

/// The first create was done, and neither its reply nor the look at it arrives. The second draw of an id must not find the
/// first one's session in its owner's quota.
#[tokio::test]
async fn a_login_whose_create_is_in_doubt_does_not_fill_its_owners_quota() {
    for over in [OverLimit::Refuse, OverLimit::EndOldest] {
        let store = FaultStore::new(MemoryStore::new());
        let layer = SessionLayer::new(store.clone()).max_per_owner(1, over).expect("an index of owners");
        store.next(Verb::Create).loses_its_reply();
        store.next(Verb::Load).fails();
        let mut browser = Browser::default();
        let response = browser.send(&layer, async |session| session.login("alice")).await;
        assert_eq!(response.status(), 200, "{over:?}");
        assert_eq!(store.take_calls().iter().filter(|call| **call == "create").count(), 2, "{over:?}");
        assert_eq!(browser.visit(&layer, async |session| session.owner()).await.as_deref(), Some("alice"));
        assert_eq!(store.inner().len(), 1, "{over:?}");
    }
}

/// A store in which the first id that is drawn is taken by a session of another user.
struct Taken {
    inner: MemoryStore,
    is_taken: AtomicBool,
}

impl SessionStore for Taken {
    async fn load(&self, id: &SessionId) -> Result<Option<Record>, StoreError> {
        self.inner.load(id).await
    }

    async fn create(&self, id: &SessionId, record: &Record) -> Result<Created, StoreError> {
        if !self.is_taken.swap(true, Ordering::Relaxed) {
            self.inner.create(id, &RecordBuilder::new(SystemTime::now().into()).owner(Some("bob")).build()).await?;
        }
        self.inner.create(id, record).await
    }

    async fn replace(&self, id: &SessionId, base: &Record, record: &Record) -> Result<Replaced, StoreError> {
        self.inner.replace(id, base, record).await
    }

    async fn delete(&self, id: &SessionId, base: Option<&Record>) -> Result<Deleted, StoreError> {
        self.inner.delete(id, base).await
    }
}

#[tokio::test]
async fn an_id_that_is_taken_is_not_used() {
    let inner = MemoryStore::new();
    let layer = SessionLayer::new(Taken { inner: inner.clone(), is_taken: AtomicBool::default() });
    let mut browser = Browser::default();
    let response = browser.send(&layer, async |session| session.insert("user", 7).expect("JSON")).await;
    assert_eq!(response.status(), 200);
    let seen =
        browser.visit(&layer, async |session| (session.get::<u8>("user").expect("a number"), session.owner())).await;
    assert_eq!(seen, (Some(7), None));
    assert_eq!(inner.len(), 2, "the other user's session is still there");
}
