//! The Redis adapter, compiled as a foreign crate: it can only use the public API.
#![cfg(all(feature = "redis", feature = "redis-rustls", feature = "redis-cluster", feature = "redis-sentinel"))]
#![allow(dead_code, unreachable_pub, unused_imports, unnameable_types, missing_docs)]

use cloakroom::*;

#[path = "../adapters/redis/mod.rs"]
mod foreign;

#[tokio::test]
async fn a_store_of_a_foreign_crate_makes_a_layer() {
    let store = foreign::RedisStore::lazy("redis://127.0.0.1:1").unwrap();
    let layer = SessionLayer::new(store);
    assert!(layer.owners().is_some());
}
