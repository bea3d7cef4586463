//! `tower-sessions` on Axum. Its cookies are plain by default, or signed, or private (encrypted).
//!
//! Its Redis store needs the previous version, which has the same interface under another type.

use axum::{Router, http::StatusCode, routing::get};

use super::{Contestant, Framework, Role, Store, baseline::plain};
use crate::{
    app::Open,
    classes::{COUNTER, LAST, Payload, START},
    frameworks,
};

/// Its forms.
pub const ALL: &[Contestant] = &[
    peer("tower-sessions, plain", Store::Memory, |_| {
        Box::pin(async { frameworks::axum::app(newest::routes().layer(newest::layer())) })
    }),
    peer("tower-sessions, signed", Store::Memory, |_| {
        let key = tower_sessions::cookie::Key::generate();
        Box::pin(async { frameworks::axum::app(newest::routes().layer(newest::layer().with_signed(key))) })
    }),
    peer("tower-sessions, private", Store::Memory, |_| {
        let key = tower_sessions::cookie::Key::generate();
        Box::pin(async { frameworks::axum::app(newest::routes().layer(newest::layer().with_private(key))) })
    }),
    peer("tower-sessions 0.14, plain", Store::Redis, |redis| {
        Box::pin(async {
            let layer = tower_sessions_redis::SessionManagerLayer::new(redis_store(redis).await);
            frameworks::axum::app(for_redis::routes().layer(layer))
        })
    }),
];

const fn peer(name: &'static str, store: Store, open: Open) -> Contestant {
    Contestant { name, framework: Framework::Axum, store, role: Role::Peer, open }
}

async fn redis_store(
    url: String,
) -> tower_sessions_redis_store::RedisStore<tower_sessions_redis_store::fred::prelude::Pool> {
    use tower_sessions_redis_store::fred::prelude::{ClientLike as _, Config, Pool};
    // One connection, as all contestants have.
    let pool = Pool::new(Config::from_url(&url).unwrap(), None, None, None, 1).unwrap();
    let _task = pool.connect();
    pool.wait_for_connect().await.unwrap();
    tower_sessions_redis_store::RedisStore::new(pool)
}

macro_rules! handlers {
    ($module:ident, $library:ident) => {
        mod $module {
            use $library::{Session, session::Error};

            use super::*;

            pub(super) fn routes() -> Router {
                Router::new()
                    .route("/plain", get(plain))
                    .route("/read", get(read))
                    .route("/write", get(write))
                    .route("/create/small", get(async |session: Session| create(session, Payload::Small).await))
                    .route("/create/kib", get(async |session: Session| create(session, Payload::Kib).await))
                    .route("/value", get(value))
                    .route("/last", get(last))
            }

            async fn read(session: Session) -> Result<StatusCode, StatusCode> {
                Ok(match session.get::<u64>(COUNTER).await.map_err(failure)? {
                    Some(_) => StatusCode::OK,
                    None => StatusCode::NOT_FOUND,
                })
            }

            async fn write(session: Session) -> Result<StatusCode, StatusCode> {
                let n: Option<u64> = session.get(COUNTER).await.map_err(failure)?;
                session.insert(COUNTER, n.map_or(START, |n| n + 1)).await.map_err(failure)?;
                Ok(StatusCode::OK)
            }

            async fn create(session: Session, payload: Payload) -> Result<StatusCode, StatusCode> {
                session.insert(COUNTER, START).await.map_err(failure)?;
                for &(key, text) in payload.texts() {
                    session.insert(key, text).await.map_err(failure)?;
                }
                Ok(StatusCode::OK)
            }

            async fn value(session: Session) -> Result<String, StatusCode> {
                let n: Option<u64> = session.get(COUNTER).await.map_err(failure)?;
                Ok(n.unwrap_or_default().to_string())
            }

            async fn last(session: Session) -> Result<String, StatusCode> {
                Ok(session.get::<String>(LAST).await.map_err(failure)?.unwrap_or_default())
            }

            fn failure(_error: Error) -> StatusCode {
                StatusCode::INTERNAL_SERVER_ERROR
            }
        }
    };
}

handlers!(for_redis, tower_sessions_redis);
handlers!(newest_handlers, tower_sessions);

mod newest {
    use tower_sessions::{MemoryStore, SessionManagerLayer};

    pub(super) use super::newest_handlers::routes;

    pub(super) fn layer() -> SessionManagerLayer<MemoryStore> {
        SessionManagerLayer::new(MemoryStore::default())
    }
}
