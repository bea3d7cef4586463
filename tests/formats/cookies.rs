//! Sessions of actix-session in the cookie itself.

use std::time::{Duration, SystemTime};

use cloakroom::{Clock as _, SessionLayer, formats::ActixSession};

use crate::{
    nodes::{HOUR, Nodes, jar_key},
    support::{
        App, Browser,
        Sent::{Nothing, Removal, Token},
        drivers::tower,
    },
};

/// The published crate made these, with the key 0, 1, .. 63 and the name `id`.
const LEGACY: &str = "Ew4JTCgtb1Z+u2e1Faumn5U2%2FhQY76ZW5iD4KpvFoKU%3D%7B%22counter%22%3A%221%22%2C%22user%22%3A%22%5C%22bob%5C%22%22%7D";
const VERSIONED: &str = "0lAe6H67CgflT6ociew4SVYZo7KQo4se3HfRKd6iwL8%3D%7B%22v%22%3A1%2C%22state%22%3A%7B%22counter%22%3A1%2C%22user%22%3A%22bob%22%7D%7D";

fn sessions(until: SystemTime) -> ActixSession {
    ActixSession::in_cookie(&jar_key(), until).unwrap()
}

fn apps(nodes: &Nodes) -> (App, App, App) {
    let until = nodes.clock.now() + 48 * HOUR;
    let theirs = || sessions(until);
    let key = &nodes.key;
    (
        tower::app(nodes.formed(SessionLayer::foreign(theirs()))),
        tower::app(nodes.formed(SessionLayer::new(nodes.ours.clone())).also(theirs()).moving(key)),
        tower::app(nodes.formed(SessionLayer::foreign(theirs())).also(nodes.ours.clone()).moving(key)),
    )
}

#[tokio::test]
async fn a_cookie_of_the_published_crate_opens_until_the_day_that_is_given() {
    let nodes = Nodes::actix();
    let until = nodes.clock.now() + HOUR;
    let app = tower::app(nodes.formed(SessionLayer::foreign(sessions(until).signed())));
    for value in [LEGACY, VERSIONED] {
        let browser = Browser::new();
        browser.set("id", value);
        let page = browser.peek(&app, "/app/get:counter/whose").await;
        assert_eq!((page.body.as_str(), page.sent()), ("1 bob", Nothing));
        let page = browser.get(&app, "/app/insert:counter:2").await;
        assert_eq!(page.sent(), Token);
        assert_eq!(browser.get(&app, "/app/get:counter/whose").await.body, "2 bob");
    }
    nodes.clock.advance(Duration::from_secs(3599));
    let browser = Browser::new();
    browser.set("id", LEGACY);
    assert_eq!(browser.peek(&app, "/app/whose").await.body, "bob");
    nodes.clock.advance(Duration::from_secs(1));
    assert_eq!(browser.peek(&app, "/app/whose").await.body, "nobody");
}

#[tokio::test]
async fn a_session_in_a_cookie_moves_into_our_store_and_back() {
    let nodes = Nodes::actix();
    let (theirs, moving, back) = apps(&nodes);
    let browser = Browser::new();
    browser.get(&theirs, "/app/insert:a:1/insert:user:ada/renew").await;
    let old = browser.copied();
    assert_eq!(browser.get(&moving, "/app/get:a").await.sent(), Nothing);
    assert_eq!(browser.get(&moving, "/app/insert:b:2").await.sent(), Token);
    assert_eq!(browser.get(&nodes.ours_app(), "/app/get:a/get:b/whose").await.body, "1 2 ada");
    assert_eq!(old.peek(&moving, "/app/get:b").await.body, "2", "a lost response");
    nodes.clock.advance(20 * HOUR);
    assert_eq!(browser.get(&nodes.ours_app(), "/app/whose").await.body, "ada");
    nodes.clock.advance(20 * HOUR);
    assert_eq!(browser.get(&nodes.ours_app(), "/app/whose").await.body, "ada", "it has our own deadlines now");
    assert_eq!(browser.get(&back, "/app/insert:c:3").await.sent(), Token);
    assert_eq!(browser.get(&theirs, "/app/get:a/get:b/get:c/whose").await.body, "1 2 3 ada");
}

#[tokio::test]
async fn a_purge_ends_every_copy_of_a_cookie() {
    let nodes = Nodes::actix();
    let (theirs, moving, _) = apps(&nodes);
    for is_moved in [false, true] {
        let browser = Browser::new();
        browser.get(&theirs, "/app/insert:user:ada/renew").await;
        let old = browser.copied();
        if is_moved {
            browser.get(&moving, "/app/insert:b:2").await;
        }
        assert_eq!(browser.get(&moving, "/app/purge").await.sent(), Removal);
        nodes.clock.advance(HOUR);
        assert_eq!(old.peek(&moving, "/app/whose/insert:x:1").await.body, "nobody", "{is_moved}");
    }
}

#[tokio::test]
async fn a_purge_ends_every_spelling_of_a_cookie() {
    let nodes = Nodes::actix();
    let (theirs, moving, _) = apps(&nodes);
    let browser = Browser::new();
    browser.get(&theirs, "/app/insert:user:ada/renew").await;
    let value = browser.header().replacen("id=", "", 1);
    assert_eq!(browser.get(&moving, "/app/purge").await.sent(), Removal);
    let escaped = format!("%{:02x}{}", value.as_bytes()[0], &value[1..]);
    let plain = value.replace("%2F", "/").replace("%3D", "=");
    for spelling in [&value, &plain, &value.replace("%3D", "%3d"), &escaped, &format!("\"{value}\"")] {
        let old = Browser::new();
        old.set("id", spelling);
        assert_eq!(old.peek(&moving, "/app/whose").await.body, "nobody", "{spelling}");
    }
}

#[tokio::test]
async fn two_users_with_equal_cookies_do_not_end_in_one_session() {
    let nodes = Nodes::actix();
    let theirs = sessions(nodes.clock.now() + 48 * HOUR).signed();
    let app = tower::app(nodes.formed(SessionLayer::new(nodes.ours.clone())).also(theirs).moving(&nodes.key));
    let (one, other) = (Browser::new(), Browser::new());
    one.set("id", LEGACY);
    other.set("id", LEGACY);
    assert_eq!(one.get(&app, "/app/insert:a:1").await.sent(), Token);
    assert_eq!(other.get(&app, "/app/get:a/insert:b:2").await.body, "none");
    assert_eq!(one.get(&app, "/app/get:a/get:b/whose").await.body, "1 none bob");
    assert_eq!(other.get(&app, "/app/purge").await.sent(), Removal);
    assert_eq!(one.get(&app, "/app/get:a").await.body, "1");
}

#[tokio::test]
async fn a_session_that_moves_from_a_cookie_into_their_store_has_the_idle_limit_from_then_on() {
    for nodes in Nodes::both() {
        let theirs = || sessions(nodes.clock.now() + 500 * HOUR);
        let cookies = tower::app(nodes.formed(SessionLayer::foreign(theirs())));
        let app = tower::app(nodes.foreign().also(theirs()).moving(&nodes.key));
        let browser = Browser::new();
        browser.get(&cookies, "/app/insert:a:1").await;
        assert_eq!(browser.get(&app, "/app/insert:b:1").await.sent(), Token);
        nodes.clock.advance(20 * HOUR);
        assert_eq!(browser.get(&app, "/app/get:a").await.body, "1");
        nodes.clock.advance(24 * HOUR);
        assert_eq!(browser.get(&app, "/app/get:a").await.body, "none");
    }
}
