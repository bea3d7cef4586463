//! Sentinel: one master, one replica, three sentinels.

use std::time::Duration;

use cloakroom::redis::{RedisStore, RedisStoreBuilder};
use tokio::time::Instant;

use crate::{
    credentials::Vault,
    redis_support::{
        SECOND,
        app::App,
        server::{Server, admin, run},
        until,
    },
};

struct Fixture {
    servers: Vec<Server>,
    sentinels: Vec<Server>,
}

impl Fixture {
    async fn start() -> Self {
        let master = Server::start().await;
        let port = master.port.to_string();
        let replica = Server::start_with(&["--replicaof", "127.0.0.1", &port]).await;
        let mut sentinels = Vec::new();
        for _ in 0..3 {
            let mut sentinel = Server::prepare(&["sentinel.conf", "--sentinel"]);
            let lines = format!(
                "sentinel monitor house 127.0.0.1 {port} 2\nsentinel down-after-milliseconds house 500\n\
                 sentinel failover-timeout house 3000\n"
            );
            std::fs::write(sentinel.dir.join("sentinel.conf"), lines).unwrap();
            sentinel.restart().await;
            sentinels.push(sentinel);
        }
        let this = Self { servers: vec![master, replica], sentinels };
        for sentinel in &this.sentinels {
            until("the sentinels know each other and the replica", 30 * SECOND, || async {
                let state: String = sentinel.run_command("INFO sentinel").await;
                state.contains("status=ok") && state.contains("slaves=1,sentinels=3")
            })
            .await;
        }
        until("the replica has caught up", 30 * SECOND, || async {
            this.servers[1].run_command::<String>("INFO replication").await.contains("master_link_status:up")
        })
        .await;
        this
    }

    fn builder(&self) -> RedisStoreBuilder {
        RedisStore::sentinel("house", self.sentinels.iter().map(Server::address))
    }

    /// Returns the master's port, as a sentinel has it.
    async fn master(&self) -> u16 {
        let sentinel = &self.sentinels[2];
        let (_, port): (String, u16) = sentinel.run_command("SENTINEL get-master-addr-by-name house").await;
        port
    }

    /// Waits for the failover, then at most a second for the application. Prints both times.
    async fn fails_over(&self, before: u16, app: &App, cookie: &str, count: &str) {
        let started = Instant::now();
        let failover = async {
            until("a failover", 30 * SECOND, || async { self.master().await != before }).await;
            Instant::now()
        };
        let recovery = async {
            let mut longest = Duration::ZERO;
            loop {
                let seen = app.get("/read", Some(cookie)).await;
                longest = longest.max(seen.took);
                let new = app.get("/count", None).await;
                longest = longest.max(new.took);
                if seen.status == 200 && new.status == 200 {
                    assert_eq!(seen.body, count, "nothing is lost");
                    return (Instant::now(), longest);
                }
                assert!(started.elapsed() < 30 * SECOND, "{}", app.last_failure());
            }
        };
        let (failed_over, (recovered, longest)) = tokio::join!(failover, recovery);
        let after = recovered.saturating_duration_since(failed_over);
        println!("failover {:?}, back {after:?} later, longest answer {longest:?}", failed_over - started);
        assert!(after < SECOND, "{after:?} after the failover");
    }
}

#[tokio::test]
async fn the_master_is_killed() {
    let mut it = Fixture::start().await;
    let app = App::new(it.builder().connect().await.unwrap());
    let cookie = app.new_session().await;
    assert_eq!(app.get("/count", Some(&cookie)).await.body, "2");
    it.servers[0].is_replicated().await;
    let before = it.master().await;
    // The master's machine is gone, and with it a sentinel.
    it.servers[0].kill();
    it.sentinels[0].kill();
    it.fails_over(before, &app, &cookie, "2").await;
    assert_eq!(app.get("/count", Some(&cookie)).await.body, "3", "the new master has no script yet");
}

#[tokio::test]
async fn the_master_hangs_and_comes_back_as_a_replica() {
    let it = Fixture::start().await;
    let app = App::new(it.builder().lazy().unwrap());
    let cookie = app.new_session().await;
    it.servers[0].is_replicated().await;
    let before = it.master().await;
    it.servers[0].pause();
    it.fails_over(before, &app, &cookie, "1").await;
    it.servers[0].resume();
    until("the old master is a replica", 30 * SECOND, || async {
        // A server drops all its clients when it becomes a replica.
        let client = redis::Client::open(it.servers[0].url()).unwrap();
        let Ok(mut connection) = client.get_multiplexed_async_connection().await else { return false };
        let state = redis::cmd("INFO").arg("replication").query_async::<String>(&mut connection).await;
        state.is_ok_and(|state| state.contains("role:slave"))
    })
    .await;
    assert_eq!(app.get("/count", Some(&cookie)).await.body, "2");
}

#[tokio::test]
async fn the_master_is_changed_by_hand() {
    let it = Fixture::start().await;
    let app = App::new(it.builder().connect().await.unwrap());
    let cookie = app.new_session().await;
    it.servers[0].is_replicated().await;
    let before = it.master().await;
    let _: () = run(&mut admin(&it.sentinels[0].url()).await, "SENTINEL FAILOVER house").await;
    it.fails_over(before, &app, &cookie, "1").await;
}

#[tokio::test]
async fn a_name_that_no_sentinel_knows() {
    let it = Fixture::start().await;
    let addresses = it.sentinels.iter().map(Server::address);
    let error = RedisStore::sentinel("manor", addresses).connect().await.unwrap_err();
    assert!(error.is_unreachable() && format!("{error:?}").contains("does not know"), "{error:?}");
    let none: [&str; 0] = [];
    assert!(RedisStore::sentinel("house", none).lazy().unwrap_err().is_misconfigured());
}

/// The credentials are the master's, and not the sentinels'.
#[tokio::test]
async fn a_password_that_is_changed() {
    let it = Fixture::start().await;
    let mut admin = it.servers[0].admin().await;
    let _: () = run(&mut admin, "ACL SETUSER web on >first ~* +@all").await;
    let vault = Vault::default();
    vault.put("wrong");
    assert!(vault.of(Some("web"), it.builder()).connect().await.unwrap_err().is_refused());
    vault.put("first");
    let asks = App::new(vault.of(Some("web"), it.builder()).connect().await.unwrap());
    let fixed = App::new(it.builder().username("web").password("first").connect().await.unwrap());
    let cookie = asks.new_session().await;
    assert_eq!(fixed.get("/count", Some(&cookie)).await.body, "2");
    vault.put("second");
    let _: () = run(&mut admin, "ACL SETUSER web resetpass >second").await;
    let _: i64 = run(&mut admin, "CLIENT KILL USER web").await;
    until("the session is back", SECOND, || async { asks.get("/read", Some(&cookie)).await.status == 200 }).await;
    assert_eq!(asks.get("/count", Some(&cookie)).await.body, "3", "{}", asks.last_failure());
    assert_eq!(fixed.get("/read", Some(&cookie)).await.status, 503);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_suite() {
    let it = Fixture::start().await;
    cloakroom::testing::contract(async || it.builder().connect().await.unwrap()).await;
}
