//! Lists and ends the sessions of a user.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use cloakroom::{Lifetime, Owners, SessionLayer};

use crate::redis_support::{
    Monitor, SECOND,
    app::{App, id},
    server::Server,
};

/// An application whose clock the test moves.
struct Fixture {
    server: Server,
    app: App,
    owners: Owners,
    time: Arc<AtomicU64>,
}

impl Fixture {
    async fn new() -> Self {
        Self::with_idle(3600 * SECOND).await
    }

    async fn with_idle(idle: Duration) -> Self {
        let server = Server::start().await;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis();
        let time = Arc::new(AtomicU64::new(now.try_into().unwrap()));
        let clock = Arc::clone(&time);
        let lifetime = Lifetime::builder().idle(idle).build().unwrap();
        let layer = SessionLayer::new(server.store().await)
            .lifetime(lifetime)
            .clock(move || UNIX_EPOCH + Duration::from_millis(clock.load(Ordering::Relaxed)));
        let owners = layer.owners().unwrap();
        Self { app: App::over(layer), server, owners, time }
    }

    fn pass(&self, seconds: u64) {
        self.time.fetch_add(seconds * 1000, Ordering::Relaxed);
    }

    async fn login(&self, owner: &str) -> String {
        let seen = self.app.get(&format!("/login/{owner}"), None).await;
        assert_eq!(seen.status, 200);
        seen.cookie.unwrap()
    }

    async fn ids(&self, owner: &str) -> BTreeSet<String> {
        self.owners.list(owner).await.unwrap().into_iter().map(|session| session.id.to_string()).collect()
    }

    async fn indexed(&self, owner: &str) -> BTreeSet<String> {
        self.server.run_command(&format!("ZRANGE cloakroom:owner:{owner} 0 -1")).await
    }
}

fn ids<'a>(cookies: impl IntoIterator<Item = &'a String>) -> BTreeSet<String> {
    cookies.into_iter().map(|cookie| id(cookie)).collect()
}

#[tokio::test]
async fn lists_and_ends_the_sessions_of_one_owner() {
    let it = Fixture::new().await;
    let (a, b, c, d) = (it.login("bob").await, it.login("bob").await, it.login("bob").await, it.login("eve").await);
    assert_eq!(it.ids("bob").await, ids([&a, &b, &c]));
    assert_eq!(it.ids("nobody").await, BTreeSet::new());

    let theirs = id(&d).parse().unwrap();
    assert!(!it.owners.revoke("bob", &theirs).await.unwrap(), "not his");
    assert!(it.owners.revoke("bob", &id(&a).parse().unwrap()).await.unwrap());
    assert!(!it.owners.revoke("bob", &id(&a).parse().unwrap()).await.unwrap(), "already gone");
    assert_eq!(it.indexed("bob").await, ids([&b, &c]));

    let more = it.login("bob").await;
    assert_eq!(it.owners.revoke_others("bob", &id(&b).parse().unwrap()).await.unwrap(), 2);
    assert_eq!(it.ids("bob").await, ids([&b]));
    assert_eq!(it.owners.revoke_all("bob").await.unwrap(), 1);
    assert_eq!((it.ids("bob").await, it.indexed("bob").await), (BTreeSet::new(), BTreeSet::new()));
    assert_eq!(it.ids("eve").await, ids([&d]));
    for cookie in [&a, &b, &c, &more] {
        let seen = it.app.get("/count", Some(cookie)).await;
        assert_ne!(seen.cookie.as_ref().map(|cookie| id(cookie)), Some(id(cookie)), "logged out");
    }
}

#[tokio::test]
async fn a_purge_takes_the_entry_out() {
    let it = Fixture::new().await;
    let (a, b) = (it.login("bob").await, it.login("bob").await);
    it.app.get("/logout", Some(&a)).await;
    assert_eq!(it.indexed("bob").await, ids([&b]));
    it.app.get("/logout", Some(&b)).await;
    assert_eq!(it.server.run_command::<i64>("EXISTS cloakroom:owner:bob").await, 0);
}

#[tokio::test]
async fn another_owner_s_session_is_not_listed_nor_ended() {
    let it = Fixture::new().await;
    let a = it.login("bob").await;
    let b = it.app.get("/login/eve", Some(&a)).await.cookie.unwrap();
    assert_eq!(id(&a), id(&b));
    assert_eq!((it.ids("bob").await, it.ids("eve").await), (BTreeSet::new(), ids([&b])));
    assert_eq!(it.owners.revoke_all("bob").await.unwrap(), 0);
    assert_eq!(it.ids("eve").await, ids([&b]));
    // And back: the remains of the first change do no harm.
    let c = it.app.get("/login/bob", Some(&b)).await.cookie.unwrap();
    assert_eq!((it.ids("bob").await, it.ids("eve").await), (ids([&c]), BTreeSet::new()));
    assert_eq!(it.owners.revoke_all("bob").await.unwrap(), 1);
}

#[tokio::test]
async fn an_expired_or_deleted_session_is_not_listed_and_leaves_nothing() {
    let it = Fixture::new().await;
    let (a, b) = (it.login("bob").await, it.login("bob").await);
    let _: i64 = it.server.run_command(&format!("DEL cloakroom:{}", id(&a))).await;
    assert_eq!(it.ids("bob").await, ids([&b]));
    it.pass(3600);
    assert_eq!(it.ids("bob").await, BTreeSet::new());
    // The next login removes entries whose time has passed; here, an entry outlives its session by 45 to 80 minutes.
    it.pass(5000);
    let c = it.login("bob").await;
    assert_eq!(it.indexed("bob").await, ids([&c]));
    let left: i64 = it.server.run_command("PTTL cloakroom:owner:bob").await;
    assert!((6_200_000..=8_400_000).contains(&left), "{left}");
}

#[tokio::test]
async fn a_session_in_use_stays_in_the_index() {
    let it = Fixture::new().await;
    let cookie = it.login("bob").await;
    let mut monitor = Monitor::start(&it.server);
    let mut writes = 0;
    // Twenty hours with an idle limit of one hour.
    for _ in 0..40 {
        it.pass(1800);
        assert_eq!(it.app.get("/read", Some(&cookie)).await.status, 200);
        writes += monitor.commands().iter().filter(|name| *name == "EVALSHA" || *name == "SET").count();
        // A login removes entries whose time has passed.
        it.login("bob").await;
        assert!(it.indexed("bob").await.contains(&id(&cookie)));
        monitor.commands();
    }
    // One touch each, and two more calls if the deadline moved beyond the index's.
    println!("{writes} writes in 40 uses");
    assert!((60..=90).contains(&writes), "{writes}");
    assert!(it.ids("bob").await.contains(&id(&cookie)));
    assert_eq!(it.app.get("/login/eve", None).await.status, 200);
}

#[tokio::test]
async fn a_longer_lifetime_is_known_to_the_index() {
    let it = Fixture::new().await;
    let cookie = it.login("bob").await;
    it.app.get("/remember", Some(&cookie)).await;
    it.pass(20 * 24 * 3600);
    assert_eq!(it.ids("bob").await, ids([&cookie]));
    it.login("bob").await;
    assert!(it.ids("bob").await.contains(&id(&cookie)), "a later login takes out only what has ended");
}

#[tokio::test]
async fn many_sessions_of_one_owner() {
    let it = Fixture::new().await;
    for _ in 0..300 {
        it.login("bob").await;
    }
    assert_eq!(it.ids("bob").await.len(), 300);
    it.pass(3600 + 5000);
    // The work of a call is limited: each login removes a hundred.
    let mut left = Vec::new();
    for _ in 0..4 {
        it.login("bob").await;
        left.push(it.indexed("bob").await.len());
    }
    assert_eq!(left, [201, 102, 3, 4]);
    assert_eq!(it.owners.revoke_all("bob").await.unwrap(), 4);
}

/// A client whose clock is ahead removes entries whose time has passed for it.
#[tokio::test]
async fn clocks_may_differ_by_two_minutes() {
    let it = Fixture::with_idle(60 * SECOND).await;
    let a = it.login("bob").await;
    it.pass(59 + 120);
    it.login("bob").await;
    it.time.fetch_sub(120_000, Ordering::Relaxed);
    assert!(it.ids("bob").await.contains(&id(&a)));
}
