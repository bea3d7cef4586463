//! cloakroom on Axum.

use axum::{Router, http::StatusCode, response::Result, routing::get};
use cloakroom::{
    CookieStore, MemoryStore, Session, SessionInsertError, SessionLayer, keys::SecretKey, redis::RedisStore,
};

use super::{Contestant, Framework, Role, Store, baseline::plain};
use crate::{
    classes::{COUNTER, LAST, Payload, START},
    frameworks,
};

/// Its forms.
pub const ALL: &[Contestant] = &[
    Contestant {
        name: "cloakroom",
        framework: Framework::Axum,
        store: Store::Memory,
        role: Role::Ours,
        open: |_| Box::pin(async { frameworks::axum::app(routes(SessionLayer::new(MemoryStore::new()))) }),
    },
    Contestant {
        name: "cloakroom, signed",
        framework: Framework::Axum,
        store: Store::Memory,
        role: Role::OursBeside,
        open: |_| {
            Box::pin(async {
                frameworks::axum::app(routes(SessionLayer::new(MemoryStore::new()).signed(SecretKey::generate())))
            })
        },
    },
    Contestant {
        name: "cloakroom, sealed",
        framework: Framework::Axum,
        store: Store::Cookie,
        role: Role::Ours,
        open: |_| {
            Box::pin(async {
                frameworks::axum::app(routes(SessionLayer::cookie_store(CookieStore::new(SecretKey::generate()))))
            })
        },
    },
    Contestant {
        name: "cloakroom",
        framework: Framework::Axum,
        store: Store::Redis,
        role: Role::Ours,
        open: |redis| {
            Box::pin(async {
                frameworks::axum::app(routes(SessionLayer::new(RedisStore::connect(redis).await.unwrap())))
            })
        },
    },
];

fn routes(layer: SessionLayer) -> Router {
    Router::new()
        .route("/plain", get(plain))
        .route("/read", get(read))
        .route("/write", get(write))
        .route("/create/small", get(async |session: Session| create(&session, Payload::Small)))
        .route("/create/kib", get(async |session: Session| create(&session, Payload::Kib)))
        .route("/value", get(value))
        .route("/last", get(last))
        .layer(layer)
}

async fn read(session: Session) -> Result<StatusCode> {
    Ok(match session.get::<u64>(COUNTER)? {
        Some(_) => StatusCode::OK,
        None => StatusCode::NOT_FOUND,
    })
}

async fn write(session: Session) -> Result<StatusCode> {
    session.update_or(COUNTER, START, |n: u64| n + 1)?;
    Ok(StatusCode::OK)
}

fn create(session: &Session, payload: Payload) -> Result<(), SessionInsertError> {
    session.insert(COUNTER, START)?;
    for &(key, text) in payload.texts() {
        session.insert(key, text)?;
    }
    Ok(())
}

async fn value(session: Session) -> Result<String> {
    Ok(session.get::<u64>(COUNTER)?.unwrap_or_default().to_string())
}

async fn last(session: Session) -> Result<String> {
    Ok(session.get::<String>(LAST)?.unwrap_or_default())
}
