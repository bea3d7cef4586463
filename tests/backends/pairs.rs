//! Browsers over real HTTP, through all steps of a move between two kinds of stores.

use std::collections::BTreeMap;

use cloakroom::{CookieStore, MemoryStore, SessionLayer, keys::SecretKey, redis::RedisStore};

use crate::{
    redis_server::Server,
    support::{App, Browser, Page, all, drivers::hyper},
};

/// A kind of place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Memory,
    Redis,
    Cookie,
}

/// A place of sessions.
enum Place {
    Memory(MemoryStore),
    Redis(RedisStore),
    Cookie(SecretKey),
}

impl Place {
    async fn new(kind: Kind, server: &Server, prefix: &str) -> Self {
        match kind {
            Kind::Memory => Self::Memory(MemoryStore::new()),
            Kind::Redis => Self::Redis(RedisStore::builder(server.url()).prefix(prefix).connect().await.unwrap()),
            Kind::Cookie => Self::Cookie(SecretKey::generate()),
        }
    }

    fn layer(&self) -> SessionLayer {
        match self {
            Self::Memory(store) => SessionLayer::new(store.clone()),
            Self::Redis(store) => SessionLayer::new(store.clone()),
            Self::Cookie(key) => SessionLayer::cookie_store(CookieStore::new(key.clone())),
        }
    }

    fn beside(&self, layer: SessionLayer) -> SessionLayer {
        match self {
            Self::Memory(store) => layer.also(store.clone()),
            Self::Redis(store) => layer.also(store.clone()),
            Self::Cookie(key) => layer.also(CookieStore::new(key.clone())),
        }
    }
}

/// A user with a browser, and what the session must hold.
struct User {
    name: String,
    browser: Browser,
    /// `None` while logged out.
    keys: Option<BTreeMap<String, usize>>,
}

impl User {
    async fn check(&self, app: &App, context: &str) {
        let page = self.browser.get(app, "/app/whose/keys").await;
        let expected = match &self.keys {
            Some(keys) => format!("{} {}", self.name, keys.keys().cloned().collect::<Vec<_>>().join("+")),
            None => "nobody ".to_owned(),
        };
        assert_eq!(page.body.trim(), expected.trim(), "{context}");
    }

    /// Makes one of four operations.
    async fn act(&mut self, app: &App, n: usize, context: &str) {
        let path = match (&mut self.keys, n % 4) {
            (None, _) => {
                self.keys = Some(BTreeMap::new());
                format!("/app/login:{}", self.name)
            }
            (Some(_), 2) => "/app/renew".to_owned(),
            (Some(_), 3) if n.is_multiple_of(3) => {
                self.keys = None;
                "/app/purge".to_owned()
            }
            (Some(keys), _) => {
                keys.insert(format!("k{n:03}"), n);
                format!("/app/insert:k{n:03}:{n}")
            }
        };
        let page = self.browser.get(app, &path).await;
        assert!(page.status.is_success(), "{context} {path} {page:?}");
    }

    /// Writes from three requests side by side, which all present the same token.
    async fn act_in_parallel(&mut self, apps: [&App; 3], n: usize) {
        let paths: Vec<String> = (0..3).map(|at| format!("/app/insert:k{n:03}p{at}:{n}")).collect();
        let requests = paths.iter().zip(apps).map(|(path, app)| Box::pin(self.browser.peek(app, path)) as _);
        for (page, at) in all::<Page>(requests).await.iter().zip(0..) {
            assert!(page.status.is_success(), "{page:?}");
            self.browser.keep(page);
            self.keys.get_or_insert_default().insert(format!("k{n:03}p{at}"), n);
        }
    }
}

async fn through_all_steps(from: Kind, to: Kind, server: &Server) {
    let (old, new) = (Place::new(from, server, "old:").await, Place::new(to, server, "new:").await);
    let key = SecretKey::generate();
    let before = hyper::app(old.layer()).await;
    let first = hyper::app(new.beside(old.layer()).moved(&key)).await;
    let second = hyper::app(old.beside(new.layer()).moving(&key)).await;
    let third = hyper::app(new.layer().moved(&key)).await;
    let after = hyper::app(new.layer()).await;
    // Each step beside the one before it; and back once from the second step to the first.
    let steps = [
        [&before, &before],
        [&before, &first],
        [&first, &second],
        [&second, &second],
        [&first, &second],
        [&second, &second],
        [&second, &third],
        [&third, &after],
        [&after, &after],
    ];
    let users = (0..12).map(|n| User { name: format!("u{n}"), browser: Browser::new(), keys: None });
    let mut users: Vec<User> = users.collect();
    let overlaps = from != Kind::Cookie && to != Kind::Cookie;
    let mut n = 0;
    for (step, nodes) in steps.iter().enumerate() {
        for (at, user) in users.iter_mut().enumerate() {
            for turn in 0..4 {
                n += 1;
                let context = format!("{from:?} to {to:?}, step {step}, user {at}, turn {turn}");
                user.act(nodes[(at / 2 + turn) % 2], n + at * 5, &context).await;
                user.check(nodes[(at + turn + 1) % 2], &context).await;
            }
            if step == 2 && overlaps && user.keys.is_some() {
                user.act_in_parallel([nodes[0], nodes[1], nodes[1]], n).await;
            }
            // The wait for the idle limit: a session that is used moves.
            if step == 5 && user.keys.is_some() {
                user.act(nodes[0], 4 * n, "the last write before the old store is left").await;
            }
        }
    }
}

#[tokio::test]
async fn nobody_is_logged_out_or_in_who_did_not_ask() {
    let server = Server::launch();
    let pairs = [
        (Kind::Memory, Kind::Memory),
        (Kind::Memory, Kind::Redis),
        (Kind::Redis, Kind::Memory),
        (Kind::Redis, Kind::Redis),
        (Kind::Cookie, Kind::Redis),
        (Kind::Cookie, Kind::Memory),
        (Kind::Redis, Kind::Cookie),
        (Kind::Memory, Kind::Cookie),
    ];
    for (from, to) in pairs {
        through_all_steps(from, to, &server).await;
    }
}
