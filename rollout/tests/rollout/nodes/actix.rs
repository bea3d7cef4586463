//! Nodes on Actix Web: actix-session 0.11 itself, and cloakroom.

use std::{future::ready, sync::mpsc, thread, time::Duration};

use actix_session::{
    SessionExt as _,
    config::{CookieContentSecurity, PersistentSession},
    storage::{CookieSessionStore, RedisSessionStore, SessionStore},
};
use actix_web::{
    App, HttpRequest, HttpResponse, HttpServer,
    cookie::Key,
    dev::{Server, ServerHandle},
    web,
};
use cloakroom::{SessionLayer, actix_web as drop_in};
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    app::{self, USER, text},
    browser::Manner,
    node::{KEPT, Node},
};

/// The settings of an application on actix-session.
#[derive(Clone, Copy, Default)]
pub struct Settings {
    pub is_signed: bool,
    pub is_in_cookie: bool,
    pub prefix: &'static str,
}

/// Binds a server with one worker, and returns its port, too. The type of an application has too many parts for a function.
macro_rules! bind {
    ($factory:expr) => {
        HttpServer::new($factory)
            .workers(1)
            // A client may keep a connection that it has opened and does not need yet.
            .client_request_timeout(Duration::ZERO)
            .keep_alive(Duration::from_mins(10))
            .bind("127.0.0.1:0")
            .map(|server| (server.addrs()[0].port(), server.run()))
            .unwrap()
    };
}

impl Settings {
    pub fn manner(self) -> Manner {
        if self.is_in_cookie { Manner::InCookie } else { Manner::Lively }
    }
}

/// Starts a node on actix-session.
pub fn old(name: &str, redis: &str, key: &[u8], settings: Settings) -> Node {
    let (redis, key) = (redis.to_owned(), Key::from(key));
    serve(name, async move || {
        if settings.is_in_cookie {
            return bound(CookieSessionStore::default, key, settings);
        }
        let store = RedisSessionStore::builder(redis).cache_keygen(move |key| format!("{}{key}", settings.prefix));
        let store = store.build().await.unwrap();
        bound(move || store.clone(), key, settings)
    })
}

fn bound<S: SessionStore + 'static>(
    store: impl Fn() -> S + Send + Clone + 'static,
    key: Key,
    settings: Settings,
) -> (u16, Server) {
    bind!(move || {
        let security = if settings.is_signed { CookieContentSecurity::Signed } else { CookieContentSecurity::Private };
        let lifecycle = PersistentSession::default().session_ttl(KEPT.try_into().unwrap());
        let sessions = actix_session::SessionMiddleware::builder(store(), key.clone())
            .cookie_content_security(security)
            .session_lifecycle(lifecycle)
            .cookie_secure(false)
            .build();
        App::new().wrap(sessions).route(
            "/",
            web::post().to(async |request: HttpRequest, body: String| {
                let session = request.get_session();
                response(app::run(&session, &body).await)
            }),
        )
    })
}

/// Starts a node on cloakroom.
pub fn new(name: &str, layer: SessionLayer) -> Node {
    new_with(name, cloakroom::actix_web::SessionMiddleware::from(layer))
}

/// Starts a node on cloakroom's drop-in, which the old application's options configure.
pub fn drop_in(
    name: &str,
    store: impl drop_in::storage::SessionStore + 'static,
    key: &[u8],
    settings: Settings,
    options: impl FnOnce(SessionLayer) -> SessionLayer + 'static,
) -> Node {
    use drop_in::config::{CookieContentSecurity, PersistentSession};

    let security = if settings.is_signed { CookieContentSecurity::Signed } else { CookieContentSecurity::Private };
    let sessions = drop_in::SessionMiddleware::builder(store, Key::from(key))
        .cookie_content_security(security)
        .session_lifecycle(PersistentSession::default().session_ttl(KEPT.try_into().unwrap()))
        .cookie_secure(false)
        .layer(|layer| options(layer.owner_key(USER)))
        .build();
    new_with(name, sessions)
}

fn new_with<S: 'static>(name: &str, sessions: drop_in::SessionMiddleware<S>) -> Node {
    serve(name, async move || {
        bind!(move || {
            App::new().wrap(sessions.clone()).route(
                "/",
                web::post()
                    .to(async |session: cloakroom::Session, body: String| response(app::run(&session, &body).await)),
            )
        })
    })
}

fn response(outcome: Result<String, String>) -> HttpResponse {
    match outcome {
        Ok(body) => HttpResponse::Ok().body(body),
        Err(error) => HttpResponse::InternalServerError().body(error),
    }
}

fn serve(name: &str, start: impl AsyncFnOnce() -> (u16, Server) + Send + 'static) -> Node {
    let (sender, receiver) = mpsc::channel::<(u16, ServerHandle)>();
    thread::spawn(move || {
        actix_web::rt::System::new().block_on(async {
            let (port, server) = start().await;
            sender.send((port, server.handle())).unwrap();
            server.await.unwrap();
        });
    });
    let (port, handle) = receiver.recv().unwrap();
    // The message is sent before the future is polled.
    Node::new(name, port, move || drop(handle.stop(false)))
}

/// Its methods are not asynchronous, and it cannot be sent to another thread.
impl app::Session for actix_session::Session {
    fn get<T: DeserializeOwned + Send>(&self, key: &str) -> impl Future<Output = Result<Option<T>, String>> + Send {
        ready(self.get(key).map_err(text))
    }

    fn insert<T: Serialize + Send + Sync>(
        &self,
        key: &str,
        value: T,
    ) -> impl Future<Output = Result<(), String>> + Send {
        ready(self.insert(key, value).map_err(text))
    }

    fn remove(&self, key: &str) -> impl Future<Output = Result<(), String>> + Send {
        self.remove(key);
        ready(Ok(()))
    }

    fn renew(&self) -> impl Future<Output = Result<(), String>> + Send {
        self.renew();
        ready(Ok(()))
    }

    fn purge(&self) -> impl Future<Output = Result<(), String>> + Send {
        self.purge();
        ready(Ok(()))
    }
}
