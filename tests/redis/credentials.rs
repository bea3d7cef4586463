//! Passwords that expire: the store gets the credentials of each new connection from a function.

use std::{
    error::Error,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use cloakroom::{
    SessionId,
    redis::{RedisCredentials, RedisStore, RedisStoreBuilder},
    store::SessionStore as _,
};
use tokio::time::Instant;

use crate::{
    log::Log,
    redis_support::{
        SECOND,
        app::App,
        server::{Server, admin, run},
        until,
    },
};

/// The password that an application has at present, and the number of calls of its source.
#[derive(Clone, Default)]
pub(crate) struct Vault {
    password: Arc<Mutex<Option<String>>>,
    asked: Arc<AtomicUsize>,
}

impl Vault {
    pub(crate) fn put(&self, password: &str) {
        *self.password.lock().unwrap() = Some(password.to_owned());
    }

    fn seal(&self) {
        *self.password.lock().unwrap() = None;
    }

    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }

    /// Gives the builder this vault, for `username` or the default user.
    pub(crate) fn of(&self, username: Option<&'static str>, builder: RedisStoreBuilder) -> RedisStoreBuilder {
        let this = self.clone();
        builder.credentials(move || {
            let this = this.clone();
            async move {
                this.asked.fetch_add(1, Ordering::Relaxed);
                tokio::task::yield_now().await;
                let password = this.password.lock().unwrap().clone().ok_or("the vault is sealed")?;
                Ok(match username {
                    Some(username) => RedisCredentials::new(username, password),
                    None => RedisCredentials::password(password),
                })
            }
        })
    }
}

/// Returns an error and its causes as one text.
fn chain(error: &(dyn Error + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |&error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

#[tokio::test]
async fn a_password_that_is_changed() {
    for (username, protocol) in
        [(None, ""), (Some("web"), ""), (None, "?protocol=resp2"), (Some("web"), "?protocol=resp2")]
    {
        let server = Server::start_with(&["--requirepass", "first"]).await;
        let mut admin = admin(&format!("redis://:first@{}", server.address())).await;
        let _: () = run(&mut admin, "ACL SETUSER web on >first ~* +@all").await;
        let url = format!("redis://{}{protocol}", server.address());

        let vault = Vault::default();
        vault.put("first");
        let asks = App::new(vault.of(username, RedisStore::builder(&url)).connect().await.unwrap());
        let mut fixed = RedisStore::builder(&url).password("first");
        if let Some(username) = username {
            fixed = fixed.username(username);
        }
        let fixed = App::new(fixed.connect().await.unwrap());
        let cookie = asks.new_session().await;
        assert_eq!(fixed.get("/count", Some(&cookie)).await.body, "2");
        assert_eq!(vault.asked(), 1, "once a connection");

        for (n, password) in [(3, "second"), (4, "third")] {
            vault.put(password);
            let _: () = match username {
                None => run(&mut admin, &format!("CONFIG SET requirepass {password}")).await,
                Some(name) => run(&mut admin, &format!("ACL SETUSER {name} resetpass >{password}")).await,
            };
            let _: i64 = run(&mut admin, "CLIENT KILL TYPE normal SKIPME yes").await;
            until("the session is back", SECOND, || async { asks.get("/read", Some(&cookie)).await.status == 200 })
                .await;
            assert_eq!(asks.get("/count", Some(&cookie)).await.body, n.to_string(), "{}", asks.last_failure());
            assert_eq!(fixed.get("/read", Some(&cookie)).await.status, 503);
            let failure = fixed.last_failure();
            let is_refused = ["WRONGPASS", "authentication failed"].iter().any(|word| failure.contains(word));
            assert!(is_refused, "{failure}");
        }
        assert_eq!(vault.asked(), 3);
    }
}

#[tokio::test]
async fn a_source_that_fails() {
    let server = Server::start_with(&["--requirepass", "first"]).await;
    let vault = Vault::default();
    let builder = vault.of(None, RedisStore::builder(server.url()));
    let error = builder.clone().connect().await.unwrap_err();
    assert!(error.is_unreachable() && format!("{error:?}").contains("the vault is sealed"), "{error:?}");

    let store = builder.lazy().unwrap();
    let error = store.load(&SessionId::random()).await.unwrap_err();
    assert!(error.is_not_done(), "{error:?}");
    let expected = "the session store failed: the source of the Redis credentials failed: the vault is sealed";
    assert_eq!(chain(&error), expected);
    let error = store.delete(&SessionId::random(), None).await.unwrap_err();
    assert!(error.is_not_done(), "nor was a write sent: {error:?}");

    let app = App::new(store);
    assert_eq!(app.get("/count", None).await.status, 503);
    vault.put("first");
    until("the source is asked again", SECOND, || async { app.get("/count", None).await.status == 200 }).await;
    // A connection that works needs no source.
    vault.seal();
    app.new_session().await;
}

#[tokio::test]
async fn a_source_that_hangs() {
    let server = Server::start_with(&["--requirepass", "first"]).await;
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let limit = SECOND / 4;
    let store = RedisStore::builder(server.url()).connection_timeout(limit).credentials(move || {
        let nth = count.fetch_add(1, Ordering::Relaxed);
        async move {
            if nth == 0 {
                std::future::pending::<()>().await;
            }
            Ok(RedisCredentials::password("first"))
        }
    });
    let store = store.lazy().unwrap();
    let started = Instant::now();
    let error = store.load(&SessionId::random()).await.unwrap_err();
    let took = started.elapsed();
    assert!((limit..2 * limit).contains(&took), "{took:?}");
    assert!(error.is_not_done(), "{error:?}");
    assert_eq!(chain(&error), "the session store failed: no Redis credentials from their source within 250ms");
    let app = App::new(store);
    until("the source is asked again", SECOND, || async { app.get("/count", None).await.status == 200 }).await;
    assert_eq!(asked.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn nothing_shows_the_password() {
    let log = Log::capture();
    let server = Server::start_with(&["--requirepass", "first"]).await;
    let vault = Vault::default();
    for password in ["s3cret-and-wrong", "first"] {
        vault.put(password);
        let builder = vault.of(None, RedisStore::builder(server.url()));
        log.show(&builder);
        log.show(RedisCredentials::new("web", password));
        let store = builder.lazy().unwrap();
        log.show(&store);
        let loaded = store.load(&SessionId::random()).await;
        assert_eq!(loaded.is_ok(), password == "first");
        log.show(&loaded);
        log.show(&store);
        assert!(!log.has(password), "{}", log.text());
    }
    assert!(log.has("WRONGPASS"), "{}", log.text());
}

#[test]
fn a_password_besides_is_refused() {
    let vault = Vault::default();
    vault.put("first");
    let url = "redis://h:1";
    let table = [
        (RedisStore::builder(url), true),
        (RedisStore::builder(url).database(3), true),
        (RedisStore::builder("redis://:s3cret@h:1"), false),
        (RedisStore::builder("redis://web@h:1"), false),
        (RedisStore::builder(url).password("s3cret"), false),
        (RedisStore::builder(url).username("web"), false),
        (RedisStore::cluster([url]), true),
        (RedisStore::cluster([url, "redis://:s3cret@h:2"]), false),
        (RedisStore::cluster([url]).password("s3cret"), false),
        (RedisStore::sentinel("house", ["redis://:the-sentinel-s@h:1"]), true),
        (RedisStore::sentinel("house", [url]).password("s3cret"), false),
    ];
    for (nth, (builder, is_accepted)) in table.into_iter().enumerate() {
        match vault.of(None, builder).lazy() {
            Ok(_) => assert!(is_accepted, "{nth}"),
            Err(error) => {
                assert!(!is_accepted && error.is_misconfigured() && !error.is_unreachable(), "{nth}");
                let text = format!("{error:?}");
                assert!(text.contains("credentials") && !text.contains("s3cret"), "{nth}: {text}");
            }
        }
    }
    assert_eq!(vault.asked(), 0);
}
