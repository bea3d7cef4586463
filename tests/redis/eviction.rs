//! A server that evicts keys: a warning says so, once.

use cloakroom::redis::RedisStore;

use crate::{log::Log, redis_support::server::Server};

fn warnings(log: &Log) -> usize {
    String::from_utf8(log.bytes()).expect("text").matches("maxmemory-policy should be noeviction").count()
}

#[tokio::test]
async fn the_policy_is_checked_when_a_store_first_connects() {
    let log = Log::capture();
    let server = Server::start().await;
    for (policy, expected) in [("noeviction", 0), ("allkeys-lru", 1), ("volatile-ttl", 2)] {
        let _: () = server.run_command(&format!("CONFIG SET maxmemory-policy {policy}")).await;
        let store = RedisStore::lazy(server.url()).unwrap();
        for _ in 0..3 {
            store.ping().await.unwrap();
            let _: i64 = server.run_command("CLIENT KILL TYPE normal SKIPME yes").await;
        }
        assert_eq!(warnings(&log), expected, "{policy}");
    }
    // Neither is a user without the right to ask an error.
    let _: () = server.run_command("ACL SETUSER web on >pw ~cloakroom:* +ping").await;
    let store = RedisStore::connect(format!("redis://web:pw@{}", server.address())).await.unwrap();
    store.ping().await.unwrap();
    assert_eq!(warnings(&log), 2);
}
