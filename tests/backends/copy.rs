//! Copies of whole stores.

use std::time::{Duration, Instant, SystemTime};

use cloakroom::{
    MemoryStore, SessionId, SessionLayer,
    redis::RedisStore,
    store::{Cursor, Deleted, Record, Replaced, Scan, Scanned, SessionStore, StoreError, Timestamp, copy_all},
    testing::RecordBuilder,
};

use crate::{
    redis_server::Server,
    support::{Browser, drivers::tower},
};

fn record(seconds: u64) -> Record {
    let now = SystemTime::now() - Duration::from_secs(3600);
    let deadline = now + Duration::from_secs(seconds);
    RecordBuilder::new(Timestamp::from(now)).set("a", "1").expires_at(Timestamp::from(deadline)).build()
}

async fn fill(store: &impl SessionStore, count: usize) -> Vec<SessionId> {
    let ids: Vec<_> = (0..count).map(|_| SessionId::random()).collect();
    for id in &ids {
        store.create(id, &record(7200)).await.unwrap();
    }
    ids
}

/// A store with one record that cannot be read, which fails its load number `fails_at`.
struct Damaged {
    inner: MemoryStore,
    unreadable: SessionId,
    loads: std::sync::atomic::AtomicUsize,
    fails_at: usize,
}

impl SessionStore for Damaged {
    async fn load(&self, id: &SessionId) -> Result<Option<Record>, StoreError> {
        let nth = self.loads.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        if nth == self.fails_at {
            return Err(StoreError::new("the connection broke"));
        }
        if *id == self.unreadable {
            return Err(StoreError::undecodable("cut off"));
        }
        SessionStore::load(&self.inner, id).await
    }

    async fn create(&self, id: &SessionId, record: &Record) -> Result<cloakroom::store::Created, StoreError> {
        SessionStore::create(&self.inner, id, record).await
    }

    async fn replace(&self, id: &SessionId, base: &Record, record: &Record) -> Result<Replaced, StoreError> {
        SessionStore::replace(&self.inner, id, base, record).await
    }

    async fn delete(&self, id: &SessionId, base: Option<&Record>) -> Result<Deleted, StoreError> {
        SessionStore::delete(&self.inner, id, base).await
    }
}

impl Scan for Damaged {
    async fn scan(&self, cursor: &Cursor) -> Result<Scanned, StoreError> {
        self.inner.scan(cursor).await
    }
}

#[tokio::test]
async fn what_is_copied_and_skipped_is_counted_and_a_copy_goes_on_where_it_stopped() {
    let (inner, to) = (MemoryStore::new(), MemoryStore::new());
    let ids = fill(&inner, 500).await;
    let expired = SessionId::random();
    inner.create(&expired, &record(10)).await.unwrap();
    to.create(&ids[0], &record(7200)).await.unwrap();
    let from = Damaged { inner, unreadable: ids[1], loads: 0.into(), fails_at: 200 };
    let mut last = Cursor::default();
    let error =
        copy_all(&from, &to).on_progress(|so_far| last = so_far.cursor.clone()).run().await.expect_err("a load fails");
    let first = error.so_far().clone();
    assert_eq!((first.total(), &first.cursor), (200, &last));
    assert!(std::error::Error::source(&error).is_some());
    let copied = copy_all(&from, &to).resume(Cursor::new(last.to_string())).run().await.unwrap();
    assert_eq!(first.copied + copied.copied, 498);
    assert!((1..=2).contains(&(first.unreadable + copied.unreadable)));
    let all = copy_all(&from, &to).run().await.unwrap();
    assert_eq!((all.copied, all.expired, all.already_there, all.unreadable), (0, 1, 499, 1));
    assert_eq!(all.reasons[0].0, ids[1]);
    assert_eq!(to.len(), 499);
    let error = copy_all(&from, &to).resume(Cursor::new("x")).run().await.expect_err("no such cursor");
    assert!(error.so_far().total() == 0);
}

#[tokio::test]
async fn the_rate_is_bounded() {
    let (from, to) = (MemoryStore::new(), MemoryStore::new());
    fill(&from, 60).await;
    let started = Instant::now();
    copy_all(&from, &to).per_second(100).run().await.unwrap();
    assert!(started.elapsed() >= Duration::from_millis(600));
}

#[tokio::test]
async fn a_copied_session_opens_by_its_token_between_memory_and_redis() {
    let server = Server::launch();
    let redis = |prefix: &str| RedisStore::builder(server.url()).prefix(prefix);
    // A prefix with characters that mean something in a pattern, beside one that they would match.
    let (first, second) = (redis("a*[b]:").connect().await.unwrap(), redis("a-b:").connect().await.unwrap());
    let (memory, back) = (MemoryStore::new(), MemoryStore::new());
    fill(&second, 5).await;
    let browser = Browser::new();
    browser.get(&tower::app(SessionLayer::new(memory.clone())), "/app/insert:b:2/login:ada").await;
    fill(&memory, 1500).await;
    let copied = copy_all(&memory, &first).run().await.unwrap();
    assert_eq!((copied.copied, copied.total()), (1501, 1501));
    let layer = SessionLayer::new(first.clone());
    assert_eq!(browser.get(&tower::app(layer.clone()), "/app/get:b/whose").await.body, "2 ada");
    assert_eq!(layer.owners().unwrap().list("ada").await.unwrap().len(), 1);
    assert_eq!(browser.get(&tower::app(layer), "/app/insert:c:3").await.status, http::StatusCode::OK);
    let copied = copy_all(&first, &back).run().await.unwrap();
    assert_eq!(copied.copied, 1501);
    assert_eq!(browser.get(&tower::app(SessionLayer::new(back)), "/app/get:c/whose").await.body, "3 ada");

    let named = redis("").key_names(|of| format!("s{of}")).connect().await.unwrap();
    assert!(copy_all(&named, &memory).run().await.is_err(), "its ids cannot be read from its keys");
}
