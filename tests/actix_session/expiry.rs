//! The ends of sessions and of their cookies.

use std::time::Duration;

use actix_web::cookie::time;
use cloakroom::{
    actix_web::{
        config::{BrowserSession, CookieContentSecurity, PersistentSession, SessionLifecycle, TtlExtensionPolicy},
        storage::SessionStore,
    },
    testing::TestClock,
};

use crate::{
    house::{Site, builder, clock, is_server_side, max_age},
    stores::over_every_store,
    support::{Browser, Sent},
};

const MINUTE: Duration = Duration::from_secs(60);
const LESS_THAN_A_DAY: Duration = Duration::from_secs(24 * 60 * 60 - 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

fn site<S: SessionStore + 'static>(
    store: S,
    content: CookieContentSecurity,
    life: impl Into<SessionLifecycle>,
) -> (Site, TestClock) {
    let time = TestClock::new();
    let middleware = builder(store).cookie_content_security(content).session_lifecycle(life).layer(clock(&time));
    (Site::new(middleware.build()), time)
}

fn hour() -> PersistentSession {
    PersistentSession::default().session_ttl(time::Duration::hours(1))
}

async fn writes_extend_and_send_the_cookie_again<S: SessionStore + 'static>(store: S, content: CookieContentSecurity) {
    let (site, clock) = site(store, content, hour());
    let browser = Browser::new();
    assert_eq!(max_age(&site.get(&browser, "/app/insert:n:100").await), Some(3600));
    // Writes that change nothing count, too: the same value, the removal of a missing key, a renewal.
    for write in
        ["/app/insert:n:5", "/app/insert:n:5", "/app/remove:absent", "/app/insert:n:7/insert:n:5", "/app/renew"]
    {
        clock.advance(40 * MINUTE);
        for reader in ["/plain", "/app/get:n"] {
            assert_eq!(site.get(&browser, reader).await.sent(), Sent::Nothing, "{reader}");
        }
        let page = site.get(&browser, write).await;
        assert_eq!((page.sent(), max_age(&page)), (Sent::Token, Some(3600)), "{write}");
    }
    clock.advance(59 * MINUTE);
    assert_eq!(site.get(&browser, "/app/get:n").await.body, "5");
    clock.advance(MINUTE);
    assert_eq!(site.get(&browser, "/app/get:n").await.body, "none", "reading did not extend");
}
over_every_store!(writes_extend_and_send_the_cookie_again);

async fn every_request_extends_where_it_is_told_to<S: SessionStore + 'static>(
    store: S,
    content: CookieContentSecurity,
) {
    let (site, clock) = site(store, content, hour().session_ttl_extension_policy(TtlExtensionPolicy::OnEveryRequest));
    let browser = Browser::new();
    assert_eq!(max_age(&site.get(&browser, "/app/insert:n:100").await), Some(3600));
    for path in ["/plain", "/app/get:n", "/plain", "/app/insert:n:100"] {
        // At once, and later.
        for pause in [Duration::ZERO, 40 * MINUTE] {
            clock.advance(pause);
            let page = site.get(&browser, path).await;
            assert_eq!((page.sent(), max_age(&page)), (Sent::Token, Some(3600)), "{path}");
        }
    }
    clock.advance(60 * MINUTE);
    let page = site.get(&browser, "/app/get:n").await;
    assert_eq!((page.body.as_str(), page.sent()), ("none", Sent::Nothing));
    assert_eq!(site.get(&Browser::new(), "/plain").await.sent(), Sent::Nothing, "without a session there is no cookie");
}
over_every_store!(every_request_extends_where_it_is_told_to);

async fn by_default_a_day_without_a_change_ends_it<S: SessionStore + 'static>(
    store: S,
    content: CookieContentSecurity,
) {
    let time = TestClock::new();
    let site = Site::new(builder(store).cookie_content_security(content).layer(clock(&time)).build());
    let browser = Browser::new();
    let page = site.get(&browser, "/app/insert:n:5").await;
    assert_eq!((page.sent(), max_age(&page)), (Sent::Token, None), "the browser session");
    time.advance(LESS_THAN_A_DAY);
    assert_eq!(site.get(&browser, "/app/get:n").await.body, "5");
    time.advance(MINUTE);
    assert_eq!(site.get(&browser, "/app/get:n").await.body, "none");

    // There is no absolute limit: with a change a day, the session lives for months.
    site.get(&browser, "/app/count:n").await;
    for visits in 2..=90 {
        time.advance(LESS_THAN_A_DAY);
        assert_eq!(site.get(&browser, "/app/count:n/get:n").await.body, visits.to_string());
    }
}
over_every_store!(by_default_a_day_without_a_change_ends_it);

async fn a_browser_session_lives_as_long_as_it_is_told<S: SessionStore + 'static>(
    store: S,
    content: CookieContentSecurity,
) {
    let life = BrowserSession::default()
        .state_ttl(time::Duration::hours(1))
        .state_ttl_extension_policy(TtlExtensionPolicy::OnEveryRequest);
    let (site, clock) = site(store, content, life);
    let browser = Browser::new();
    site.get(&browser, "/app/insert:n:5").await;
    for _ in 0..3 {
        clock.advance(59 * MINUTE);
        let page = site.get(&browser, "/plain").await;
        // A session in the cookie has its deadline in it.
        let expected = if is_server_side::<S>() { Sent::Nothing } else { Sent::Token };
        assert_eq!((page.sent(), max_age(&page)), (expected, None));
    }
    assert_eq!(site.get(&browser, "/app/get:n").await.body, "5");
    clock.advance(60 * MINUTE);
    assert_eq!(site.get(&browser, "/app/get:n").await.body, "none");
}
over_every_store!(a_browser_session_lives_as_long_as_it_is_told);

#[test]
fn the_defaults_of_the_parts() {
    assert!(matches!(SessionLifecycle::default(), SessionLifecycle::BrowserSession(_)));
    assert_eq!(TtlExtensionPolicy::default(), TtlExtensionPolicy::OnStateChanges);
    assert_eq!(CookieContentSecurity::default(), CookieContentSecurity::Private);
}

/// A persistent session lives a day, too, by default.
#[actix_web::test]
async fn a_persistent_session_lives_a_day_by_default() {
    let (site, _) = site(cloakroom::MemoryStore::new(), CookieContentSecurity::default(), PersistentSession::default());
    let page = site.get(&Browser::new(), "/app/insert:n:5").await;
    assert_eq!(max_age(&page), Some(DAY.as_secs()));
}
