//! The contract suite, over one server and over a connection of the application.

use cloakroom::redis::RedisStore;

use crate::redis_support::server::Server;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_server() {
    let server = Server::start().await;
    cloakroom::testing::contract(async || server.store().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_older_protocol() {
    let server = Server::start().await;
    let url = format!("{}?protocol=resp2", server.url());
    cloakroom::testing::contract(async || RedisStore::connect(url.as_str()).await.unwrap()).await;
}

/// This connection replaces records by the script, even on servers that have a compare-and-set.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_of_ones_own() {
    let server = Server::start().await;
    cloakroom::testing::contract(async || RedisStore::from_connection(server.admin().await)).await;
}
