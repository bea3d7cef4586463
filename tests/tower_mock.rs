//! The layer alone, around mocks of `tower-test`. An application can test its own service under a `SessionLayer` in
//! this way.

use std::{
    convert::Infallible,
    future::Future,
    pin::{Pin, pin},
    rc::Rc,
    task::{Context, Poll, Waker},
};

use cloakroom::{LazySession, MemoryStore, Session, SessionLayer, service::SessionService};
use http::{Request, Response, header};
use tower::{Layer, Service, ServiceExt as _, limit::ConcurrencyLimitLayer, service_fn, util::BoxCloneService};
use tower_test::mock;

type Handle = mock::Handle<Request<&'static str>, Response<&'static str>>;
type Layered = mock::Spawn<SessionService<mock::Mock<Request<&'static str>, Response<&'static str>>>>;

/// Returns the layer around a mock, and the handle that answers for the mock.
fn layered(store: &MemoryStore) -> (Layered, Handle) {
    let (mut service, handle) = mock::spawn_layer(SessionLayer::new(store.clone()));
    assert!(matches!(service.poll_ready(), Poll::Ready(Ok(()))));
    (service, handle)
}

fn poll<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

#[tokio::test]
async fn a_handler_finds_the_session_in_the_requests_extensions() {
    let (mut service, mut handle) = layered(&MemoryStore::new());
    let response = service.call(Request::new("body"));
    let handler = async {
        let (request, answer) = handle.next_request().await.expect("the layer passes it on");
        assert_eq!(*request.body(), "body");
        let session = request.extensions().get::<LazySession>().expect("the layer put it there").load().await;
        session.expect("the store works").insert("user", 7).expect("JSON");
        answer.send_response(Response::new("hello"));
    };
    let (response, ()) = tokio::join!(response, handler);
    let response = response.expect("the mock answers");
    assert_eq!(*response.body(), "hello");
    assert!(response.headers().contains_key(header::SET_COOKIE));
}

#[tokio::test]
async fn a_request_that_does_not_ask_passes_unchanged() {
    let (mut service, mut handle) = layered(&MemoryStore::new());
    let response = service.call(Request::new("body"));
    let answer = handle.next_request().await.expect("the layer passes it on").1;
    let mut own = Response::new("hello");
    own.headers_mut().insert("x-own", header::HeaderValue::from_static("1"));
    answer.send_response(own);
    let response = response.await.expect("the mock answers");
    assert_eq!(response.headers().len(), 1, "neither Set-Cookie nor Vary");
}

#[tokio::test]
async fn an_error_of_the_service_stays_that_error() {
    let (mut service, mut handle) = layered(&MemoryStore::new());
    let response = service.call(Request::new("body"));
    handle.next_request().await.expect("the layer passes it on").1.send_error("as the test wants it");
    assert_eq!(response.await.expect_err("the mock fails").to_string(), "as the test wants it");
}

#[tokio::test]
async fn the_layer_is_ready_when_its_service_is() {
    let (mut service, mut handle) =
        mock::spawn_layer::<Request<&str>, Response<&str>, _>(SessionLayer::new(MemoryStore::new()));
    handle.allow(0);
    assert!(service.poll_ready().is_pending());
    handle.allow(1);
    assert!(service.is_woken());
    assert!(matches!(service.poll_ready(), Poll::Ready(Ok(()))));
    handle.send_error("it broke");
    assert!(matches!(service.poll_ready(), Poll::Ready(Err(_))));
}

/// The limit's permit belongs to the service that was polled. A layer that calls a clone of it instead takes no permit,
/// or panics.
#[tokio::test]
async fn a_concurrency_limit_inside_holds() {
    let limit = ConcurrencyLimitLayer::new(1);
    let session = SessionLayer::new(MemoryStore::new());
    for limited_outside in [false, true] {
        let (mock, mut handle) = mock::pair::<Request<&str>, Response<&str>>();
        let service = if limited_outside {
            BoxCloneService::new(limit.layer(session.layer(mock)))
        } else {
            BoxCloneService::new(session.layer(limit.layer(mock)))
        };
        let (mut first, mut second) = (service.clone(), service);
        handle.allow(2);
        let busy = first.ready().await.expect("there is room").call(Request::new("first"));
        let mut waiting = pin!(second.ready());
        assert!(poll(waiting.as_mut()).is_pending(), "outside: {limited_outside}");
        answer_to(&mut handle, "first").await;
        busy.await.expect("the mock answers");
        let free = waiting.await.expect("there is room again");
        let response = free.call(Request::new("second"));
        answer_to(&mut handle, "second").await;
        response.await.expect("the mock answers");
    }
}

async fn answer_to(handle: &mut Handle, body: &str) {
    let (request, answer) = handle.next_request().await.expect("the layer passes it on");
    assert_eq!(*request.body(), body);
    answer.send_response(Response::new(""));
}

/// The future is `Send` over a service whose future is `Send`.
#[test]
fn the_future_is_send_over_a_service_that_is() {
    fn assert_send<T: Send>(value: T) -> T {
        value
    }
    fn assert_sync<T: Send + Sync>() {}

    let service = service_fn(async |_: Request<()>| Ok::<_, Infallible>(Response::new(String::new())));
    let mut service = assert_send(SessionLayer::new(MemoryStore::new()).layer(service));
    drop(assert_send(service.call(Request::new(()))));
    assert_sync::<Session>();
    assert_sync::<LazySession>();
    assert_sync::<SessionLayer>();
}

#[tokio::test]
async fn it_runs_over_a_service_that_is_not_send() {
    let shared = Rc::new("not send");
    let service = service_fn(move |request: Request<Rc<&'static str>>| {
        let shared = Rc::clone(&shared);
        async move {
            let session = request.extensions().get::<LazySession>().expect("the layer put it there").load().await;
            session.expect("the store works").insert("user", **request.body()).expect("JSON");
            tokio::task::yield_now().await;
            Ok::<_, Rc<str>>(Response::new(shared.to_string()))
        }
    });
    let service = SessionLayer::new(MemoryStore::new()).layer(service);
    let local = tokio::task::LocalSet::new();
    let response = local.spawn_local(service.oneshot(Request::new(Rc::new("7"))));
    let response = local.run_until(response).await.expect("no panic").expect("no error");
    assert_eq!(response.body(), "not send");
    assert!(response.headers().contains_key(header::SET_COOKIE));
}

#[tokio::test]
async fn a_response_that_nobody_waits_for_stores_nothing() {
    let store = MemoryStore::new();
    let (mut service, mut handle) = layered(&store);
    let response = service.call(Request::new("body"));
    let (request, _answer) = handle.next_request().await.expect("the layer passes it on");
    let session = request.extensions().get::<LazySession>().expect("the layer put it there").load().await;
    session.expect("the store works").insert("user", 7).expect("JSON");
    drop(response);
    drop(request);
    assert!(store.is_empty());
}
