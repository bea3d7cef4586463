//! Calls whose outcome is unknown: a reply is lost, or a call arrives late or twice.

use cloakroom::{
    MemoryStore, SessionLayer,
    testing::{FaultStore, TestClock, Verb},
};

use crate::{
    app,
    session::escaped,
    support::{Browser, Sent, drivers::tower::app as tower, soon},
};

type Store = FaultStore<MemoryStore>;

fn house() -> (SessionLayer, Store) {
    let store = FaultStore::new(MemoryStore::new());
    (SessionLayer::new(store.clone()).clock(TestClock::new()), store)
}

/// The operations are never applied again. Ending the session still works.
#[tokio::test]
async fn a_later_save_is_the_same_error_and_applies_nothing_again() {
    let (layer, store) = house();
    let app = tower(layer.clone());
    let browser = Browser::new();
    browser.get(&app, "/app/insert:n:1").await;
    let (session, _) = escaped(&layer, &browser.header(), |_| ()).await;
    session.update("n", |n: u32| n + 1).expect("a number");
    store.every(Verb::Replace).loses_its_reply();
    let error = session.save().await.expect_err("no reply came");
    assert!(error.is_store());
    store.heal();
    store.take_calls();
    for _ in 0..2 {
        session.insert("a", 1).expect("JSON");
        let again = session.save().await.expect_err("its outcome is still unknown");
        assert!(again.is_store());
        assert_eq!(again.to_string(), error.to_string());
    }
    assert!(store.take_calls().is_empty());
    assert_eq!(browser.get(&app, "/app/get:n/get:a").await.body, "2 none", "it counts once");
    session.purge();
    session.save().await.expect("a purge needs to know nothing");
    assert!(store.inner().is_empty());
}

/// Ten writes come between, which is more than a record's trail holds. The credentials show that the renewal was done.
#[tokio::test]
async fn a_renewal_whose_reply_was_lost_is_told_by_its_secret_after_many_writes() {
    for renewal in ["/app/renew/insert:a:1", "/app/login:alice/insert:a:1", "/app/owner:alice/insert:a:1"] {
        let (layer, store) = house();
        let app = tower(layer);
        let browser = Browser::new();
        browser.get(&app, "/app/insert:n:0").await;
        let siblings: Vec<_> = (0..10).map(|_| browser.copied()).collect();
        store.next(Verb::Replace).loses_its_reply();
        let gate = store.nth(Verb::Replace, 2).waits();
        let write = async {
            gate.reached().await;
            for sibling in &siblings {
                let page = sibling.get(&app, "/app/get:n").await;
                assert_eq!(page.body, "none", "superseded opens nothing");
            }
            gate.open();
        };
        let (page, ()) = soon(async { tokio::join!(browser.get(&app, renewal), write) }).await;
        assert_eq!((page.status.as_u16(), page.sent()), (200, Sent::Token), "{renewal}");
        assert_eq!(browser.get(&app, "/app/get:a/get:n").await.body, "1 0", "{renewal}");
        assert_eq!(store.inner().len(), 1, "{renewal}");
    }
}

/// Requests that loaded before the renewal write after it, and before it is sent again.
#[tokio::test]
async fn a_renewal_whose_reply_was_lost_is_kept_under_the_writes_of_siblings() {
    for siblings in [1, 3, 10] {
        let (layer, store) = house();
        let app = tower(layer);
        let browser = Browser::new();
        browser.get(&app, "/app/insert:n:0").await;
        let loads = store.every(Verb::Load).times(siblings).answers_late();
        let held: Vec<_> = (0..siblings)
            .map(|_| {
                let (browser, app) = (browser.copied(), &app);
                Box::pin(async move { browser.peek(app, "/app/count:n").await })
                    as std::pin::Pin<Box<dyn Future<Output = crate::support::Page>>>
            })
            .collect();
        let script = async {
            for _ in 0..siblings {
                loads.reached().await;
            }
            store.next(Verb::Replace).loses_its_reply();
            let gate = store.nth(Verb::Replace, 2).waits();
            let renewal = browser.get(&app, "/app/renew/insert:a:1");
            let go = async {
                gate.reached().await;
                loads.open();
                // The gate stays closed until another request has written.
                while !store
                    .calls()
                    .iter()
                    .skip_while(|call| **call != Verb::Replace)
                    .nth(2)
                    .is_some_and(|call| *call == Verb::Replace)
                {
                    tokio::task::yield_now().await;
                }
                gate.open();
            };
            tokio::join!(renewal, go).0
        };
        let (pages, renewed) = soon(async { tokio::join!(crate::support::all(held), script) }).await;
        assert_eq!((renewed.status.as_u16(), renewed.sent()), (200, Sent::Token), "{siblings}");
        for page in pages {
            assert_eq!((page.status.as_u16(), page.sent()), (200, Sent::Nothing), "{siblings}");
        }
        assert_eq!(browser.get(&app, "/app/get:a").await.body, "1", "{siblings}");
    }
}

/// The session that a login began is revoked before the login finds out that it was stored.
#[tokio::test]
async fn a_login_that_is_revoked_before_it_is_found_out_is_in_its_owners_list() {
    let (layer, store) = house();
    let owners = layer.owners().expect("an index");
    let app = tower(layer);
    let browser = Browser::new();
    store.next(Verb::Create).loses_its_reply();
    let gate = store.next(Verb::Load).waits();
    let revoke = async {
        gate.reached().await;
        assert_eq!(owners.revoke_all("alice").await.expect("memory"), 1);
        gate.open();
    };
    let (page, ()) = soon(async { tokio::join!(browser.get(&app, "/app/login:alice"), revoke) }).await;
    assert_eq!((page.status.as_u16(), page.sent()), (200, Sent::Token), "a login is never lost");
    assert_eq!(owners.list("alice").await.expect("memory").len(), 1);
    assert_eq!(store.inner().len(), 1, "and no session that is in no list");
    assert_eq!(owners.revoke_all("alice").await.expect("memory"), 1);
    assert_eq!(browser.get(&app, "/app/whose/presented").await.body, "nobody false");
}

/// A packet that takes effect after its sender gave up, or a second time, changes nothing that was answered.
#[tokio::test]
async fn calls_that_arrive_late_or_twice_undo_nothing() {
    let (layer, store) = house();
    let app = tower(layer);
    let browser = Browser::new();
    browser.get(&app, "/app/insert:n:0").await;
    for (verb, is_twice, path) in [
        (Verb::Replace, false, "/app/increment:n"),
        (Verb::Replace, true, "/app/increment:n"),
        (Verb::Replace, false, "/app/renew/increment:n"),
        (Verb::Replace, true, "/app/renew/increment:n"),
    ] {
        let before: u32 = browser.get(&app, "/app/get:n").await.body.parse().expect("a number");
        let rule = store.next(verb);
        let late = if is_twice { rule.arrives_twice() } else { rule.arrives_late() };
        let page = browser.get(&app, path).await;
        assert_eq!(page.status, 200, "{path}");
        let own = page.sent();
        late.arrives().await;
        assert_eq!(browser.get(&app, "/app/get:n").await.body, (before + 1).to_string(), "{path}, {own:?}");
        browser.get(&app, "/app/insert:other:1").await;
    }
    let late = store.next(Verb::Replace).arrives_twice();
    browser.get(&app, "/app/increment:n").await;
    let stolen = browser.copied();
    browser.get(&app, "/app/purge").await;
    late.arrives().await;
    assert!(store.inner().is_empty(), "a deleted session stays deleted");
    assert_eq!(stolen.get(&app, "/app/get:n").await.body, "none");
}

/// The log of such a failure has no value and no secret.
#[tokio::test]
async fn the_error_of_an_unknown_outcome_is_logged_without_values() {
    let log = crate::support::log::Log::capture();
    let (layer, store) = house();
    let mut browser = app::Browser::default();
    browser.visit(&layer, async |session| session.insert("n", 1).unwrap()).await;
    store.every(Verb::Replace).loses_its_reply();
    let response = browser.send(&layer, async |session| session.insert("password", "hunter2").unwrap()).await;
    assert_eq!(response.status(), 503);
    let log = log.text();
    assert!(log.contains("session store failed"), "{log}");
    assert!(!log.contains("hunter2"), "{log}");
}
