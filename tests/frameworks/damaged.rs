//! Records that cannot be read: damaged ones, and those of a later version. The store works, so the browser is not
//! locked out.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use cloakroom::{
    Event, MemoryStore, OnStoreError, Rejection, SessionLayer,
    testing::{FaultStore, Verb},
};
use http::Request;

use crate::support::{
    App, Browser, Page,
    Sent::{self, Nothing, Removal, Token},
    drivers,
};

type Store = FaultStore<MemoryStore>;
/// The rejections that the event hook got.
type Told = Arc<Mutex<Vec<String>>>;

fn layer() -> (SessionLayer, (Store, Told)) {
    let (store, told) = (FaultStore::new(MemoryStore::new()), Told::default());
    let into = Arc::clone(&told);
    let layer = SessionLayer::new(store.clone()).on_event(move |event| {
        if let Event::Rejected { id, reason: Rejection::Undecodable } = event {
            into.lock().expect("no panic").push(id.to_string());
        }
    });
    (layer, (store, told))
}

/// Returns a browser whose session's record cannot be read from now on, and the session's id.
async fn damaged(app: &App, store: &Store) -> (Browser, String) {
    let browser = Browser::new();
    browser.get(app, "/app/insert:user:7").await;
    let id = browser.get(app, "/app/id").await.body;
    store.every(Verb::Load).is_undecodable();
    (browser, id)
}

/// The request and the response, then whether the browser has a session, and whether the damaged record still exists.
type Row = (&'static str, u16, &'static str, Sent, &'static str, usize);

const TABLE: &[Row] = &[
    ("/app/get:user/keys/presented/id/whose", 200, "none  false none nobody", Nothing, "none", 1),
    ("/app/insert:user:8", 500, "", Nothing, "none", 1),
    ("/app/remember/insert:user:8", 500, "", Nothing, "none", 1),
    ("/app/renew/insert:user:8", 200, "", Token, "8", 2),
    ("/app/login:alice/insert:user:8", 200, "", Token, "8", 2),
    ("/app/owner:alice/insert:user:8", 200, "", Token, "8", 2),
    ("/app/purge", 200, "", Removal, "none", 0),
    ("/app/restart/insert:user:8", 200, "", Token, "8", 1),
    ("/app/insert:user:8/save/purge", 200, "store", Removal, "none", 0),
];

#[tokio::test]
async fn an_undecodable_record_opens_nothing_and_login_and_logout_work() {
    for is_anonymous in [false, true] {
        let fresh = || {
            let (layer, with) = layer();
            (if is_anonymous { layer.on_store_error(OnStoreError::Anonymous) } else { layer }, with)
        };
        for &(path, status, body, sent, user, records) in TABLE {
            for (app, (store, told)) in drivers::every(fresh).await {
                let at = format!("{}: {path}, anonymous: {is_anonymous}", app.name);
                let (browser, id) = damaged(&app, &store).await;
                let page = browser.get(&app, path).await;
                assert_eq!((page.status.as_u16(), page.body.as_str(), page.sent()), (status, body, sent), "{at}");
                assert_eq!(*told.lock().expect("no panic"), [id], "{at}");
                assert_eq!(store.inner().len(), records, "{at}");
                store.heal();
                if sent != Nothing {
                    assert_eq!(browser.get(&app, "/app/get:user").await.body, user, "{at}");
                }
            }
        }
    }
}

#[tokio::test]
async fn a_page_that_does_not_write_is_answered_and_a_damaged_record_hides_none_beside_it() {
    for (app, (store, _)) in drivers::every(layer).await {
        let good = Browser::new();
        good.get(&app, "/app/insert:user:8").await;
        let (damaged, _) = damaged(&app, &store).await;
        let page = damaged.get(&app, "/plain").await;
        assert_eq!((page.status.as_u16(), page.sent()), (200, Nothing), "{}", app.name);
        store.heal();

        store.next(Verb::Load).is_undecodable();
        let both = format!("{}; {}", damaged.header(), good.header());
        let request = Request::get("/app/get:user").header("cookie", both).body(Bytes::new());
        assert_eq!(Page::new(app.send(request.expect("a request")).await).body, "8", "{}", app.name);
    }
}

/// The record can be read at the load but not at the write, so the store cannot compare it.
#[tokio::test]
async fn a_record_that_is_damaged_in_between_fails_the_write_and_keeps_the_cookie() {
    for (app, (store, _)) in drivers::in_process(layer).await {
        let browser = Browser::new();
        browser.get(&app, "/app/insert:user:7").await;
        store.next(Verb::Replace).is_undecodable();
        let page = browser.get(&app, "/app/insert:a:1").await;
        assert_eq!((page.status.as_u16(), page.body.as_str(), page.sent()), (500, "", Nothing), "{}", app.name);
        assert_eq!(browser.get(&app, "/app/get:user/get:a").await.body, "7 none", "{}", app.name);
    }
}
