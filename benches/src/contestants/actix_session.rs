//! `actix-session`. Its cookies are private (encrypted) by default, or signed.
//!
//! It has no store in memory. The one here is as small as possible, a `HashMap` in a `Mutex`, and keeps no deadlines.

use std::{
    collections::HashMap,
    rc::Rc,
    sync::{Mutex, PoisonError},
};

use actix_session::{
    Session, SessionMiddleware,
    config::CookieContentSecurity,
    storage::{
        CookieSessionStore, LoadError, RedisSessionStore, SaveError, SessionKey, SessionStore, UpdateError,
        generate_session_key,
    },
};
use actix_web::{
    App as ActixApp, HttpResponse, Result,
    cookie::{Key, time::Duration},
    web,
};

use super::{Contestant, Framework, Role, Store, baseline::bare};
use crate::{
    app::App,
    classes::{COUNTER, LAST, Payload, START},
    frameworks,
};

/// Its forms.
pub const ALL: &[Contestant] = &[
    peer("actix-session, private, own store", Store::Memory, |_| {
        Box::pin(async { app(Memory::default(), CookieContentSecurity::Private).await })
    }),
    peer("actix-session, signed, own store", Store::Memory, |_| {
        Box::pin(async { app(Memory::default(), CookieContentSecurity::Signed).await })
    }),
    peer("actix-session, private", Store::Cookie, |_| {
        Box::pin(async { app(CookieSessionStore::default(), CookieContentSecurity::Private).await })
    }),
    peer("actix-session, signed", Store::Cookie, |_| {
        Box::pin(async { app(CookieSessionStore::default(), CookieContentSecurity::Signed).await })
    }),
    peer("actix-session, private", Store::Redis, |redis| {
        Box::pin(async { app(RedisSessionStore::new(redis).await.unwrap(), CookieContentSecurity::Private).await })
    }),
    peer("actix-session, signed", Store::Redis, |redis| {
        Box::pin(async { app(RedisSessionStore::new(redis).await.unwrap(), CookieContentSecurity::Signed).await })
    }),
];

const fn peer(name: &'static str, store: Store, open: crate::app::Open) -> Contestant {
    Contestant { name, framework: Framework::Actix, store, role: Role::Peer, open }
}

async fn app(store: impl SessionStore + 'static, security: CookieContentSecurity) -> Rc<dyn App> {
    let middleware = SessionMiddleware::builder(store, Key::generate()).cookie_content_security(security).build();
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
    let n = session.get::<u64>(COUNTER)?;
    session.insert(COUNTER, n.map_or(START, |n| n + 1))?;
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

type State = HashMap<String, String>;

#[derive(Default)]
struct Memory(Mutex<HashMap<String, State>>);

impl Memory {
    fn with<T>(&self, run: impl FnOnce(&mut HashMap<String, State>) -> T) -> T {
        run(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl SessionStore for Memory {
    async fn load(&self, key: &SessionKey) -> Result<Option<State>, LoadError> {
        Ok(self.with(|states| states.get(key.as_ref()).cloned()))
    }

    async fn save(&self, state: State, _ttl: &Duration) -> Result<SessionKey, SaveError> {
        let key = generate_session_key();
        self.with(|states| states.insert(key.as_ref().to_owned(), state));
        Ok(key)
    }

    async fn update(&self, key: SessionKey, state: State, _ttl: &Duration) -> Result<SessionKey, UpdateError> {
        self.with(|states| match states.get_mut(key.as_ref()) {
            Some(kept) => *kept = state,
            None => drop(states.insert(key.as_ref().to_owned(), state)),
        });
        Ok(key)
    }

    async fn update_ttl(&self, _key: &SessionKey, _ttl: &Duration) -> anyhow::Result<()> {
        Ok(())
    }

    async fn delete(&self, key: &SessionKey) -> anyhow::Result<()> {
        self.with(|states| states.remove(key.as_ref()));
        Ok(())
    }
}
