//! Many requests on one session of a distant server: each write is kept, and none is answered 503.

use std::time::Duration;

use cloakroom::redis::RedisStore;

use crate::redis_support::{
    SECOND,
    app::{App, id},
    far::Far,
    server::Server,
};

const ROUND_TRIP: Duration = Duration::from_millis(30);

/// Returns layers that are made separately, so that each is like a process.
async fn processes(far: &Far, count: usize) -> Vec<App> {
    let mut apps = Vec::new();
    for _ in 0..count {
        let mut app = App::new(RedisStore::connect(far.url()).await.unwrap());
        app.limit = 30 * SECOND;
        apps.push(app);
    }
    apps
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_at_once() {
    let server = Server::start().await;
    let far = Far::start(server.port, ROUND_TRIP).await;
    for (count, requests) in [(1, 100), (4, 100), (1, 200), (4, 200)] {
        let apps = processes(&far, count).await;
        let (busy, idle) = (apps[0].new_session().await, apps[0].new_session().await);
        let writes = (0..requests).map(|n| {
            let (app, cookie) = (apps[n % count].clone(), busy.clone());
            tokio::spawn(async move { app.get(&format!("/set/k{n}/{n}"), Some(&cookie)).await })
        });
        let writes: Vec<_> = writes.collect();
        // Requests of another session.
        for n in 2..6 {
            assert_eq!(apps[0].get("/count", Some(&idle)).await.body, n.to_string());
        }
        let mut longest = Duration::ZERO;
        for write in writes {
            let seen = write.await.unwrap();
            assert_eq!(seen.status, 200, "{count} processes, {requests} requests: {}", seen.body);
            longest = longest.max(seen.took);
        }
        println!("{requests} requests in {count} processes: the longest took {longest:?}");
        for n in 0..requests {
            let value: Option<String> = server.value(&id(&busy), &format!("k{n}")).await;
            assert_eq!(value, Some(format!("\"{n}\"")), "{count} processes, {requests} requests");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn counting() {
    let server = Server::start().await;
    let far = Far::start(server.port, ROUND_TRIP).await;
    for count in [1, 4] {
        let apps = processes(&far, count).await;
        let cookie = apps[0].new_session().await;
        let counts = (0..100).map(|n| {
            let (app, cookie) = (apps[n % count].clone(), cookie.clone());
            tokio::spawn(async move { app.get("/count", Some(&cookie)).await.status })
        });
        for status in counts.collect::<Vec<_>>() {
            assert_eq!(status.await.unwrap(), 200, "{count} processes");
        }
        assert_eq!(server.value(&id(&cookie), "n").await, Some(101), "{count} processes");
    }
}
