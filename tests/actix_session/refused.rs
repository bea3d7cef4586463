//! The builder refuses options that browsers would drop, and options that make no sense.

use std::panic::{AssertUnwindSafe, catch_unwind};

use actix_web::cookie::{SameSite, time::Duration};
use cloakroom::{
    CookieError, LifetimeError, MemoryStore,
    actix_web::{
        config::{BrowserSession, PersistentSession, SessionMiddlewareBuilder},
        storage::RedisActorSessionStore,
    },
};

use crate::house::builder;

type Builder = SessionMiddlewareBuilder<MemoryStore>;
type Set = fn(Builder) -> Builder;

/// Returns the text of the panic.
fn panic_of(make: impl FnOnce()) -> String {
    let cause = catch_unwind(AssertUnwindSafe(make)).expect_err("it is refused");
    cause.downcast_ref::<String>().expect("a text").clone()
}

/// Row: refused cookies.
#[test]
fn cookies_that_browsers_drop() {
    let table: [(Set, CookieError); 9] = [
        (|builder| builder.cookie_same_site(SameSite::None).cookie_secure(false), CookieError::NeedsSecure),
        (|builder| builder.cookie_name("__Secure-id".into()).cookie_secure(false), CookieError::NeedsSecure),
        (|builder| builder.cookie_name("__Host-id".into()).cookie_secure(false), CookieError::HostPrefix),
        (|builder| builder.cookie_name("__Host-id".into()).cookie_path("/shop".into()), CookieError::HostPrefix),
        (
            |builder| builder.cookie_name("__Host-id".into()).cookie_domain(Some("example.com".into())),
            CookieError::HostPrefix,
        ),
        (|builder| builder.cookie_name("my id".into()), CookieError::Name),
        (|builder| builder.cookie_name(String::new()), CookieError::Name),
        (|builder| builder.cookie_path("shop".into()), CookieError::Path),
        (|builder| builder.cookie_domain(Some("https://example.com".into())), CookieError::DomainScheme),
    ];
    for (option, error) in table {
        assert_eq!(panic_of(|| drop(option(builder(MemoryStore::new())).build())), error.to_string());
    }
}

#[test]
fn lifetimes_that_are_none() {
    for ttl in [Duration::ZERO, Duration::seconds(-1)] {
        let browser = BrowserSession::default().state_ttl(ttl);
        let persistent = PersistentSession::default().session_ttl(ttl);
        let lives = [browser.into(), cloakroom::actix_web::config::SessionLifecycle::from(persistent)];
        for life in lives {
            let text = panic_of(|| drop(builder(MemoryStore::new()).session_lifecycle(life).build()));
            assert_eq!(text, LifetimeError::NoTime.to_string());
        }
    }
}

#[test]
fn an_actors_url_that_cannot_be_read() {
    let text = panic_of(|| drop(RedisActorSessionStore::new("http://localhost")));
    assert!(text.starts_with("the address of Redis cannot be used"), "{text}");
}
