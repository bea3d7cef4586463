//! Cookies that live until the idle limit, and the requests that push it out.

use std::time::Duration;

use cloakroom::{
    Lifetime, LifetimeBuilder, MemoryStore, SessionLayer,
    testing::{FaultStore, TestClock, Verb},
};

use crate::support::{App, Browser, Page, Sent, drivers::tower::app, soon};

const MINUTE: Duration = Duration::from_secs(60);

fn house(lifetime: LifetimeBuilder) -> (App, FaultStore<MemoryStore>, TestClock) {
    let (store, clock) = (FaultStore::new(MemoryStore::new()), TestClock::new());
    let lifetime = lifetime.build().expect("limits in order");
    (app(SessionLayer::new(store.clone()).clock(clock.clone()).lifetime(lifetime)), store, clock)
}

/// Returns limits of an hour without use, and of a day.
fn limits() -> LifetimeBuilder {
    Lifetime::builder().idle(60 * MINUTE).absolute(24 * 60 * MINUTE).persistent_while_used()
}

fn max_age(page: &Page) -> Option<u64> {
    let line = *page.cookies().first()?;
    line.split("; Max-Age=").nth(1).map(|seconds| seconds.parse().expect("seconds"))
}

#[tokio::test]
async fn the_cookie_is_sent_again_when_the_deadline_moves_and_only_then() {
    let (app, store, clock) = house(limits().extend_on_use(0.5));
    let browser = Browser::new();
    assert_eq!(max_age(&browser.get(&app, "/app/insert:user:7").await), Some(3600));
    for _ in 0..3 {
        clock.advance(29 * MINUTE);
        store.take_calls();
        assert_eq!(browser.get(&app, "/app/get:user").await.sent(), Sent::Nothing, "more than half is left");
        assert_eq!(store.take_calls(), ["load"]);
        clock.advance(2 * MINUTE);
        let page = browser.get(&app, "/app/get:user").await;
        assert_eq!((page.sent(), max_age(&page)), (Sent::Token, Some(3600)));
        assert_eq!(store.take_calls(), ["load", "replace"]);
    }
    let page = browser.get(&app, "/app/insert:user:8").await;
    assert_eq!(max_age(&page), Some(3600), "a change moves it, too");
    clock.advance(60 * MINUTE);
    assert_eq!(browser.get(&app, "/app/get:user").await.body, "none");
}

#[tokio::test]
async fn the_cookie_ends_with_the_absolute_limit_and_is_not_sent_again_for_nothing() {
    let (app, _, clock) = house(limits().absolute(90 * MINUTE).extend_on_use(1.0));
    let browser = Browser::new();
    browser.get(&app, "/app/insert:user:7").await;
    clock.advance(50 * MINUTE);
    let page = browser.get(&app, "/app/get:user").await;
    assert_eq!((page.sent(), max_age(&page)), (Sent::Token, Some(40 * 60)));
    clock.advance(10 * MINUTE);
    assert_eq!(browser.get(&app, "/app/get:user").await.sent(), Sent::Nothing, "there is nothing to push out");
}

/// The token of this request is the old one. It must not replace the one that another request made meanwhile.
#[tokio::test]
async fn a_request_that_another_ones_renewal_overtakes_sends_no_cookie() {
    for slow in ["/app/get:user", "/app/insert:other:1", "/app/count:n"] {
        let (app, store, clock) = house(limits().extend_on_use(1.0));
        let browser = Browser::new();
        browser.get(&app, "/app/insert:user:7").await;
        clock.advance(30 * MINUTE);
        // The request has loaded, and waits before its write.
        let gate = store.next(Verb::Replace).waits();
        let before = browser.copied();
        let held = before.peek(&app, slow);
        let login = async {
            gate.reached().await;
            let page = browser.get(&app, "/app/renew").await;
            assert_eq!((page.sent(), max_age(&page)), (Sent::Token, Some(3600)));
            gate.open();
        };
        let (late, ()) = soon(async { tokio::join!(held, login) }).await;
        assert_eq!((late.status.as_u16(), late.sent()), (200, Sent::Nothing), "{slow}");
        // The browser holds the newer token, whichever response came last, and no write is lost.
        browser.keep(&late);
        assert_eq!(
            browser.get(&app, "/app/get:user/get:other/get:n").await.body.split(' ').next(),
            Some("7"),
            "{slow}"
        );
        let other = browser.get(&app, "/app/get:other/get:n").await.body;
        let expected = match slow {
            "/app/insert:other:1" => "1 none",
            "/app/count:n" => "none 1",
            _ => "none none",
        };
        assert_eq!(other, expected, "{slow}");
    }
}

/// The response reports the effect of a save when its head is sent: another request may renew until then.
#[tokio::test]
async fn a_save_in_the_middle_puts_no_token_over_a_newer_one() {
    for (slow, writes) in [("/app/insert:step:1/save", "1"), ("/app/insert:step:1/save/insert:step:2", "2")] {
        let (app, store, _) = house(limits());
        let browser = Browser::new();
        browser.get(&app, "/app/insert:user:7").await;
        // The save is done, and the commit waits before its write.
        let gate = store.nth(Verb::Replace, 2).waits();
        let before = browser.copied();
        let held = before.peek(&app, slow);
        let login = async {
            gate.reached().await;
            assert_eq!(browser.get(&app, "/app/renew").await.sent(), Sent::Token);
            gate.open();
        };
        let (late, ()) = soon(async { tokio::join!(held, login) }).await;
        assert_eq!((late.status.as_u16(), late.sent()), (200, Sent::Nothing), "{slow}");
        browser.keep(&late);
        assert_eq!(browser.get(&app, "/app/get:user/get:step").await.body, format!("7 {writes}"), "{slow}");
    }
    let (app, _, _) = house(limits());
    let browser = Browser::new();
    browser.get(&app, "/app/insert:user:7").await;
    let page = browser.get(&app, "/app/insert:step:1/save").await;
    assert_eq!((page.sent(), max_age(&page)), (Sent::Token, Some(3600)), "nobody came between");
}

#[tokio::test]
async fn what_ends_meanwhile_is_not_sent_again() {
    let (app, store, clock) = house(limits().extend_on_use(1.0));
    let browser = Browser::new();
    browser.get(&app, "/app/insert:user:7").await;
    clock.advance(30 * MINUTE);
    let gate = store.next(Verb::Replace).waits();
    let before = browser.copied();
    let held = before.peek(&app, "/app/get:user");
    let logout = async {
        gate.reached().await;
        assert_eq!(browser.get(&app, "/app/purge").await.sent(), Sent::Removal);
        gate.open();
    };
    let (late, ()) = soon(async { tokio::join!(held, logout) }).await;
    assert_eq!((late.status.as_u16(), late.sent()), (200, Sent::Nothing));
}

#[tokio::test]
async fn every_write_extends_be_it_of_what_is_there_and_no_read_does() {
    let lifetime = || Lifetime::builder().idle(60 * MINUTE).insecure_no_absolute();
    for write in ["insert:user:7", "remove:absent", "insert:user:8/insert:user:7", "clear/insert:user:7", "renew"] {
        let (app, _, clock) = house(lifetime().extend_on_write());
        let browser = Browser::new();
        browser.get(&app, "/app/insert:user:7").await;
        for _ in 0..3 {
            clock.advance(40 * MINUTE);
            let page = browser.get(&app, &format!("/app/{write}")).await;
            assert_eq!(page.sent() == Sent::Token, write == "renew", "a browser-session cookie stays: {write}");
        }
        clock.advance(40 * MINUTE);
        assert_eq!(browser.get(&app, "/app/get:user").await.body, "7", "{write}");
        clock.advance(20 * MINUTE);
        assert_eq!(browser.get(&app, "/app/get:user").await.body, "none", "reading does not extend: {write}");
    }
    // Uses that `extend_on_change` does not count.
    let (app, store, clock) = house(lifetime().extend_on_change());
    let browser = Browser::new();
    browser.get(&app, "/app/insert:user:7").await;
    clock.advance(40 * MINUTE);
    store.take_calls();
    browser.get(&app, "/app/insert:user:7/remove:absent").await;
    assert_eq!(store.take_calls(), ["load"]);
    clock.advance(20 * MINUTE);
    assert_eq!(browser.get(&app, "/app/get:user").await.body, "none");
}

/// An insert of an equal value extends the session without a write to its key, so another request's newer value stays.
/// If that request was faster, it has moved the deadline already, and its response has the cookie.
#[tokio::test]
async fn an_equal_insert_extends_and_writes_no_key() {
    let (app, store, clock) = house(limits().extend_on_write());
    let browser = Browser::new();
    browser.get(&app, "/app/insert:seat:1").await;
    clock.advance(30 * MINUTE);
    let gate = store.next(Verb::Replace).waits();
    let before = browser.copied();
    let held = before.peek(&app, "/app/insert:seat:1");
    let other = async {
        gate.reached().await;
        let page = browser.get(&app, "/app/insert:seat:2").await;
        gate.open();
        page
    };
    let (late, other) = soon(async { tokio::join!(held, other) }).await;
    assert_eq!((late.status.as_u16(), late.sent()), (200, Sent::Nothing));
    assert_eq!(max_age(&other), Some(3600));
    clock.advance(40 * MINUTE);
    assert_eq!(browser.get(&app, "/app/get:seat").await.body, "2");

    let page = browser.get(&app, "/app/insert:seat:2").await;
    assert_eq!(max_age(&page), Some(3600), "no other request came between");
    clock.advance(40 * MINUTE);
    assert_eq!(browser.get(&app, "/app/get:seat").await.body, "2");
}
