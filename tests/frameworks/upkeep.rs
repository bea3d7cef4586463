//! Housekeeping: moving the deadline on. It never fails a request.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use cloakroom::{
    Event, MemoryStore, OnStoreError, SessionLayer,
    testing::{FaultStore, TestClock, Verb},
};

use crate::support::{Browser, Sent::Nothing, drivers, soon};

const HOUR: Duration = Duration::from_secs(60 * 60);

type House = (FaultStore<MemoryStore>, TestClock, Arc<Mutex<Vec<String>>>);

fn layer() -> (SessionLayer, House) {
    let (store, clock) = (FaultStore::new(MemoryStore::new()), TestClock::new());
    let told = Arc::<Mutex<Vec<String>>>::default();
    let into = Arc::clone(&told);
    let layer = SessionLayer::new(store.clone()).clock(clock.clone()).on_event(move |event| {
        let line = match event {
            Event::UpkeepFailed { id, .. } => format!("upkeep {id}"),
            Event::StoreFailed { .. } => "store".to_owned(),
            _ => return,
        };
        into.lock().expect("no panic").push(line);
    });
    (layer, (store, clock, told))
}

fn anonymous() -> (SessionLayer, House) {
    let (layer, house) = layer();
    (layer.on_store_error(OnStoreError::Anonymous), house)
}

#[derive(Clone, Copy, Debug)]
enum Fault {
    Fails,
    LosesItsReplies,
    Damaged,
}

/// A store that can be read and not written, six hours after the login, when a touch is due.
#[tokio::test]
async fn a_touch_that_fails_is_an_event_and_not_a_page() {
    for fault in [Fault::Fails, Fault::LosesItsReplies, Fault::Damaged] {
        for make in [layer, anonymous] {
            for path in ["/app/get:user", "/plain"] {
                for (app, (store, clock, told)) in drivers::every(make).await {
                    let (browser, at) = (Browser::new(), format!("{}: {path}, {fault:?}", app.name));
                    browser.get(&app, "/app/insert:user:7").await;
                    let id = browser.get(&app, "/app/id").await.body;
                    clock.advance(6 * HOUR);
                    match fault {
                        Fault::Fails => store.every(Verb::Replace).fails(),
                        Fault::LosesItsReplies => store.every(Verb::Replace).loses_its_reply(),
                        Fault::Damaged => store.every(Verb::Replace).is_undecodable(),
                    }
                    let page = browser.get(&app, path).await;
                    let body = if path == "/plain" { "plain" } else { "7" };
                    assert_eq!((page.status.as_u16(), page.body.as_str(), page.sent()), (200, body, Nothing), "{at}");
                    let is_due = path != "/plain" || app.is_eager;
                    let expected = if is_due { vec![format!("upkeep {id}")] } else { Vec::new() };
                    assert_eq!(*told.lock().expect("no panic"), expected, "{at}");
                    store.heal();
                    assert_eq!(browser.get(&app, "/app/get:user").await.body, "7", "{at}");
                }
            }
        }
    }
}

/// The next request tries again.
#[tokio::test]
async fn a_touch_that_failed_is_made_up_for() {
    for (app, (store, clock, _)) in drivers::in_process(layer).await {
        let (browser, at) = (Browser::new(), app.name);
        browser.get(&app, "/app/insert:user:7").await;
        clock.advance(23 * HOUR);
        store.next(Verb::Replace).fails();
        browser.get(&app, "/app/get:user").await;
        store.take_calls();
        browser.get(&app, "/app/get:user").await;
        assert_eq!(store.take_calls(), ["load", "replace"], "{at}");
        clock.advance(23 * HOUR);
        assert_eq!(browser.get(&app, "/app/get:user").await.body, "7", "{at}");
    }
}

/// A faster request has moved the deadline on, so the touch is not sent again.
#[tokio::test]
async fn a_touch_that_lost_its_race_is_over() {
    for (app, (store, clock, told)) in drivers::every(layer).await {
        let (browser, at) = (Browser::new(), app.name);
        browser.get(&app, "/app/insert:user:7").await;
        clock.advance(6 * HOUR);
        let gate = store.next(Verb::Replace).waits();
        store.take_calls();
        let touch = browser.peek(&app, "/app/get:user");
        let write = async {
            gate.reached().await;
            browser.peek(&app, "/app/insert:a:1").await;
            gate.open();
        };
        let (page, ()) = soon(async { tokio::join!(touch, write) }).await;
        assert_eq!((page.status.as_u16(), page.body.as_str(), page.sent()), (200, "7", Nothing), "{at}");
        assert_eq!(store.take_calls(), ["load", "replace", "load", "replace"], "{at}");
        assert_eq!(*told.lock().expect("no panic"), [""; 0], "{at}");
        assert_eq!(browser.get(&app, "/app/get:user/get:a").await.body, "7 1", "{at}");
    }
}
