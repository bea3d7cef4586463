//! Copies of whole stores, into SQL and back.

use std::time::{Duration, SystemTime};

use cloakroom::{
    MemoryStore, SessionId,
    store::{Cursor, OwnerIndex, SessionStore, Timestamp, copy_all},
    testing::RecordBuilder,
};
use cloakroom_sqlx::{Database, SqlStore};

use crate::servers::{mariadb, postgres, sqlite::File};

/// More sessions than one statement names.
const SESSIONS: usize = 1200;

async fn holds<DB: Database>(store: SqlStore<DB>) {
    let (from, back) = (MemoryStore::new(), MemoryStore::new());
    let now = SystemTime::now();
    let record =
        || RecordBuilder::new(now.into()).set("a", "1").expires_at(Timestamp::from(now + Duration::from_hours(2)));
    let mut ids = Vec::new();
    for _ in 0..SESSIONS {
        let id = SessionId::random();
        SessionStore::create(&from, &id, &record().build()).await.unwrap();
        ids.push(id);
    }
    let (owned, ended) = (SessionId::random(), SessionId::random());
    SessionStore::create(&from, &owned, &record().owner(Some("ada")).build()).await.unwrap();
    // A tombstone is no session.
    store.delete(&ended, None).await.unwrap();

    let copied = copy_all(&from, &store).run().await.unwrap();
    assert_eq!((copied.copied, copied.total()), (1201, 1201));
    assert_eq!(store.list("ada").await.unwrap().len(), 1);
    let mut last = Cursor::default();
    let copied = copy_all(&store, &back).on_progress(|so_far| last = so_far.cursor.clone()).run().await.unwrap();
    assert_eq!((copied.copied, copied.total(), back.len()), (1201, 1201, 1201));
    for id in ids.iter().chain([&owned]) {
        let [before, after] = [from.load(id).await.unwrap(), back.load(id).await.unwrap()].map(Option::unwrap);
        assert_eq!((before.state(), before.nonce()), (after.state(), after.nonce()));
    }
    let rest = copy_all(&store, &back).resume(last).run().await.unwrap();
    assert!(rest.total() < 1201, "{rest:?}");
    assert!(copy_all(&store, &back).resume(Cursor::new("7")).run().await.is_err(), "no such cursor");
}

#[tokio::test]
async fn postgres() {
    holds(postgres::SHARED.store().await).await;
}

#[tokio::test]
async fn postgres_unprepared() {
    holds(postgres::SHARED.store().await.unprepared()).await;
}

#[tokio::test]
async fn mariadb() {
    holds(mariadb::SHARED.store().await).await;
}

#[tokio::test]
async fn sqlite() {
    let file = File::new();
    holds(file.store().await).await;
}
