//! Many requests of one session at the same time, on a slow store.

use std::{pin::Pin, time::Duration};

use cloakroom::{
    MemoryStore, SessionLayer,
    testing::{FaultStore, Verb},
};

use crate::{
    app,
    support::{App, Browser, all, drivers::tower::app as tower, soon},
};

type Pages<'a> = Vec<Pin<Box<dyn Future<Output = u16> + 'a>>>;

/// Returns a store whose calls take 30 ms, by a paused clock.
async fn slow() -> (App, FaultStore<MemoryStore>, Browser) {
    let store = FaultStore::new(MemoryStore::new());
    for verb in [Verb::Load, Verb::Replace, Verb::Delete] {
        store.every(verb).takes(Duration::from_millis(30));
    }
    let app = tower(SessionLayer::new(store.clone()));
    let browser = Browser::new();
    browser.get(&app, "/app/insert:n:0").await;
    store.take_calls();
    (app, store, browser)
}

fn requests<'a>(app: &'a App, browser: &'a Browser, paths: impl IntoIterator<Item = String>) -> Pages<'a> {
    let ask = |path: String| -> Pin<Box<dyn Future<Output = u16>>> {
        Box::pin(async move { browser.peek(app, &path).await.status.as_u16() })
    };
    paths.into_iter().map(ask).collect()
}

fn replaces(store: &FaultStore<MemoryStore>) -> usize {
    store.calls().iter().filter(|call| **call == Verb::Replace).count()
}

#[tokio::test(start_paused = true)]
async fn a_hundred_requests_that_insert_keys_of_their_own_keep_all_of_them() {
    let (app, store, browser) = slow().await;
    let paths = (0..100).map(|n| format!("/app/insert:k{n}:{n}"));
    assert_eq!(all(requests(&app, &browser, paths)).await, [200; 100]);
    // Each request tries once by itself. Those that lost are written together. Otherwise the k-th request would succeed
    // at its k-th try.
    assert!(replaces(&store) < 120, "{}", replaces(&store));
    let keys = browser.get(&app, "/app/keys").await.body;
    let mut expected: Vec<_> = (0..100).map(|n| format!("k{n}")).chain(["n".to_owned()]).collect();
    expected.sort();
    assert_eq!(keys, expected.join("+"));
}

#[tokio::test(start_paused = true)]
async fn two_hundred_updates_on_a_slow_store_count_two_hundred() {
    let (app, store, browser) = slow().await;
    let paths = (0..200).map(|_| "/app/increment:n".to_owned());
    assert_eq!(all(requests(&app, &browser, paths)).await, [200; 200]);
    assert!(replaces(&store) < 220, "{}", replaces(&store));
    assert_eq!(browser.get(&app, "/app/get:n").await.body, "200");
}

/// Requests that come while others wait are combined with them: there are a hundred requests, and less than ten writes.
#[tokio::test(start_paused = true)]
async fn requests_that_find_a_queue_are_written_together() {
    let (app, store, browser) = slow().await;
    let first = requests(&app, &browser, ["/app/insert:a:1".to_owned(), "/app/insert:b:1".to_owned()]);
    let more = (0..100).map(|n| format!("/app/insert:k{n}:{n}"));
    let later: Pages<'_> = requests(&app, &browser, more)
        .into_iter()
        .map(|request| -> Pin<Box<dyn Future<Output = u16>>> {
            Box::pin(async {
                // One of the first two requests has lost its race by then, and waits for its second write.
                tokio::time::sleep(Duration::from_millis(45)).await;
                request.await
            })
        })
        .collect();
    let statuses = all(first.into_iter().chain(later)).await;
    assert_eq!(statuses, [200; 102]);
    assert!(replaces(&store) < 10, "{}", replaces(&store));
    let keys = browser.get(&app, "/app/keys").await.body;
    assert_eq!(keys.split('+').count(), 103, "{keys}");
}

/// Each session has a queue of its own: while the writes of one session are held, another one is written.
#[tokio::test]
async fn a_flood_on_one_session_does_not_delay_another() {
    let store = FaultStore::new(MemoryStore::new());
    let app = tower(SessionLayer::new(store.clone()));
    let (flooded, other) = (Browser::new(), Browser::new());
    flooded.get(&app, "/app/insert:n:0").await;
    other.get(&app, "/app/insert:n:0").await;
    // Two requests load, one of them wins, and the next write of the other one is held.
    let loads = store.every(Verb::Load).times(2).answers_late();
    let held = store.nth(Verb::Replace, 3).waits();
    let flood = requests(&app, &flooded, (0..50).map(|_| "/app/increment:n".to_owned()));
    let meanwhile = async {
        loads.reached().await;
        loads.reached().await;
        loads.open();
        held.reached().await;
        for n in 1..=5 {
            assert_eq!(other.get(&app, "/app/increment:n").await.status, 200);
            assert_eq!(other.get(&app, "/app/get:n").await.body, n.to_string());
        }
        held.open();
    };
    let (statuses, ()) = soon(async { tokio::join!(all(flood), meanwhile) }).await;
    assert_eq!(statuses, [200; 50]);
    assert_eq!(flooded.get(&app, "/app/get:n").await.body, "50");
}

/// The limit holds for the record that is written, not for the one that each request has loaded.
#[tokio::test]
async fn a_session_never_grows_beyond_its_limit_however_many_write_at_once() {
    for (bytes, fit) in [(60_000, 1), (20_000, 3)] {
        for is_saved in [false, true] {
            let store = FaultStore::new(MemoryStore::new());
            let layer = SessionLayer::new(store.clone());
            let mut browser = app::Browser::default();
            browser.visit(&layer, async |session| session.insert("n", 0).unwrap()).await;
            // All requests have loaded before the first one writes.
            let gate = store.every(Verb::Load).times(40).answers_late();
            let (layer, sender, gate) = (&layer, &browser, &gate);
            let mut requests: Vec<Pin<Box<dyn Future<Output = bool> + '_>>> = Vec::new();
            requests.push(Box::pin(async {
                for _ in 0..40 {
                    gate.reached().await;
                }
                gate.open();
                false
            }));
            for n in 0..40 {
                requests.push(Box::pin(async move {
                    let mut refused = false;
                    let response = sender
                        .clone()
                        .send(layer, async |session| {
                            session.insert(format!("k{n}"), "x".repeat(bytes)).unwrap();
                            if is_saved {
                                let saved = session.save().await;
                                refused = saved.is_err_and(|error| error.is_too_large());
                            }
                        })
                        .await;
                    let is_done = response.status() == 200;
                    // A session that is too large is the application's fault, and trying again does not help.
                    assert!(
                        is_done || response.status() == 500,
                        "{:?}",
                        response.extensions().get::<cloakroom::Failure>()
                    );
                    assert!(!is_saved || refused != is_done);
                    is_done
                }));
            }
            let done = soon(all(requests)).await;
            assert_eq!(done.iter().filter(|done| **done).count(), fit, "{bytes} bytes, saved: {is_saved}");
            let keys = browser.visit(layer, async |session| session.keys()).await;
            assert_eq!(keys.len(), 1 + fit, "{bytes} bytes, saved: {is_saved}");
        }
    }
}

/// The handler and the hook get the reason, and no store failed.
#[tokio::test]
async fn a_write_that_no_longer_fits_is_too_large_and_not_a_failed_store() {
    let store = FaultStore::new(MemoryStore::new());
    let app = tower(SessionLayer::new(store.clone()));
    let browser = Browser::new();
    let long = "x".repeat(40_000);
    browser.get(&app, "/app/insert:n:0").await;
    let gate = store.next(Verb::Replace).waits();
    let overtaken = format!("/app/insert:a:{long}/save/remove:a");
    let slow = browser.peek(&app, &overtaken);
    let fast = async {
        gate.reached().await;
        browser.get(&app, &format!("/app/insert:b:{long}")).await;
        gate.open();
    };
    let (page, ()) = soon(async { tokio::join!(slow, fast) }).await;
    assert_eq!((page.status.as_u16(), page.body.split(' ').next()), (200, Some("too-large")));
    assert_eq!(browser.get(&app, "/app/keys").await.body, "b+n");
}
