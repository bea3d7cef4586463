//! Cluster: three masters, three replicas.

use std::{collections::BTreeSet, time::Duration};

use cloakroom::{SessionLayer, redis::RedisStore, testing::byte_contract};
use tokio::time::Instant;

use crate::{
    credentials::Vault,
    redis_support::{
        SECOND,
        app::{App, id},
        server::Server,
        until,
    },
};

struct Cluster {
    nodes: Vec<Server>,
}

impl Cluster {
    async fn start() -> Self {
        let options =
            ["--cluster-enabled", "yes", "--cluster-node-timeout", "1000", "--cluster-replica-validity-factor", "0"];
        let mut nodes = Vec::new();
        for _ in 0..6 {
            nodes.push(Server::start_with(&options).await);
        }
        let this = Self { nodes };
        let mut create = vec!["--cluster".to_owned(), "create".to_owned()];
        create.extend(this.nodes.iter().map(Server::address));
        create.extend(["--cluster-replicas", "1", "--cluster-yes"].map(str::to_owned));
        cli(&create).await;
        for node in &this.nodes {
            until("the cluster is whole", 30 * SECOND, || async {
                let info: String = node.run_command("CLUSTER INFO").await;
                let role: String = node.run_command("INFO replication").await;
                let has_link = role.contains("role:master") || role.contains("master_link_status:up");
                info.contains("cluster_state:ok") && info.contains("cluster_known_nodes:6") && has_link
            })
            .await;
        }
        this
    }

    async fn store(&self) -> RedisStore {
        RedisStore::cluster([self.nodes[0].address(), self.nodes[1].address()]).connect().await.unwrap()
    }
}

/// Runs `redis-cli`, which comes with the server.
async fn cli(arguments: &[String]) {
    let output = tokio::process::Command::new("redis-cli").args(arguments).output().await.unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{text}");
}

/// Makes enough sessions for every master to have some, each with a count of 1.
async fn sessions(app: &App, count: usize) -> Vec<String> {
    let mut cookies = Vec::new();
    for _ in 0..count {
        cookies.push(app.new_session().await);
    }
    cookies
}

#[tokio::test]
async fn every_kind_of_call() {
    let cluster = Cluster::start().await;
    let store = cluster.store().await;
    store.ping().await.unwrap();
    let bytes = store.bytes();
    let layer = SessionLayer::new(store);
    let owners = layer.owners().unwrap();
    let app = App::over(layer);
    let mut cookies = Vec::new();
    for cookie in sessions(&app, 30).await {
        assert_eq!(app.get("/count", Some(&cookie)).await.body, "2", "{}", app.last_failure());
        cookies.push(app.get("/login/bob", Some(&cookie)).await.cookie.unwrap());
    }
    let mut masters = 0;
    for node in &cluster.nodes[..3] {
        masters += usize::from(node.run_command::<i64>("DBSIZE").await > 0);
    }
    assert_eq!(masters, 3, "the sessions are on all masters");
    byte_contract(&bytes).await;
    let listed: BTreeSet<_> = owners.list("bob").await.unwrap().iter().map(|session| session.id.to_string()).collect();
    assert_eq!(listed, cookies.iter().map(|cookie| id(cookie)).collect());
    app.get("/logout", Some(&cookies[0])).await;
    assert!(owners.revoke("bob", &id(&cookies[1]).parse().unwrap()).await.unwrap());
    assert_eq!(owners.revoke_others("bob", &id(&cookies[2]).parse().unwrap()).await.unwrap(), 27);
    assert_eq!(owners.list("bob").await.unwrap().len(), 1);
    assert_eq!(app.get("/read", Some(&cookies[2])).await.body, "2");
    assert_eq!(app.get("/read", Some(&cookies[3])).await.body, "");
}

#[tokio::test]
async fn a_master_is_killed() {
    let mut cluster = Cluster::start().await;
    let app = App::new(cluster.store().await);
    let cookies = sessions(&app, 60).await;
    for node in &cluster.nodes[..3] {
        node.is_replicated().await;
    }
    for (node, round) in [(0, 1), (1, 2)] {
        cluster.nodes[node].kill();
        let (killed, watch) = (Instant::now(), &cluster.nodes[2]);
        let failover = async {
            until("a failover", 30 * SECOND, || async {
                let nodes: String = watch.run_command("CLUSTER NODES").await;
                let down = nodes.lines().filter(|line| line.contains("master,fail ")).count();
                let masters = nodes.lines().filter(|line| line.contains("master") && !line.contains("fail")).count();
                down == round && masters == 3 && watch.run_command::<String>("CLUSTER INFO").await.contains("state:ok")
            })
            .await;
            Instant::now()
        };
        let recovery = async {
            let mut longest = Duration::ZERO;
            loop {
                let mut all = true;
                for cookie in &cookies {
                    let seen = app.get("/read", Some(cookie)).await;
                    all &= seen.status == 200;
                    assert!(seen.status == 503 || seen.body == "1", "{seen:?}");
                    longest = longest.max(seen.took);
                    if !all {
                        break;
                    }
                }
                if all && app.get("/count", None).await.status == 200 {
                    return (Instant::now(), longest);
                }
                assert!(killed.elapsed() < 30 * SECOND, "{}", app.last_failure());
            }
        };
        let (failed_over, (recovered, longest)) = tokio::join!(failover, recovery);
        let after = recovered.saturating_duration_since(failed_over);
        println!("failover {:?}, back {after:?} later, longest answer {longest:?}", failed_over - killed);
        assert!(after < SECOND, "{after:?} after the failover");
    }
}

#[tokio::test]
async fn slots_move_while_sessions_are_in_use() {
    let cluster = Cluster::start().await;
    let app = App::new(cluster.store().await);
    let cookies = sessions(&app, 200).await;
    let id_of = async |node: &Server| node.run_command::<String>("CLUSTER MYID").await;
    let (from, to) = (id_of(&cluster.nodes[0]).await, id_of(&cluster.nodes[1]).await);
    let address = cluster.nodes[0].address();
    let options = ["--cluster-from", &from, "--cluster-to", &to, "--cluster-slots", "2000", "--cluster-yes"];
    let mut reshard = vec!["--cluster".to_owned(), "reshard".to_owned(), address];
    reshard.extend(options.map(str::to_owned));
    let moving = tokio::spawn(async move { cli(&reshard).await });
    let mut rounds = 1_u64;
    let mut failed = 0;
    // Rounds of requests until the slots have moved, and one more.
    loop {
        let is_last = moving.is_finished();
        rounds += 1;
        for cookie in &cookies {
            let seen = app.get("/count", Some(cookie)).await;
            failed += usize::from(seen.status != 200);
            assert_eq!((seen.status, seen.body), (200, rounds.to_string()), "{}", app.last_failure());
        }
        if is_last {
            break;
        }
    }
    moving.await.unwrap();
    println!("{} updates while 2000 slots moved, {failed} failed", (rounds - 1) * 200);
    let slots: String = cluster.nodes[1].run_command("CLUSTER NODES").await;
    assert!(slots.lines().any(|line| line.contains("myself") && line.contains("0-1999")), "{slots}");
}

#[tokio::test]
async fn no_node_is_there() {
    let error = RedisStore::cluster(["127.0.0.1:1", "127.0.0.1:2"]).connect().await.unwrap_err();
    assert!(error.is_unreachable(), "{error:?}");
    let app = App::new(RedisStore::cluster(["127.0.0.1:1"]).lazy().unwrap());
    assert_eq!(app.get("/count", None).await.status, 503);
    let none: [&str; 0] = [];
    assert!(RedisStore::cluster(none).lazy().unwrap_err().is_misconfigured());
    assert!(RedisStore::cluster(["unix:/run/redis.sock"]).lazy().unwrap_err().is_misconfigured());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_suite() {
    let cluster = Cluster::start().await;
    cloakroom::testing::contract(async || cluster.store().await).await;
}

#[tokio::test]
async fn a_password_that_is_changed() {
    let cluster = Cluster::start().await;
    let everywhere = async |command: &str| {
        for node in &cluster.nodes {
            let _: redis::Value = node.run_command(command).await;
        }
    };
    everywhere("ACL SETUSER web on >first ~* +@all").await;
    let builder = || RedisStore::cluster([cluster.nodes[0].address(), cluster.nodes[1].address()]);
    let vault = Vault::default();
    vault.put("wrong");
    assert!(vault.of(Some("web"), builder()).connect().await.unwrap_err().is_refused());
    vault.put("first");
    let asks = App::new(vault.of(Some("web"), builder()).connect().await.unwrap());
    let fixed = App::new(builder().username("web").password("first").connect().await.unwrap());
    let cookies = sessions(&asks, 10).await;
    for cookie in &cookies {
        assert_eq!(fixed.get("/count", Some(cookie)).await.body, "2");
    }
    vault.put("second");
    everywhere("ACL SETUSER web resetpass >second").await;
    everywhere("CLIENT KILL USER web").await;
    for cookie in &cookies {
        until("the session is back", SECOND, || async { asks.get("/read", Some(cookie)).await.status == 200 }).await;
        assert_eq!(asks.get("/count", Some(cookie)).await.body, "3", "{}", asks.last_failure());
        assert_eq!(fixed.get("/read", Some(cookie)).await.status, 503);
    }
}
