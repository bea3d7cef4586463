//! A server that evicts keys: a warning says so, once.

use std::{
    io::Write,
    sync::{Arc, Mutex},
};

use cloakroom::redis::RedisStore;
use tracing_subscriber::fmt::MakeWriter;

use crate::redis_support::server::Server;

/// What was logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

impl Log {
    fn warnings(&self) -> usize {
        String::from_utf8(self.0.lock().unwrap().clone())
            .unwrap()
            .matches("maxmemory-policy should be noeviction")
            .count()
    }
}

#[tokio::test]
async fn the_policy_is_checked_when_a_store_first_connects() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt().with_writer(log.clone()).finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let server = Server::start().await;
    for (policy, expected) in [("noeviction", 0), ("allkeys-lru", 1), ("volatile-ttl", 2)] {
        let _: () = server.run_command(&format!("CONFIG SET maxmemory-policy {policy}")).await;
        let store = RedisStore::lazy(server.url()).unwrap();
        for _ in 0..3 {
            store.ping().await.unwrap();
            let _: i64 = server.run_command("CLIENT KILL TYPE normal SKIPME yes").await;
        }
        assert_eq!(log.warnings(), expected, "{policy}");
    }
    // Neither is a user without the right to ask an error.
    let _: () = server.run_command("ACL SETUSER web on >pw ~cloakroom:* +ping").await;
    let store = RedisStore::connect(format!("redis://web:pw@{}", server.address())).await.unwrap();
    store.ping().await.unwrap();
    assert_eq!(log.warnings(), 2);
}
