//! Requests that time out: tower's and tower-http's layers on tower and on Axum, `tokio`'s `timeout` in a middleware on Actix.
//!
//! Time is paused. It moves on when every task waits, so a sleep here ends after everything that can run has run.

mod apps;

use std::time::Duration;

use cloakroom::{
    MemoryStore, SessionLayer,
    testing::{FaultStore, Verb},
};

use self::apps::{LIMIT, Place, every};
use crate::support::{
    App, Browser, Page,
    Sent::{self, Nothing, Removal},
    in_process,
};

type Store = FaultStore<MemoryStore>;

/// The script that shows if a cookie opens a session, and the session's values.
const LOOK: &str = "/app/presented/get:user/get:n";
const OPENS_NOTHING: &str = "false none none";

fn layer() -> (SessionLayer, Store) {
    let store = FaultStore::new(MemoryStore::new());
    (SessionLayer::new(store.clone()), store)
}

/// Returns a browser with a session in which `user` is 7 and `n` is 1, and forgets the calls that made it.
async fn visitor(app: &App, store: &Store) -> Browser {
    let browser = Browser::new();
    browser.get(app, "/app/insert:user:7/insert:n:1").await;
    store.take_calls();
    browser
}

/// Lets everything run that can.
async fn settle() {
    tokio::time::sleep(20 * LIMIT).await;
}

/// Returns the number of calls of `verb`.
fn count(store: &Store, verb: Verb) -> usize {
    store.calls().iter().filter(|call| **call == verb).count()
}

/// Asserts that the session is gone, by one delete and no other write, and that its cookie opens nothing.
async fn assert_ended(app: &App, store: &Store, browser: &Browser, at: &str) {
    settle().await;
    let calls = store.take_calls();
    assert_eq!(calls.iter().filter(|call| **call != Verb::Load).collect::<Vec<_>>(), ["delete"], "{at}");
    assert!(store.inner().is_empty(), "{at}");
    assert_eq!(browser.peek(app, LOOK).await.body, OPENS_NOTHING, "{at}");
}

/// Asserts the status, and what the response does to the cookie.
#[track_caller]
fn assert_page(page: &Page, status: u16, sent: Sent, at: &str) {
    assert_eq!((page.status.as_u16(), page.sent()), (status, sent), "{at}");
}

/// The way in which the call that writes is slow.
#[derive(Clone, Copy, Debug)]
enum Slow {
    /// The call waits until the request has timed out.
    Hangs,
    /// The call takes longer than the limit.
    Takes,
}

/// Sends a request whose write is slow, and returns its response.
async fn send_slowly(app: &App, store: &Store, browser: &Browser, path: &str, verb: Verb, slow: Slow) -> Page {
    match slow {
        Slow::Takes => {
            store.next(verb).takes(3 * LIMIT);
            browser.peek(app, path).await
        }
        Slow::Hangs => {
            let gate = store.next(verb).waits();
            let release = async {
                gate.reached().await;
                tokio::time::sleep(3 * LIMIT).await;
                gate.open();
            };
            tokio::join!(browser.peek(app, path), release).0
        }
    }
}

/// The operations of a handler, the call that does them, and what the old cookie opens afterwards.
const FINISHED: &[(&str, Verb, &str)] = &[
    ("/app/insert:user:8", Verb::Replace, "true 8 1"),
    ("/app/increment:n", Verb::Replace, "true 7 2"),
    ("/app/once:n", Verb::Replace, "true 7 2"),
    ("/app/renew/insert:user:8", Verb::Replace, OPENS_NOTHING),
    ("/app/login:alice", Verb::Replace, OPENS_NOTHING),
    ("/app/purge", Verb::Delete, OPENS_NOTHING),
    ("/app/insert:n:2/purge", Verb::Delete, OPENS_NOTHING),
    ("/app/restart", Verb::Delete, OPENS_NOTHING),
];

/// A time-out outside of the session layer ends the request during its commit. One inside does not see the commit.
#[tokio::test(start_paused = true)]
async fn what_a_finished_handler_asked_for_is_done_once_although_the_commit_times_out() {
    for &(path, verb, after) in FINISHED {
        for slow in [Slow::Hangs, Slow::Takes] {
            for (app, place, store) in every(layer).await {
                let at = format!("{}, {place:?}: {path}, {slow:?}", app.name);
                let browser = visitor(&app, &store).await;
                let page = send_slowly(&app, &store, &browser, path, verb, slow).await;
                assert_eq!(page.status, if place == Place::Outside { 504 } else { 200 }, "{at}");
                settle().await;
                assert_eq!(browser.peek(&app, LOOK).await.body, after, "{at}");
                let writes = [Verb::Create, Verb::Replace, Verb::Delete].map(|verb| count(&store, verb));
                let expected = if verb == Verb::Delete { [0, 0, 1] } else { [0, 1, 0] };
                assert_eq!(writes, expected, "{at}: {:?}", store.calls());
                assert_eq!(store.inner().len(), usize::from(verb == Verb::Replace), "{at}");
            }
        }
    }
}

/// The commit is two calls, and the request ends during the first one.
#[tokio::test(start_paused = true)]
async fn a_session_that_is_restarted_is_deleted_and_begun_once_although_the_commit_times_out() {
    for slow in [Slow::Hangs, Slow::Takes] {
        for (app, place, store) in every(layer).await {
            let at = format!("{}, {place:?}: {slow:?}", app.name);
            let browser = visitor(&app, &store).await;
            send_slowly(&app, &store, &browser, "/app/restart/insert:a:1", Verb::Delete, slow).await;
            settle().await;
            assert_eq!((count(&store, Verb::Delete), count(&store, Verb::Create)), (1, 1), "{at}: {:?}", store.calls());
            assert_eq!(store.inner().len(), 1, "{at}");
            assert_eq!(browser.peek(&app, LOOK).await.body, OPENS_NOTHING, "{at}");
        }
    }
}

/// The handler never answers. A purge is done all the same, by a store that may itself be slow.
#[tokio::test(start_paused = true)]
async fn a_purge_whose_handler_times_out_is_done_once() {
    for path in ["/app/purge/hang", "/app/insert:n:2/purge/hang", "/app/renew/purge/hang", "/app/restart/hang"] {
        for slow in [None, Some(Slow::Hangs), Some(Slow::Takes)] {
            for (app, place, store) in every(layer).await {
                let at = format!("{}, {place:?}: {path}, {slow:?}", app.name);
                let browser = visitor(&app, &store).await;
                let page = match slow {
                    Some(slow) => send_slowly(&app, &store, &browser, path, Verb::Delete, slow).await,
                    None => browser.peek(&app, path).await,
                };
                let sent = if place == Place::InsideAnswers { Removal } else { Nothing };
                assert_page(&page, 504, sent, &at);
                assert_ended(&app, &store, &browser, &at).await;
            }
        }
    }
}

/// Writes of a handler that did not finish are dropped. A time-out layer inside that makes a response finishes the
/// handler: this response commits as any other does.
#[tokio::test(start_paused = true)]
async fn writes_whose_handler_times_out_are_kept_only_if_the_session_layer_sees_a_response() {
    for (path, kept) in [("/app/insert:user:8/hang", "true 8 1"), ("/app/increment:n/hang", "true 7 2")] {
        for (app, place, store) in every(layer).await {
            let at = format!("{}, {place:?}: {path}", app.name);
            let browser = visitor(&app, &store).await;
            assert_page(&browser.peek(&app, path).await, 504, Nothing, &at);
            settle().await;
            let is_kept = place == Place::InsideAnswers;
            assert_eq!(count(&store, Verb::Replace), usize::from(is_kept), "{at}");
            assert_eq!(browser.peek(&app, LOOK).await.body, if is_kept { kept } else { "true 7 1" }, "{at}");
        }
    }
}

/// The client leaves. Its handler has called `purge`, and waits for something else.
#[tokio::test(start_paused = true)]
async fn a_purge_whose_handler_is_dropped_is_done_once() {
    for path in ["/app/purge/hang", "/app/insert:n:2/purge/hang", "/app/restart/hang"] {
        for is_slow in [false, true] {
            for (app, store) in in_process(layer).await {
                let at = format!("{}: {path}, slow: {is_slow}", app.name);
                let browser = visitor(&app, &store).await;
                if is_slow {
                    store.next(Verb::Delete).takes(3 * LIMIT);
                }
                drop_after(browser.peek(&app, path), LIMIT).await;
                assert_ended(&app, &store, &browser, &at).await;
            }
        }
    }
}

/// The client leaves while the store deletes the session.
#[tokio::test(start_paused = true)]
async fn a_purge_whose_request_is_dropped_during_the_commit_is_done_once() {
    for path in ["/app/purge", "/app/insert:n:2/purge", "/app/restart"] {
        for (app, store) in in_process(layer).await {
            let browser = visitor(&app, &store).await;
            let gate = store.next(Verb::Delete).waits();
            tokio::select! {
                _ = browser.peek(&app, path) => panic!("the store has not answered"),
                () = gate.reached() => {}
            }
            gate.open();
            assert_ended(&app, &store, &browser, &format!("{}: {path}", app.name)).await;
        }
    }
}

/// The memory store never waits, so there is no task that could go on.
#[tokio::test(start_paused = true)]
async fn a_purge_in_memory_whose_handler_times_out_or_is_dropped_is_done() {
    let layer = || {
        let memory = MemoryStore::new();
        (SessionLayer::new(memory.clone()), memory)
    };
    for path in ["/app/purge/hang", "/app/restart/hang"] {
        for (app, place, memory) in every(layer).await {
            let at = format!("{}, {place:?}: {path}", app.name);
            for limit in [LIMIT / 2, 2 * LIMIT] {
                let browser = Browser::new();
                browser.get(&app, "/app/insert:user:7/insert:n:1").await;
                assert_eq!(browser.peek(&app, LOOK).await.body, "true 7 1", "{at}");
                let page = tokio::time::timeout(limit, browser.peek(&app, path)).await;
                assert_eq!(page.is_ok(), limit > LIMIT, "{at}");
                assert!(memory.is_empty(), "{at}");
                assert_eq!(browser.peek(&app, LOOK).await.body, OPENS_NOTHING, "{at}");
            }
        }
    }
}

/// Drops a request that has not ended after `span`.
async fn drop_after(request: impl Future<Output = Page>, span: Duration) {
    assert!(tokio::time::timeout(span, request).await.is_err(), "the handler hangs");
}
