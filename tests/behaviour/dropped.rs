//! Requests whose client disconnected: the operations of a finished handler are done, and a purge is done in any case.

use std::{convert::Infallible, future::poll_fn, pin::Pin, task::Poll};

use cloakroom::{
    LazySession, MemoryStore, Session, SessionLayer,
    testing::{FaultStore, Verb},
};
use http::{Request, Response};
use tower::{Layer as _, ServiceExt as _, service_fn};

use crate::{app::Browser, support::soon};

type Act = fn(&Session);

/// Makes a request whose handler does this, and then either responds or never does.
async fn request(layer: &SessionLayer, browser: &Browser, act: Act, answers: bool) {
    let service = layer.layer(service_fn(async |request: Request<()>| {
        let lazy = request.extensions().get::<LazySession>().expect("the layer put it there");
        let session = lazy.load().await.expect("the store works");
        act(&session);
        if !answers {
            std::future::pending::<()>().await;
        }
        Ok::<_, Infallible>(Response::new(String::new()))
    }));
    service.oneshot(browser.request()).await.expect("no error");
}

async fn guest(layer: &SessionLayer) -> Browser {
    let mut browser = Browser::default();
    browser.visit(layer, async |session| session.insert("n", 1).unwrap()).await;
    browser
}

/// Runs the tasks of this runtime until `holds` returns true.
async fn until(holds: impl AsyncFn() -> bool) {
    soon(async {
        while !holds().await {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

/// Polls the request once.
async fn is_pending(mut request: Pin<&mut impl Future<Output = ()>>) -> bool {
    poll_fn(|cx| Poll::Ready(request.as_mut().poll(cx).is_pending())).await
}

/// Drops the request while its store call waits at a gate.
async fn drop_at(store: &FaultStore<MemoryStore>, verb: Verb, request: impl Future<Output = ()>) {
    let gate = store.next(verb).waits();
    tokio::select! {
        () = request => panic!("the store has not answered"),
        () = soon(gate.reached()) => {}
    }
    gate.open();
}

#[tokio::test]
async fn a_logout_whose_client_leaves_during_the_commit_is_done() {
    let acts: &[Act] = &[Session::purge, |session| session.restart()];
    for act in acts {
        let store = FaultStore::new(MemoryStore::new());
        let layer = SessionLayer::new(store.clone());
        let browser = guest(&layer).await;
        drop_at(&store, Verb::Delete, request(&layer, &browser, *act, true)).await;
        until(async || store.inner().is_empty()).await;
    }
}

#[tokio::test]
async fn a_write_whose_client_leaves_during_the_commit_is_done() {
    let store = FaultStore::new(MemoryStore::new());
    let layer = SessionLayer::new(store.clone());
    let browser = guest(&layer).await;
    let act: Act = |session| session.update("n", |n: u32| n + 1).unwrap();
    drop_at(&store, Verb::Replace, request(&layer, &browser, act, true)).await;
    let n = async || browser.clone().visit(&layer, async |session| session.get::<u32>("n")).await.unwrap();
    until(async || n().await == Some(2)).await;
}

/// The client does not get the login's cookie. The session must not stay open for the old token either.
#[tokio::test]
async fn a_login_whose_client_leaves_during_the_commit_is_done() {
    let store = FaultStore::new(MemoryStore::new());
    let layer = SessionLayer::new(store.clone());
    let browser = guest(&layer).await;
    drop_at(&store, Verb::Replace, request(&layer, &browser, |session| session.login("alice"), true)).await;
    let owners = layer.owners().expect("an index");
    until(async || owners.list("alice").await.expect("memory").len() == 1).await;
    assert!(!browser.clone().visit(&layer, async |session| session.was_presented()).await);
}

#[tokio::test]
async fn a_purge_whose_handler_never_answers_is_done_and_nothing_else_is() {
    let table: &[(&str, Act, bool)] = &[
        ("purge", Session::purge, true),
        ("restart", |session| session.restart(), true),
        (
            "insert and purge",
            |session| {
                session.insert("n", 2).unwrap();
                session.purge();
            },
            true,
        ),
        ("insert", |session| session.insert("n", 2).unwrap(), false),
        ("renew", Session::renew, false),
        ("login", |session| session.login("alice"), false),
    ];
    for (what, act, is_ended) in table {
        for is_known in [true, false] {
            let (memory, faults) = (MemoryStore::new(), FaultStore::new(MemoryStore::new()));
            let layer = if is_known { SessionLayer::new(memory.clone()) } else { SessionLayer::new(faults.clone()) };
            let store = if is_known { &memory } else { faults.inner() };
            let mut browser = guest(&layer).await;
            {
                let mut request = std::pin::pin!(request(&layer, &browser, *act, false));
                // The request runs until it waits for ever, and is dropped there.
                for _ in 0..10 {
                    assert!(is_pending(request.as_mut()).await, "{what}");
                    tokio::task::yield_now().await;
                }
            }
            if *is_ended {
                until(async || store.is_empty()).await;
            } else {
                for _ in 0..10 {
                    tokio::task::yield_now().await;
                }
                let n = browser.visit(&layer, async |session| session.get::<u32>("n")).await.unwrap();
                assert_eq!(n, Some(1), "{what}: it was not answered");
            }
        }
    }
}

/// The store is slow. The purge of a dropped handler goes on as a task.
#[tokio::test]
async fn a_purge_whose_handler_was_dropped_waits_for_a_slow_store() {
    let store = FaultStore::new(MemoryStore::new());
    let layer = SessionLayer::new(store.clone());
    let browser = guest(&layer).await;
    let gate = store.next(Verb::Delete).waits();
    {
        let mut request = std::pin::pin!(request(&layer, &browser, Session::purge, false));
        assert!(is_pending(request.as_mut()).await);
    }
    soon(gate.reached()).await;
    assert_eq!(store.inner().len(), 1);
    gate.open();
    until(async || store.inner().is_empty()).await;
}
