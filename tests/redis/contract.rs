//! The store returns the same as `MemoryStore`, call by call.

use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, UNIX_EPOCH},
};

use cloakroom::{
    LazySession, Lifetime, MemoryStore, SessionId, SessionLayer, StoreError,
    redis::RedisStore,
    store::{Created, Deleted, Record, Replaced, SessionStore, Timestamp},
};
use http::{Request, Response, header};
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use tokio::{sync::Mutex, time::Instant};
use tower::{Layer as _, ServiceExt as _, service_fn};

use crate::redis_support::{SECOND, app::App, app::id, server::Server};

/// A store that sends each call to both, and compares their replies.
#[derive(Clone)]
struct Both {
    redis: RedisStore,
    memory: MemoryStore,
    turn: Arc<Mutex<()>>,
    changed: Arc<AtomicU64>,
}

impl Both {
    /// Returns the record that both have.
    async fn record(&self, id: &SessionId) -> Result<Option<Record>, StoreError> {
        let found = self.redis.load(id).await?;
        assert_eq!(found, self.memory.load(id).await?);
        Ok(found)
    }
}

impl SessionStore for Both {
    async fn load(&self, id: &SessionId) -> Result<Option<Record>, StoreError> {
        let _turn = self.turn.lock().await;
        self.record(id).await
    }

    async fn create(&self, id: &SessionId, record: &Record) -> Result<Created, StoreError> {
        let _turn = self.turn.lock().await;
        let created = self.redis.create(id, record).await?;
        assert_eq!(created, self.memory.create(id, record).await?);
        assert_eq!(self.record(id).await?.as_ref(), Some(record));
        assert_eq!(self.redis.create(id, record).await?, Created::Taken);
        Ok(created)
    }

    async fn replace(&self, id: &SessionId, base: &Record, record: &Record) -> Result<Replaced, StoreError> {
        let _turn = self.turn.lock().await;
        let replaced = self.redis.replace(id, base, record).await?;
        assert_eq!(replaced, self.memory.replace(id, base, record).await?);
        self.record(id).await?;
        if matches!(replaced, Replaced::Changed(_)) {
            self.changed.fetch_add(1, Ordering::Relaxed);
        }
        Ok(replaced)
    }

    async fn delete(&self, id: &SessionId, base: Option<&Record>) -> Result<Deleted, StoreError> {
        let _turn = self.turn.lock().await;
        let deleted = self.redis.delete(id, base).await?;
        assert_eq!(deleted, self.memory.delete(id, base).await?);
        self.record(id).await?;
        Ok(deleted)
    }
}

/// Makes some random operations on the session.
async fn act(lazy: &LazySession, mut rng: StdRng) {
    let session = lazy.load().await.unwrap();
    for _ in 0..rng.random_range(1..5) {
        let key = ["a", "b", "c", "d\u{e9} \"}\r\n", ""][rng.random_range(0..5)];
        match rng.random_range(0..17) {
            0..=3 => session.insert(key, rng.random_range(0..3)).unwrap(),
            4..=6 => session.update_or(key, 1, |n: i64| (n + 1) % 3).unwrap(),
            7 | 8 => drop(session.remove(key)),
            9 => session.clear(),
            10 => session.renew(),
            11 => session.set_owner(["alice", "bob", "{c}\r\n"][rng.random_range(0..3)]),
            12 if rng.random_bool(0.3) => session.clear_owner(),
            12 => session.set_label("a phone"),
            // Small and large records are replaced by different commands.
            13 | 14 if rng.random_bool(0.4) => drop(session.remove("big")),
            13 | 14 => session.insert("big", "x".repeat(rng.random_range(1000..6000))).unwrap(),
            // It fails if another request has ended the session.
            15 => drop(session.save().await),
            _ if rng.random_bool(0.2) => session.purge(),
            _ => {
                let idle = SECOND * rng.random_range(60..600);
                session.set_lifetime(Lifetime::builder().idle(idle).build().unwrap());
            }
        }
        for _ in 0..rng.random_range(0..3) {
            tokio::task::yield_now().await;
        }
    }
}

#[tokio::test]
async fn as_in_memory() {
    let server = Server::start().await;
    let both =
        Both { redis: server.store().await, memory: MemoryStore::new(), turn: Arc::default(), changed: Arc::default() };
    let time = Arc::new(AtomicU64::new(1_000_000));
    let clock = Arc::clone(&time);
    let layer = SessionLayer::new(both.clone())
        .insecure_http()
        .clock(move || UNIX_EPOCH + Duration::from_millis(clock.load(Ordering::Relaxed)));
    let service = layer.layer(service_fn(|request: Request<u64>| async move {
        let lazy = request.extensions().get::<LazySession>().unwrap().clone();
        act(&lazy, StdRng::seed_from_u64(*request.body())).await;
        Ok::<_, Infallible>(Response::new(()))
    }));
    let (mut admin, started) = (server.admin().await, Instant::now());
    let mut rng = StdRng::seed_from_u64(7);
    let mut cookies: [String; 3] = Default::default();
    let mut large = 0;
    for _ in 0..400 {
        time.fetch_add(rng.random_range(0..20_000), Ordering::Relaxed);
        let at = rng.random_range(0..cookies.len());
        let calls = (0..4).map(|_| {
            let request = Request::builder().header(header::COOKIE, &cookies[at]).body(rng.random()).unwrap();
            tokio::spawn(service.clone().oneshot(request))
        });
        for call in calls.collect::<Vec<_>>() {
            let response = call.await.unwrap().unwrap();
            assert_eq!(response.status(), 200);
            if let Some(line) = response.headers().get(header::SET_COOKIE) {
                line.to_str().unwrap().split(';').next().unwrap().clone_into(&mut cookies[at]);
            }
        }
        // Redis must not drop anything earlier than the record asks for.
        let ended = cookies[at].len() < 30;
        let id: SessionId = if ended { SessionId::random() } else { id(&cookies[at]).parse().unwrap() };
        if let Some(record) = both.redis.load(&id).await.unwrap() {
            let now = Timestamp::from_millis(time.load(Ordering::Relaxed));
            let left: i64 = redis::cmd("PTTL").arg(format!("cloakroom:{id}")).query_async(&mut admin).await.unwrap();
            large += usize::from(record.state().size() > 4096);
            // The server's clock has moved, too.
            let left = Duration::from_millis(u64::try_from(left).unwrap()) + started.elapsed();
            assert!(left >= record.expires_at().since(now), "{left:?}");
        }
    }
    let changed = both.changed.load(Ordering::Relaxed);
    println!("{changed} lost races, {large} of 400 times a large state");
    assert!(changed > 50 && (10..390).contains(&large));
}

#[tokio::test]
async fn a_hundred_updates_count_a_hundred() {
    let server = Server::start().await;
    let mut apps = [App::new(server.store().await), App::new(server.store().await)];
    for app in &mut apps {
        app.limit = 30 * SECOND;
    }
    let cookie = apps[0].new_session().await;
    let requests: Vec<_> = (0..100)
        .map(|n| {
            let (app, cookie) = (apps[n % 2].clone(), cookie.clone());
            tokio::spawn(async move { app.get("/count", Some(&cookie)).await })
        })
        .collect();
    for request in requests {
        assert_eq!(request.await.unwrap().status, 200);
    }
    assert_eq!(apps[0].get("/read", Some(&cookie)).await.body, "101");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_write_one_session() {
    let server = Server::start().await;
    let mut apps = [App::new(server.store().await), App::new(server.store().await)];
    for app in &mut apps {
        app.limit = 30 * SECOND;
    }
    let cookie = apps[0].new_session().await;
    let writers: Vec<_> = (0..64)
        .map(|writer| {
            let (app, cookie) = (apps[writer % 2].clone(), cookie.clone());
            tokio::spawn(async move {
                for round in 0..10 {
                    let seen = app.get(&format!("/set/{writer}/{round}"), Some(&cookie)).await;
                    assert_eq!(seen.status, 200, "{}", app.last_failure());
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    for writer in 0..64 {
        assert_eq!(server.value(&id(&cookie), &writer.to_string()).await, Some("\"9\"".to_owned()), "{writer}");
    }
}
