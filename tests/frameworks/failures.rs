//! Failures of stores, handlers and clients. Nothing is lost, and the client does not learn the reason.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use cloakroom::{
    Event, LazySession, MemoryStore, OnStoreError, Session, SessionLayer,
    testing::{FaultStore, Verb},
};
use http::{Request, Response, StatusCode};
use tokio::{
    io::AsyncWriteExt as _,
    net::{TcpListener, TcpStream},
    sync::Notify,
};

use crate::support::{
    Browser, Page,
    Sent::{self, Nothing, Removal, Token},
    caught, drivers, in_process, soon,
};

type Store = FaultStore<MemoryStore>;

fn layer() -> (SessionLayer, Store) {
    let store = FaultStore::new(MemoryStore::new());
    (SessionLayer::new(store.clone()), store)
}

/// Asserts that the client learns of the failure, and nothing else.
fn assert_opaque(page: &Page, sent: Sent, at: &str) {
    assert_fails(page, StatusCode::SERVICE_UNAVAILABLE, sent, at);
}

fn assert_fails(page: &Page, status: StatusCode, sent: Sent, at: &str) {
    assert_eq!((page.status, page.body.as_str(), page.sent()), (status, "", sent), "{at}");
    assert_eq!(page.headers["cache-control"], "no-store", "{at}");
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    Error,
    LostReply,
    /// The replies to all tries.
    LostReplies,
}

/// A row has a request of a session in which `user` is 7 and `n` is 1, the call that fails and its fault, the status
/// and the change of the cookie, and what the browser finds afterwards (`user n a`), and after the same request again.
type Row = (&'static str, Verb, Fault, u16, Sent, &'static str, &'static str);

const FAULTS: &[Row] = &[
    ("/app/get:user", Verb::Load, Fault::Error, 503, Nothing, "7 1 none", "7 1 none"),
    ("/app/get:user", Verb::Load, Fault::LostReply, 503, Nothing, "7 1 none", "7 1 none"),
    ("/app/insert:a:1", Verb::Load, Fault::Error, 503, Nothing, "7 1 none", "7 1 1"),
    ("/app/renew/insert:a:1", Verb::Load, Fault::Error, 503, Nothing, "7 1 none", "7 1 1"),
    ("/app/purge", Verb::Load, Fault::Error, 503, Nothing, "7 1 none", "none none none"),
    ("/app/insert:a:1", Verb::Replace, Fault::Error, 503, Nothing, "7 1 none", "7 1 1"),
    ("/app/insert:a:1", Verb::Replace, Fault::LostReply, 200, Nothing, "7 1 1", "7 1 1"),
    ("/app/insert:a:1", Verb::Replace, Fault::LostReplies, 503, Nothing, "7 1 1", "7 1 1"),
    ("/app/remove:user", Verb::Replace, Fault::Error, 503, Nothing, "7 1 none", "none 1 none"),
    ("/app/remove:user", Verb::Replace, Fault::LostReply, 200, Nothing, "none 1 none", "none 1 none"),
    ("/app/clear", Verb::Replace, Fault::Error, 503, Nothing, "7 1 none", "none none none"),
    ("/app/count:n", Verb::Replace, Fault::Error, 503, Nothing, "7 1 none", "7 2 none"),
    // Done once, however often it was sent.
    ("/app/count:n", Verb::Replace, Fault::LostReply, 200, Nothing, "7 2 none", "7 3 none"),
    // A new request counts once more. Within one request nothing counts twice.
    ("/app/count:n", Verb::Replace, Fault::LostReplies, 503, Nothing, "7 2 none", "7 3 none"),
    ("/app/once:n", Verb::Replace, Fault::Error, 503, Nothing, "7 1 none", "7 2 none"),
    ("/app/once:n", Verb::Replace, Fault::LostReply, 200, Nothing, "7 2 none", "7 3 none"),
    ("/app/renew/insert:a:1", Verb::Replace, Fault::Error, 503, Nothing, "7 1 none", "7 1 1"),
    ("/app/renew/insert:a:1", Verb::Replace, Fault::LostReply, 200, Token, "7 1 1", "7 1 1"),
    // The secret was replaced, and no client knows the new one: the user is logged out.
    ("/app/renew/insert:a:1", Verb::Replace, Fault::LostReplies, 503, Nothing, "none none none", "none none none"),
    ("/app/login:alice/insert:a:1", Verb::Replace, Fault::LostReplies, 503, Nothing, "none none none", "none none 1"),
    ("/app/owner:alice", Verb::Replace, Fault::Error, 503, Nothing, "7 1 none", "7 1 none"),
    ("/app/owner:alice", Verb::Replace, Fault::LostReply, 200, Token, "7 1 none", "7 1 none"),
    ("/app/remember", Verb::Replace, Fault::Error, 503, Nothing, "7 1 none", "7 1 none"),
    ("/app/remember", Verb::Replace, Fault::LostReply, 200, Token, "7 1 none", "7 1 none"),
    ("/app/purge", Verb::Delete, Fault::Error, 503, Removal, "none none none", "none none none"),
    ("/app/purge", Verb::Delete, Fault::LostReply, 200, Removal, "none none none", "none none none"),
    ("/app/purge", Verb::Delete, Fault::LostReplies, 503, Removal, "none none none", "none none none"),
    ("/app/restart/insert:a:1", Verb::Delete, Fault::Error, 503, Removal, "none none none", "none none 1"),
    ("/app/restart/insert:a:1", Verb::Delete, Fault::LostReply, 200, Token, "none none 1", "none none 1"),
    ("/app/restart/insert:a:1", Verb::Create, Fault::Error, 503, Removal, "none none none", "none none 1"),
    ("/app/restart/insert:a:1", Verb::Create, Fault::LostReply, 200, Token, "none none 1", "none none 1"),
];

#[tokio::test]
async fn a_store_that_fails_is_an_empty_503_that_loses_and_leaks_nothing_and_a_lost_reply_is_found_out() {
    for &(path, verb, fault, status, sent, after, again) in FAULTS {
        for (app, store) in drivers::every(layer).await {
            let (browser, at) = (Browser::new(), format!("{}: {path}, {verb:?} {fault:?}", app.name));
            browser.get(&app, "/app/insert:user:7/insert:n:1").await;
            match fault {
                Fault::Error => store.next(verb).fails(),
                Fault::LostReply => store.next(verb).loses_its_reply(),
                Fault::LostReplies => store.every(verb).loses_its_reply(),
            }
            let page = browser.get(&app, path).await;
            store.heal();
            match status {
                200 => assert_eq!((page.status.as_u16(), page.sent()), (200, sent), "{at}"),
                _ => assert_opaque(&page, sent, &at),
            }
            assert_eq!(browser.get(&app, "/app/get:user/get:n/get:a").await.body, after, "{at}: after it");
            assert_eq!(browser.get(&app, path).await.status, 200, "{at}: again");
            assert_eq!(browser.get(&app, "/app/get:user/get:n/get:a").await.body, again, "{at}: after it again");
        }
    }
}

const CREATING: [&str; 5] = [
    "/app/insert:a:1",
    "/app/renew/insert:a:1",
    "/app/owner:alice/insert:a:1",
    "/app/login:alice/insert:a:1",
    "/app/restart/insert:a:1",
];

#[tokio::test]
async fn a_session_that_cannot_be_created_sends_no_cookie_and_leaves_no_record() {
    for is_lost in [false, true] {
        for path in CREATING {
            for (app, store) in in_process(layer).await {
                let (browser, at) = (Browser::new(), format!("{}: {path}, lost: {is_lost}", app.name));
                if is_lost {
                    // The outcome cannot be looked up either.
                    store.every(Verb::Create).loses_its_reply();
                    store.every(Verb::Load).fails();
                } else {
                    store.next(Verb::Create).fails();
                }
                assert_opaque(&browser.get(&app, path).await, Nothing, &at);
                store.heal();
                assert!(store.inner().is_empty(), "{at}: a session that no client can open");
                assert_eq!(browser.get(&app, path).await.sent(), Token, "{at}");
                assert_eq!(browser.get(&app, "/app/get:a").await.body, "1", "{at}");
            }
        }
    }
}

/// The session is looked up, and never created again under the same id.
#[tokio::test]
async fn a_session_whose_creation_lost_its_reply_is_found() {
    for path in CREATING {
        for (app, store) in in_process(layer).await {
            let (browser, at) = (Browser::new(), format!("{}: {path}", app.name));
            store.next(Verb::Create).loses_its_reply();
            let page = browser.get(&app, path).await;
            assert_eq!((page.status.as_u16(), page.sent()), (200, Token), "{at}");
            assert_eq!(store.take_calls(), ["create", "load"], "{at}");
            assert_eq!(browser.get(&app, "/app/get:a").await.body, "1", "{at}");
            assert_eq!(store.inner().len(), 1, "{at}");
        }
    }
}

/// A call that arrives after its sender gave up finds a tombstone. The client has another session.
#[tokio::test]
async fn a_creation_that_arrives_late_leaves_no_second_session() {
    for path in CREATING {
        for (app, store) in in_process(layer).await {
            let (browser, at) = (Browser::new(), format!("{}: {path}", app.name));
            let late = store.next(Verb::Create).arrives_late();
            let page = browser.get(&app, path).await;
            assert_eq!((page.status.as_u16(), page.sent()), (200, Token), "{at}");
            late.arrives().await;
            assert_eq!(store.inner().len(), 1, "{at}");
            assert_eq!(browser.get(&app, "/app/get:a").await.body, "1", "{at}");
        }
    }
}

#[tokio::test]
async fn a_request_that_does_not_ask_works_while_the_store_does_not() {
    for (app, store) in in_process(layer).await {
        let browser = Browser::new();
        browser.get(&app, "/app/insert:user:7").await;
        for verb in Verb::ALL {
            store.every(verb).fails();
        }
        let page = browser.get(&app, "/plain").await;
        assert_eq!((page.status.as_u16(), page.body.as_str(), page.sent()), (200, "plain", Nothing), "{}", app.name);
        assert_eq!(Browser::new().get(&app, "/plain").await.status, 200, "without a token: {}", app.name);
    }
}

#[tokio::test]
async fn anonymous_on_a_store_error_reads_nothing_writes_nothing_and_touches_no_cookie() {
    let fresh = || {
        let (layer, store) = layer();
        (layer.on_store_error(OnStoreError::Anonymous), store)
    };
    let table = [
        ("/app/get:user/keys/presented/id", 200, "none  false none"),
        ("/app/insert:a:1/get:a", 200, "1"),
        ("/app/count:n/clear/remove:user", 200, "none"),
        ("/app/label:mallory/remember", 200, ""),
        ("/app/insert:a:1/save", 200, "store"),
        ("/app/start", 200, "store"),
        ("/app/renew", 503, ""),
        ("/app/insert:a:1/renew", 503, ""),
        ("/app/login:mallory", 503, ""),
        ("/app/owner:mallory/remember", 503, ""),
        ("/app/purge", 503, ""),
        ("/app/restart/insert:a:1", 503, ""),
    ];
    for (path, status, body) in table {
        for (app, store) in in_process(fresh).await {
            let (browser, at) = (Browser::new(), format!("{}: {path}", app.name));
            browser.get(&app, "/app/insert:user:7").await;
            store.take_calls();
            store.next(Verb::Load).fails();
            let page = browser.get(&app, path).await;
            assert_eq!((page.status.as_u16(), page.body.as_str(), page.sent()), (status, body, Nothing), "{at}");
            assert_eq!(store.take_calls(), ["load"], "{at}");
            assert_eq!(browser.get(&app, "/app/keys/get:user").await.body, "user 7", "{at}");
        }
    }
}

#[tokio::test]
async fn the_cause_goes_to_the_event_hook_and_not_to_the_client() {
    let causes = Arc::new(Mutex::new(Vec::new()));
    let (layer, store) = layer();
    let layer = layer.on_event({
        let causes = Arc::clone(&causes);
        move |event| {
            if let Event::StoreFailed { error } = event {
                let cause = std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
                causes.lock().expect("no panic").push(cause);
            }
        }
    });
    let app = drivers::tower::app(layer);
    let browser = Browser::new();
    store.next(Verb::Create).fails();
    assert_opaque(&browser.get(&app, "/app/insert:a:1").await, Nothing, "");
    assert_eq!(*causes.lock().expect("no panic"), ["injected: the store failed"]);
}

/// The reply to a save was lost. The handler goes on, and the request's own commit comes after it.
#[tokio::test]
async fn a_save_whose_reply_was_lost_is_done_and_counts_once() {
    let table = [
        ("/app/count:n/save", "done", Nothing, "2 none"),
        ("/app/count:n/save/insert:a:1", "done", Nothing, "2 1"),
        ("/app/count:n/save/count:n", "done", Nothing, "3 none"),
        ("/app/count:n/insert:a:1/save/remove:a", "done 1", Nothing, "2 none"),
        ("/app/count:n/save/renew/insert:a:1", "done", Token, "2 1"),
        ("/app/renew/save", "done", Token, "1 none"),
        ("/app/renew/save/insert:a:1/count:n", "done", Token, "2 1"),
        ("/app/renew/count:n/save/save/insert:a:1/count:n", "done done", Token, "3 1"),
        ("/app/count:n/save/purge", "done", Removal, "none none"),
    ];
    for (path, body, sent, after) in table {
        for (app, store) in in_process(layer).await {
            let (browser, at) = (Browser::new(), format!("{}: {path}", app.name));
            browser.get(&app, "/app/insert:user:7/insert:n:1").await;
            store.next(Verb::Replace).loses_its_reply();
            let page = browser.get(&app, path).await;
            assert_eq!((page.status.as_u16(), page.body.as_str(), page.sent()), (200, body, sent), "{at}");
            assert_eq!(browser.get(&app, "/app/get:n/get:a").await.body, after, "{at}");
        }
    }
}

/// All tries of a save lost their replies: its operations are never applied again, and ending the session works.
#[tokio::test]
async fn what_follows_a_save_of_unknown_outcome_is_an_error_unless_it_ends_the_session() {
    let table = [
        ("/app/count:n/save", 503, "", Nothing, "2 none"),
        ("/app/count:n/save/save/save", 503, "", Nothing, "2 none"),
        ("/app/count:n/save/insert:a:1", 503, "", Nothing, "2 none"),
        ("/app/count:n/save/count:n/save", 503, "", Nothing, "2 none"),
        ("/app/renew/save", 503, "", Nothing, "none none"),
        ("/app/count:n/save/purge", 200, "store", Removal, "none none"),
        ("/app/count:n/save/restart/insert:a:1", 200, "store", Token, "none 1"),
        ("/app/renew/save/purge", 200, "store", Removal, "none none"),
    ];
    for (path, status, body, sent, after) in table {
        for (app, store) in in_process(layer).await {
            let (browser, at) = (Browser::new(), format!("{}: {path}", app.name));
            browser.get(&app, "/app/insert:user:7/insert:n:1").await;
            store.every(Verb::Replace).loses_its_reply();
            let page = browser.get(&app, path).await;
            store.heal();
            assert_eq!((page.status.as_u16(), page.body.as_str(), page.sent()), (status, body, sent), "{at}");
            assert_eq!(browser.get(&app, "/app/get:n/get:a").await.body, after, "{at}");
        }
    }
}

/// A failed commit keeps the operations, so that a handler may try again.
#[tokio::test]
async fn a_save_that_failed_can_be_tried_again() {
    for (app, store) in in_process(layer).await {
        let browser = Browser::new();
        store.next(Verb::Create).fails();
        let page = browser.get(&app, "/app/insert:a:1/count:n/save/save").await;
        assert_eq!((page.body.as_str(), page.sent()), ("store done", Token), "{}", app.name);
        store.next(Verb::Replace).fails();
        let page = browser.get(&app, "/app/renew/count:n/save/save").await;
        assert_eq!((page.body.as_str(), page.sent()), ("store done", Token), "{}", app.name);
        assert_eq!(browser.get(&app, "/app/get:a/get:n").await.body, "1 2", "{}", app.name);
    }
}

#[tokio::test]
async fn a_handler_that_errs_in_actix_keeps_its_changes_and_its_error() {
    for is_lazy in [false, true] {
        let (layer, store) = layer();
        let app = drivers::actix::app(layer, is_lazy).await;
        let browser = Browser::new();
        let page = browser.get(&app, "/app/insert:a:1/get:a/fail:418").await;
        assert_eq!((page.status.as_u16(), page.body.as_str(), page.sent()), (418, "1", Token));
        assert_eq!(page.headers["vary"], "cookie");
        assert_eq!(browser.get(&app, "/app/get:a").await.body, "1");
        store.next(Verb::Replace).fails();
        assert_opaque(&browser.get(&app, "/app/insert:a:2/fail:418").await, Nothing, "the commit failed");
    }
}

#[tokio::test]
async fn a_handler_that_panics_changes_nothing() {
    for (app, store) in drivers::every(layer).await {
        let browser = Browser::new();
        browser.get(&app, "/app/insert:a:1").await;
        store.take_calls();
        assert!(caught(browser.get(&app, "/app/insert:a:2/renew/panic")).await.is_none(), "{}", app.name);
        assert_eq!(store.take_calls(), ["load"], "{}", app.name);
        assert_eq!(browser.get(&app, "/app/get:a").await.body, "1", "{}", app.name);
    }
}

#[tokio::test]
async fn commit_if_decides_on_inserts_and_never_on_renewals_and_logouts() {
    let fresh = || {
        let (layer, store) = layer();
        (layer.commit_if(|status| status.is_success()), store)
    };
    for (app, _) in in_process(fresh).await {
        let (browser, at) = (Browser::new(), app.name);
        assert_eq!(browser.get(&app, "/app/insert:a:1/fail:404").await.sent(), Nothing, "{at}");
        browser.get(&app, "/app/insert:user:7").await;
        assert_eq!(browser.get(&app, "/app/insert:a:1/renew/fail:500").await.sent(), Token, "{at}");
        assert_eq!(browser.get(&app, "/app/get:user/get:a").await.body, "7 none", "{at}");
        assert_eq!(browser.get(&app, "/app/purge/fail:500").await.sent(), Removal, "{at}");
    }
}

#[tokio::test]
async fn too_much_state_is_refused_and_the_session_stays_as_it_was() {
    let fresh = || {
        let (layer, store) = layer();
        (layer.max_bytes(64), store)
    };
    for (app, _) in in_process(fresh).await {
        let browser = Browser::new();
        browser.get(&app, "/app/insert:user:7").await;
        let long = format!("/app/insert:a:{}", "x".repeat(64));
        // It is the application's fault, and trying again does not help.
        assert_fails(&browser.get(&app, &long).await, StatusCode::INTERNAL_SERVER_ERROR, Nothing, app.name);
        assert_eq!(browser.get(&app, "/app/get:user/get:a").await.body, "7 none", "{}", app.name);
    }
}

/// A handler that writes, and never responds.
#[derive(Clone, Default)]
struct Stuck {
    began: Arc<Notify>,
    dropped: Arc<Notify>,
}

struct Guard(Arc<Notify>);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

impl Stuck {
    async fn handle(self, session: Session) {
        let _guard = Guard(self.dropped);
        session.insert("a", 2).expect("a number");
        session.renew();
        self.began.notify_one();
        std::future::pending::<()>().await;
    }
}

/// Sends a request, and does not wait for its response.
async fn ask(address: SocketAddr, path: &str, browser: &Browser) -> TcpStream {
    let mut client = TcpStream::connect(address).await.expect("it listens");
    let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nCookie: {}\r\n\r\n", browser.header());
    client.write_all(request.as_bytes()).await.expect("it reads");
    client
}

/// hyper drops a handler whose client disconnected.
#[tokio::test]
async fn a_client_that_disconnects_from_hyper_leaves_the_session_as_it_was() {
    let (layer, store) = layer();
    let layer = layer.insecure_http();
    let app = drivers::tower::app(layer.clone());
    let stuck = Stuck::default();
    let address = serve_stuck(layer, stuck.clone()).await;
    let browser = Browser::new();
    browser.get(&app, "/app/insert:a:1").await;
    let client = ask(address, "/", &browser).await;
    soon(stuck.began.notified()).await;
    drop(client);
    soon(stuck.dropped.notified()).await;
    store.take_calls();
    assert_eq!(browser.get(&app, "/app/get:a/count:n").await.body, "1");
    assert_eq!(store.take_calls(), ["load", "replace"]);
}

/// Actix Web finishes a request whose client disconnected.
#[tokio::test]
async fn a_client_that_disconnects_from_actix_has_its_request_done() {
    for is_lazy in [false, true] {
        let (layer, store) = layer();
        let layer = layer.insecure_http();
        let app = drivers::tower::app(layer.clone());
        let address = drivers::actix::serve(layer, is_lazy);
        let browser = Browser::new();
        browser.get(&app, "/app/insert:a:1").await;
        let loading = store.next(Verb::Load).waits();
        let client = ask(address, "/app/insert:a:2/count:n", &browser).await;
        soon(loading.reached()).await;
        drop(client);
        let stored = store.next(Verb::Replace).answers_late();
        loading.open();
        soon(stored.reached()).await;
        stored.open();
        assert_eq!(browser.get(&app, "/app/get:a/get:n/count:n").await.body, "2 1");
    }
}

/// A client disconnects while its session is stored. All operations of the handler are done.
#[tokio::test]
async fn what_a_client_asked_for_that_disconnects_during_the_commit_is_done() {
    let table = [
        (Verb::Replace, "/app/insert:a:2/insert:b:2", "2 2"),
        (Verb::Replace, "/app/renew/insert:a:2", "none none"),
        (Verb::Delete, "/app/insert:a:2/purge", "none none"),
    ];
    for (verb, path, found) in table {
        let (layer, store) = layer();
        let layer = layer.insecure_http();
        let app = drivers::tower::app(layer.clone());
        for address in [drivers::hyper::serve(layer.clone()).await, drivers::actix::serve(layer, false)] {
            let browser = Browser::new();
            browser.get(&app, "/app/insert:a:1/insert:b:1").await;
            let gate = store.next(verb).waits();
            let done = store.next(verb).answers_late();
            let client = ask(address, path, &browser).await;
            soon(gate.reached()).await;
            drop(client);
            gate.open();
            soon(done.reached()).await;
            done.open();
            assert_eq!(soon(browser.get(&app, "/app/get:a/get:b")).await.body, found, "{path}");
            assert_eq!(browser.get(&app, "/app/insert:c:3").await.status, 200, "{path}");
        }
    }
}

async fn serve_stuck(layer: SessionLayer, stuck: Stuck) -> SocketAddr {
    use hyper_util::{rt::TokioIo, service::TowerToHyperService};
    use tower::Layer as _;

    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    let service = layer.layer(tower::service_fn(move |request: Request<hyper::body::Incoming>| {
        let stuck = stuck.clone();
        async move {
            let lazy = request.extensions().get::<LazySession>().expect("the layer is there").clone();
            stuck.handle(lazy.load().await.expect("the store works")).await;
            Ok::<_, std::convert::Infallible>(Response::new(String::new()))
        }
    }));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let service = TowerToHyperService::new(service.clone());
            tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        }
    });
    address
}
