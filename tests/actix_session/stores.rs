//! Runs a scenario over every store that a service of actix-session may have, with both protections of the cookie's
//! content.

/// Runs a scenario over every store, with both protections of the cookie's content.
macro_rules! over_every_store {
    ($scenario:ident) => {
        mod $scenario {
            use cloakroom::{
                MemoryStore,
                actix_web::storage::{CookieSessionStore, RedisActorSessionStore, RedisSessionStore},
            };

            use crate::{house::CONTENTS, redis_support::server::Server};

            #[actix_web::test]
            async fn memory() {
                for content in CONTENTS {
                    super::$scenario(MemoryStore::new(), content).await;
                }
            }

            #[actix_web::test]
            async fn cookie() {
                for content in CONTENTS {
                    super::$scenario(CookieSessionStore::default(), content).await;
                }
            }

            #[actix_web::test]
            async fn redis() {
                let server = Server::start().await;
                let own_names = RedisSessionStore::builder(server.url()).cache_keygen(|key| format!("shop/{key}"));
                let own_names = own_names.build().await.unwrap();
                let pool = $crate::stores::pool(&server);
                for content in CONTENTS {
                    super::$scenario(RedisSessionStore::new(server.url()).await.unwrap(), content).await;
                    super::$scenario(own_names.clone(), content).await;
                    super::$scenario(RedisSessionStore::new_pooled(pool.clone()).await.unwrap(), content).await;
                    super::$scenario(RedisActorSessionStore::new(server.address()), content).await;
                }
            }
        }
    };
}

pub(crate) use over_every_store;

use crate::redis_support::server::Server;

pub(crate) fn pool(server: &Server) -> deadpool_redis::Pool {
    let config = deadpool_redis::Config::from_url(server.url());
    config.create_pool(Some(deadpool_redis::Runtime::Tokio1)).unwrap()
}
