//! Renewals, which make a new key.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use cloakroom::{
    Event,
    formats::{ByteStore as _, Stored},
};
use http::StatusCode;

use crate::{
    nodes::{HOUR, Nodes},
    support::{
        Browser, Page,
        Sent::{Nothing, Removal, Token},
        drivers::tower,
    },
};

#[tokio::test]
async fn a_login_makes_a_new_key_and_the_old_one_opens_nothing() {
    for nodes in Nodes::both() {
        let (app, browser) = (nodes.theirs_app(), Browser::new());
        browser.get(&app, "/app/insert:cart:7").await;
        let (old, id) = (browser.copied(), browser.get(&app, "/app/id").await.body);
        assert_eq!(browser.get(&app, "/app/insert:user:ada/renew").await.sent(), Token);
        assert_eq!(browser.get(&app, "/app/get:cart/whose").await.body, "7 ada");
        assert_ne!(browser.get(&app, "/app/id").await.body, id);
        for path in ["/app/whose", "/app/insert:x:1/whose", "/app/count:n/whose", "/app/renew/whose"] {
            let page = old.peek(&app, path).await;
            assert_eq!((page.body.as_str(), page.sent()), ("nobody", Nothing), "{path}: no cookie is covered");
        }
        assert_eq!(browser.get(&app, "/app/keys").await.body, "cart+user");
        assert_eq!(nodes.theirs.inner.keys().len(), 2);
        nodes.clock.advance(Duration::from_secs(61));
        assert_eq!(nodes.theirs.inner.keys().len(), 1, "the marker is gone");
        assert_eq!(old.peek(&app, "/app/whose/insert:x:1").await.sent(), Token);
        // A login with the old key begins a session of its own.
        assert_eq!(browser.get(&app, "/app/get:cart/whose").await.body, "7 ada");
    }
}

#[tokio::test]
async fn a_login_takes_along_what_a_faster_node_wrote() {
    let nodes = Nodes::actix();
    let (app, browser) = (nodes.theirs_app(), Browser::new());
    browser.get(&app, "/app/insert:a:1").await;
    let bytes = br#"{"a":"2","b":"3"}"#.to_vec();
    nodes.theirs.before_write(|_| Some(Stored { bytes, ttl: Some(24 * HOUR) }));
    browser.get(&app, "/app/insert:user:ada/renew").await;
    assert_eq!(browser.get(&app, "/app/get:a/get:b/whose").await.body, "2 3 ada");
    assert_eq!(nodes.theirs.inner.keys().len(), 2, "the session and the marker");
}

#[tokio::test]
async fn a_renewal_of_a_session_that_ended_brings_nothing_back() {
    for nodes in Nodes::both() {
        let (app, browser) = (nodes.theirs_app(), Browser::new());
        browser.get(&app, "/app/insert:user:ada/renew").await;
        nodes.theirs.before_write(|_| None);
        let page = browser.peek(&app, "/app/renew/insert:x:1").await;
        assert_eq!(page.status, StatusCode::OK);
        assert_eq!(browser.peek(&app, "/app/whose").await.body, "nobody");
        let left = nodes.theirs.inner.keys().len();
        assert!(left <= 1, "only the marker of the first renewal is left: {left}");
    }
}

#[tokio::test]
async fn parallel_logins_and_logouts_leave_one_session_or_none() {
    for nodes in Nodes::both() {
        let (app, browser) = (nodes.theirs_app(), Browser::new());
        browser.get(&app, "/app/insert:a:1").await;
        let paths = ["/app/insert:user:ada/renew", "/app/insert:x:1", "/app/renew", "/app/count:n", "/app/renew"];
        let pages = crate::support::all::<Page>(paths.iter().map(|path| Box::pin(browser.peek(&app, path)) as _)).await;
        assert!(pages.iter().all(|page| page.status == StatusCode::OK));
        for page in &pages {
            browser.keep(page);
        }
        assert_eq!(browser.get(&app, "/app/get:a").await.body, "1");
        assert_eq!(browser.get(&app, "/app/purge").await.sent(), Removal);
        assert_eq!(browser.get(&app, "/app/get:a").await.body, "none");
        nodes.clock.advance(Duration::from_secs(61));
        assert!(nodes.theirs.inner.keys().len() <= 1, "{:?}", nodes.theirs.inner.keys());
    }
}

#[tokio::test]
async fn the_writes_of_a_request_that_a_login_overtook_are_dropped_and_told() {
    for nodes in Nodes::both() {
        let dropped = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&dropped);
        let layer = nodes.foreign().on_event(move |event| {
            count.fetch_add(usize::from(matches!(event, Event::GoneWriteDropped { .. })), Ordering::Relaxed);
        });
        let (app, browser) = (tower::app(layer), Browser::new());
        browser.get(&app, "/app/insert:a:1").await;
        let [key] = nodes.theirs.inner.keys().try_into().unwrap();
        let (old, before) = (browser.copied(), nodes.theirs.inner.load(&key).await.unwrap().unwrap());
        browser.get(&app, "/app/insert:user:ada/renew").await;
        // The other request has loaded the session before the login.
        let marker = nodes.theirs.inner.load(&key).await.unwrap().unwrap();
        nodes.theirs.put(&key, before.bytes).await;
        let put = marker.clone();
        nodes.theirs.before_write(move |_| Some(put));
        let page = old.peek(&app, "/app/insert:b:2").await;
        assert_eq!((page.status, page.sent()), (StatusCode::OK, Nothing));
        assert_eq!(nodes.theirs.inner.load(&key).await.unwrap(), Some(marker));
        assert_eq!(dropped.load(Ordering::Relaxed), 1);
    }
}

#[tokio::test]
async fn a_logout_that_a_renewal_overtook_is_not_acknowledged() {
    for nodes in Nodes::both() {
        let (app, browser) = (nodes.theirs_app(), Browser::new());
        browser.get(&app, "/app/insert:user:ada").await;
        let [key] = nodes.theirs.inner.keys().try_into().unwrap();
        let (old, before) = (browser.copied(), nodes.theirs.inner.load(&key).await.unwrap().unwrap());
        browser.get(&app, "/app/renew").await;
        // The other request has loaded the session before the renewal. The second time, the marker is gone.
        let marker = nodes.theirs.inner.load(&key).await.unwrap();
        for left in [marker, None] {
            nodes.theirs.put(&key, before.bytes.clone()).await;
            nodes.theirs.before_write(move |_| left);
            let page = old.peek(&app, "/app/remove:user/save").await;
            assert_eq!((page.body.as_str(), page.sent()), ("ada gone", Nothing));
        }
        assert_eq!(browser.get(&app, "/app/whose").await.body, "ada");
    }
}

#[tokio::test]
async fn a_purge_with_a_token_from_before_a_renewal_ends_the_renewed_session() {
    for nodes in Nodes::both() {
        for renewals in 1..=3 {
            let (app, browser) = (nodes.theirs_app(), Browser::new());
            browser.get(&app, "/app/insert:user:ada").await;
            let old = browser.copied();
            for _ in 0..renewals {
                browser.get(&app, "/app/renew").await;
            }
            assert_eq!(browser.peek(&app, "/app/whose").await.body, "ada");
            assert_eq!(old.peek(&app, "/app/purge").await.sent(), Removal);
            assert_eq!(browser.peek(&app, "/app/whose").await.body, "nobody");
            assert!(nodes.theirs.inner.keys().is_empty());
        }
    }
}

#[tokio::test]
async fn a_purge_ends_what_a_renewal_made_before_and_after_its_own_load() {
    for nodes in Nodes::both() {
        let (app, browser) = (nodes.theirs_app(), Browser::new());
        browser.get(&app, "/app/insert:user:ada").await;
        for paths in
            [["/app/purge", "/app/renew", "/app/renew"], ["/app/renew", "/app/purge", "/app/insert:user:eve/renew"]]
        {
            browser.get(&app, "/app/insert:user:ada").await;
            let pages =
                crate::support::all::<Page>(paths.iter().map(|path| Box::pin(browser.peek(&app, path)) as _)).await;
            for page in &pages {
                assert_eq!(page.status, StatusCode::OK);
                browser.keep(page);
            }
            assert_ne!(browser.get(&app, "/app/whose").await.body, "ada");
        }
    }
}
