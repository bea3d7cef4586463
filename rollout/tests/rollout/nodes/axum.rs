//! Nodes on Axum: tower-sessions 0.14 and 0.15 themselves, and cloakroom.

use axum::{Router, routing::post};
use cloakroom::SessionLayer;
use tower_sessions_redis_store::fred::{
    interfaces::ClientLike as _,
    prelude::{Config, Pool},
};

use super::redis_store::RedisStore;
use crate::{
    app,
    node::{KEPT, Node},
    serve::{respond, serve},
};

/// Starts a node on tower-sessions 0.14, with its published Redis store. With a key, its cookies are private.
pub async fn old_014(name: &str, redis: &str, key: Option<&[u8]>) -> Node {
    use tower_sessions_014::{
        Expiry, SessionManagerLayer,
        cookie::{Key, time::Duration},
    };

    let pool = Pool::new(Config::from_url(redis).unwrap(), None, None, None, 2).unwrap();
    let _task = pool.connect();
    pool.wait_for_connect().await.unwrap();
    let store = tower_sessions_redis_store::RedisStore::new(pool);
    let layer = SessionManagerLayer::new(store)
        .with_secure(false)
        .with_expiry(Expiry::OnInactivity(Duration::try_from(KEPT).unwrap()));
    let routes = Router::new()
        .route("/", post(async |session: tower_sessions_014::Session, body: String| respond(&session, &body).await));
    match key {
        Some(key) => serve(name, routes.layer(layer.with_private(Key::from(key)))).await,
        None => serve(name, routes.layer(layer)).await,
    }
}

/// Starts a node on tower-sessions 0.15.
pub async fn old_015(name: &str, redis: &str, key: Option<&[u8]>) -> Node {
    use tower_sessions::{
        Expiry, SessionManagerLayer,
        cookie::{Key, time::Duration},
    };

    let layer = SessionManagerLayer::new(RedisStore::connect(redis).await)
        .with_secure(false)
        .with_expiry(Expiry::OnInactivity(Duration::try_from(KEPT).unwrap()));
    let routes = Router::new()
        .route("/", post(async |session: tower_sessions::Session, body: String| respond(&session, &body).await));
    match key {
        Some(key) => serve(name, routes.layer(layer.with_private(Key::from(key)))).await,
        None => serve(name, routes.layer(layer)).await,
    }
}

/// Starts a node on cloakroom.
pub async fn new(name: &str, layer: SessionLayer) -> Node {
    let routes = Router::new()
        .route("/", post(async |session: cloakroom::Session, body: String| respond(&session, &body).await));
    serve(name, routes.layer(layer)).await
}

/// Starts a node on cloakroom's drop-in, which the old application's options configure.
pub async fn drop_in(
    name: &str,
    store: impl cloakroom::tower_sessions::SessionStore,
    key: Option<&[u8]>,
    options: impl Fn(SessionLayer) -> SessionLayer + Send + Sync + 'static,
) -> Node {
    use cloakroom::tower_sessions::{
        Expiry, Session, SessionManagerLayer,
        cookie::{Key, time::Duration},
    };

    let layer = SessionManagerLayer::new(store)
        .with_secure(false)
        .with_expiry(Expiry::OnInactivity(Duration::try_from(KEPT).unwrap()))
        .with_options(move |layer| options(layer.owner_key(app::USER)));
    let routes = Router::new().route("/", post(async |session: Session, body: String| respond(&session, &body).await));
    match key {
        Some(key) => serve(name, routes.layer(layer.with_private(Key::from(key)))).await,
        None => serve(name, routes.layer(layer)).await,
    }
}

/// Implements the application's session for both versions, whose methods are the same.
macro_rules! session {
    ($session:ty) => {
        impl app::Session for $session {
            async fn get<T: serde::de::DeserializeOwned + Send>(&self, key: &str) -> Result<Option<T>, String> {
                self.get(key).await.map_err(app::text)
            }

            async fn insert<T: serde::Serialize + Send + Sync>(&self, key: &str, value: T) -> Result<(), String> {
                self.insert(key, value).await.map_err(app::text)
            }

            async fn remove(&self, key: &str) -> Result<(), String> {
                self.remove_value(key).await.map(drop).map_err(app::text)
            }

            async fn renew(&self) -> Result<(), String> {
                self.cycle_id().await.map_err(app::text)
            }

            async fn purge(&self) -> Result<(), String> {
                self.flush().await.map_err(app::text)
            }
        }
    };
}
session!(tower_sessions::Session);
session!(tower_sessions_014::Session);
session!(cloakroom::tower_sessions::Session);
