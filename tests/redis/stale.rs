//! Requests whose record is not the stored one when they write: the result is the same as in memory.

use std::{
    collections::BTreeSet,
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, UNIX_EPOCH},
};

use cloakroom::{
    LazySession, Lifetime, MemoryStore, OverLimit, Owners, SessionLayer,
    store::{SessionStore, Timestamp},
};
use http::{Request, Response, header};
use tokio::sync::Semaphore;
use tower::{Layer as _, ServiceExt as _, service_fn, util::BoxCloneSyncService};

use crate::redis_support::{SECOND, server::Server};

/// An application that does the steps in its path.
#[derive(Clone)]
struct Steps {
    service: BoxCloneSyncService<Request<()>, Response<String>, Infallible>,
    owners: Owners,
    /// Gets a permit from each request that waits at the step `wait`.
    arrived: Arc<Semaphore>,
    go: Arc<Semaphore>,
    time: Arc<AtomicU64>,
}

impl Steps {
    fn over(store: impl SessionStore) -> Self {
        let time = Arc::new(AtomicU64::new(1_000_000));
        let clock = Arc::clone(&time);
        let layer = SessionLayer::new(store)
            .insecure_http()
            .lifetime(Lifetime::builder().idle(60 * SECOND).build().unwrap())
            .max_per_owner(5, OverLimit::EndOldest)
            .unwrap()
            .clock(move || UNIX_EPOCH + Duration::from_millis(clock.load(Ordering::Relaxed)));
        let (arrived, go) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
        let owners = layer.owners().unwrap();
        let service = BoxCloneSyncService::new(layer.layer(service_fn({
            let (arrived, go) = (Arc::clone(&arrived), Arc::clone(&go));
            move |request: Request<()>| {
                let (arrived, go) = (Arc::clone(&arrived), Arc::clone(&go));
                async move {
                    let session = request.extensions().get::<LazySession>().unwrap().load().await.unwrap();
                    for step in request.uri().path().split('/').filter(|step| !step.is_empty()) {
                        match step {
                            "wait" => {
                                arrived.add_permits(1);
                                go.acquire().await.unwrap().forget();
                            }
                            "save" => session.save().await.unwrap(),
                            "renew" => session.renew(),
                            "purge" => session.purge(),
                            "bob" => session.set_owner("bob"),
                            "large" => session.insert("large", "x".repeat(3000)).unwrap(),
                            "small" => drop(session.remove("large")),
                            key => session.insert(key, 1).unwrap(),
                        }
                    }
                    Ok::<_, Infallible>(Response::new(session.keys().join(" ")))
                }
            }
        })));
        Self { service, owners, arrived, go, time }
    }

    /// Returns the content of the session, and the cookie if there is a new one.
    async fn get(&self, path: &str, cookie: &str) -> (String, Option<String>) {
        let request = Request::get(path).header(header::COOKIE, cookie).body(()).unwrap();
        let response = self.service.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), 200, "{path}");
        let set = response.headers().get(header::SET_COOKIE).map(|line| line.to_str().unwrap());
        let cookie = set.map(|line| line.split(';').next().unwrap().to_owned());
        (response.into_body(), cookie)
    }

    /// Runs a request that loads its session and waits while other requests run, each a number of seconds after the one
    /// before. Returns the contents under the first token and under the last one, and bob's sessions with the times of
    /// their last use.
    async fn race(self, first: &str, held: &str, others: Others) -> (String, String, BTreeSet<(String, u64)>) {
        let cookie = self.get(first, "").await.1.unwrap();
        let mut newest = cookie.clone();
        let waiting = tokio::spawn({
            let (this, cookie, held) = (self.clone(), cookie.clone(), format!("/wait{held}"));
            async move { this.get(&held, &cookie).await }
        });
        self.arrived.acquire().await.unwrap().forget();
        for (seconds, path) in others {
            self.time.fetch_add(seconds * 1000, Ordering::Relaxed);
            newest = self.get(path, &newest).await.1.unwrap_or(newest);
        }
        self.go.add_permits(1);
        newest = waiting.await.unwrap().1.unwrap_or(newest);
        let sessions = self.owners.list("bob").await.unwrap().into_iter();
        let ours = newest.split_once('=').unwrap().1.get(..22).unwrap_or_default();
        let sessions = sessions.map(|session| {
            let is_ours = session.id.to_string() == ours;
            (if is_ours { "this one" } else { "another" }.to_owned(), Timestamp::from(session.last_used).as_millis())
        });
        (self.get("/", &cookie).await.0, self.get("/", &newest).await.0, sessions.collect())
    }
}

type Others = &'static [(u64, &'static str)];

#[tokio::test]
async fn as_in_memory() {
    let server = Server::start().await;
    let late = 1_070_000;
    let ours = |last_used| BTreeSet::from([("this one".to_owned(), last_used)]);
    let table: [(&str, &str, Others, _); 11] = [
        // Only the store knows the record that a save made.
        ("two saves", "/x/save/c", &[(0, "/b")], ("a b c x", "a b c x", BTreeSet::new())),
        ("three", "/x/save/c/save/d", &[(0, "/b")], ("a b c d x", "a b c d x", BTreeSet::new())),
        ("a login between", "/x/save/c", &[(0, "/renew/bob/b")], ("", "a b c x", ours(1_000_000))),
        ("a logout between", "/x", &[(0, "/b"), (0, "/purge")], ("", "", BTreeSet::new())),
        ("a logout of a user", "/x", &[(0, "/renew/bob/b"), (0, "/purge")], ("", "", BTreeSet::new())),
        ("it grew", "/x/save/c", &[(0, "/large")], ("a c large x", "a c large x", BTreeSet::new())),
        ("it grew and shrank", "/x/save/c", &[(0, "/large"), (0, "/small/b")], ("a b c x", "a b c x", BTreeSet::new())),
        // Within a quota, the store's time counts.
        ("a login and a save", "/bob/save/c", &[(0, "/b")], ("", "a b c", ours(1_000_000))),
        // The loaded record has expired, and the stored one has not.
        ("late", "/x", &[(40, "/b"), (30, "/c")], ("a b c x", "a b c x", BTreeSet::new())),
        ("late with a save", "/x/save/d", &[(40, "/b"), (30, "/c")], ("a b c d x", "a b c d x", BTreeSet::new())),
        ("late with a login", "/x/bob", &[(40, "/b"), (30, "/c")], ("", "a b c x", ours(late))),
    ];
    for (name, held, others, (old, new, sessions)) in table {
        let expected = (old.to_owned(), new.to_owned(), sessions);
        assert_eq!(Steps::over(MemoryStore::new()).race("/a", held, others).await, expected, "{name}, in memory");
        let store = server.store().await;
        let _: () = server.run_command("FLUSHALL").await;
        assert_eq!(Steps::over(store).race("/a", held, others).await, expected, "{name}");
    }
}
