//! `axum_session` on Axum, in its default mode: every request has a session, and every response its cookie.

use axum::{Router, http::StatusCode, routing::get};
use axum_session::{SessionConfig, SessionLayer, SessionNullPool, SessionNullSession, SessionStore};

use super::{Contestant, Framework, Role, Store, baseline::plain};
use crate::{
    classes::{COUNTER, LAST, Payload, START},
    frameworks,
};

/// Its forms.
pub const ALL: &[Contestant] = &[Contestant {
    name: "axum_session, plain",
    framework: Framework::Axum,
    store: Store::Memory,
    role: Role::EagerPeer,
    open: |_| {
        Box::pin(async {
            let store = SessionStore::<SessionNullPool>::new(None, SessionConfig::default()).await.unwrap();
            let routes = Router::new()
                .route("/plain", get(plain))
                .route("/read", get(read))
                .route("/write", get(write))
                .route("/create/small", get(async |session: SessionNullSession| create(&session, Payload::Small)))
                .route("/create/kib", get(async |session: SessionNullSession| create(&session, Payload::Kib)))
                .route("/value", get(value))
                .route("/last", get(last));
            frameworks::axum::app(routes.layer(SessionLayer::new(store)))
        })
    },
}];

async fn read(session: SessionNullSession) -> StatusCode {
    match session.get::<u64>(COUNTER) {
        Some(_) => StatusCode::OK,
        None => StatusCode::NOT_FOUND,
    }
}

async fn write(session: SessionNullSession) -> StatusCode {
    session.set(COUNTER, session.get::<u64>(COUNTER).map_or(START, |n| n + 1));
    StatusCode::OK
}

fn create(session: &SessionNullSession, payload: Payload) -> StatusCode {
    session.set(COUNTER, START);
    for &(key, text) in payload.texts() {
        session.set(key, text);
    }
    StatusCode::OK
}

async fn value(session: SessionNullSession) -> String {
    session.get::<u64>(COUNTER).unwrap_or_default().to_string()
}

async fn last(session: SessionNullSession) -> String {
    session.get::<String>(LAST).unwrap_or_default()
}
