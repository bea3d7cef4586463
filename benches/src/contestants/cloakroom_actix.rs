//! cloakroom on Actix Web.

use std::rc::Rc;

use actix_web::{App as ActixApp, HttpResponse, Result, web};
use cloakroom::{
    CookieStore, MemoryStore, Session, SessionLayer, actix_web::SessionMiddleware, keys::SecretKey, redis::RedisStore,
};

use super::{Contestant, Framework, Role, Store, baseline::bare};
use crate::{
    app::App,
    classes::{COUNTER, LAST, Payload, START},
    frameworks,
};

/// Its forms.
pub const ALL: &[Contestant] = &[
    Contestant {
        name: "cloakroom, lazy",
        framework: Framework::Actix,
        store: Store::Memory,
        role: Role::Ours,
        open: |_| Box::pin(async { app(loading(SessionLayer::new(MemoryStore::new())).lazy()).await }),
    },
    Contestant {
        name: "cloakroom, loading",
        framework: Framework::Actix,
        store: Store::Memory,
        role: Role::OursBeside,
        open: |_| Box::pin(async { app(loading(SessionLayer::new(MemoryStore::new()))).await }),
    },
    Contestant {
        name: "cloakroom, sealed, lazy",
        framework: Framework::Actix,
        store: Store::Cookie,
        role: Role::Ours,
        open: |_| Box::pin(async { app(loading(sealed()).lazy()).await }),
    },
    Contestant {
        name: "cloakroom, sealed, loading",
        framework: Framework::Actix,
        store: Store::Cookie,
        role: Role::OursBeside,
        open: |_| Box::pin(async { app(loading(sealed())).await }),
    },
    Contestant {
        name: "cloakroom, lazy",
        framework: Framework::Actix,
        store: Store::Redis,
        role: Role::Ours,
        open: |redis| {
            Box::pin(async { app(loading(SessionLayer::new(RedisStore::connect(redis).await.unwrap())).lazy()).await })
        },
    },
];

fn loading(layer: SessionLayer) -> SessionMiddleware {
    SessionMiddleware::from(layer)
}

fn sealed() -> SessionLayer {
    SessionLayer::cookie_store(CookieStore::new(SecretKey::generate()))
}

async fn app(middleware: SessionMiddleware) -> Rc<dyn App> {
    let app = ActixApp::new()
        .wrap(middleware)
        .route("/plain", web::get().to(bare))
        .route("/read", web::get().to(read))
        .route("/write", web::get().to(write))
        .route("/create/small", web::get().to(async |session: Session| create(&session, Payload::Small)))
        .route("/create/kib", web::get().to(async |session: Session| create(&session, Payload::Kib)))
        .route("/value", web::get().to(value))
        .route("/last", web::get().to(last));
    frameworks::actix::app(app).await
}

async fn read(session: Session) -> Result<HttpResponse> {
    Ok(match session.get::<u64>(COUNTER)? {
        Some(_) => HttpResponse::Ok().finish(),
        None => HttpResponse::NotFound().finish(),
    })
}

async fn write(session: Session) -> Result<HttpResponse> {
    session.update_or(COUNTER, START, |n: u64| n + 1)?;
    Ok(HttpResponse::Ok().finish())
}

fn create(session: &Session, payload: Payload) -> Result<HttpResponse> {
    session.insert(COUNTER, START)?;
    for &(key, text) in payload.texts() {
        session.insert(key, text)?;
    }
    Ok(HttpResponse::Ok().finish())
}

async fn value(session: Session) -> Result<String> {
    Ok(session.get::<u64>(COUNTER)?.unwrap_or_default().to_string())
}

async fn last(session: Session) -> Result<String> {
    Ok(session.get::<String>(LAST)?.unwrap_or_default())
}
