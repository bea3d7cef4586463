//! The parts of Actix Web that other frameworks do not have: guards, `get_session`, `.lazy()`.

use actix_web::{
    App, HttpRequest, HttpResponse, Responder,
    body::MessageBody,
    dev::{Service as _, ServiceRequest, ServiceResponse},
    guard::{self, GuardContext},
    middleware::{Next, from_fn},
    test::{TestRequest, init_service, try_call_service},
    web,
};
use cloakroom::{
    Error, LazySession, MemoryStore, Session, SessionLayer, SessionStatus,
    actix_web::{SessionExt, SessionMiddleware},
    testing::{FaultStore, Verb},
};

use crate::support::{
    Browser, Page, Sent, app,
    drivers::actix::{self, routes, test_request},
};

type Store = FaultStore<MemoryStore>;

fn house() -> (SessionLayer, Store) {
    let store = FaultStore::new(MemoryStore::new());
    (SessionLayer::new(store.clone()), store)
}

fn middleware(layer: &SessionLayer, is_lazy: bool) -> SessionMiddleware {
    let middleware = SessionMiddleware::from(layer.clone());
    if is_lazy { middleware.lazy() } else { middleware }
}

/// Sends a request with a browser's cookies to an application of the test.
macro_rules! get {
    ($app:expr, $browser:expr, $path:expr) => {{
        let request = http::Request::get($path).header("cookie", $browser.header()).body(bytes::Bytes::new());
        let request = test_request(request.expect("a request"));
        let response = match try_call_service(&$app, request.to_request()).await {
            Ok(response) => actix::collect(response).await,
            Err(error) => actix::collect_http(error.error_response()).await,
        };
        let page = Page::new(response);
        $browser.keep(&page);
        page
    }};
}

fn is_user(context: &GuardContext<'_>) -> bool {
    context.get_session().get::<u32>("user").is_ok_and(|user| user.is_some())
}

#[tokio::test]
async fn a_guard_decides_by_the_session() {
    let (layer, store) = house();
    let app = App::new()
        .wrap(middleware(&layer, false))
        .configure(routes)
        .route("/home", web::get().guard(guard::fn_guard(is_user)).to(async || "yours"))
        .route("/home", web::get().to(async || "log in"));
    let app = init_service(app).await;
    let browser = Browser::new();
    assert_eq!(get!(app, browser, "/home").body, "log in");
    assert!(store.take_calls().is_empty());
    get!(app, browser, "/app/insert:user:7");
    store.take_calls();
    assert_eq!(get!(app, browser, "/home").body, "yours");
    assert_eq!(store.take_calls(), ["load"]);
}

/// Writes to one session from every place in which Actix gives it.
async fn everywhere(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    request.get_session().insert("service_request", 1)?;
    request.try_get_session()?.insert("tried", 1)?;
    let response = next.call(request).await?;
    response.get_session().insert("service_response", 1)?;
    assert!(response.try_get_session()?.contains_key("handler"));
    Ok(response)
}

async fn by_request(request: HttpRequest, session: Session, lazy: LazySession) -> impl Responder {
    request.get_session().insert("http_request", 1).expect("JSON");
    session.insert("handler", 1).expect("JSON");
    lazy.load().await.expect("the store works").insert("lazy", 1).expect("JSON");
    request.try_get_session().expect("it is loaded").keys().join("+")
}

#[tokio::test]
async fn every_way_to_get_the_session_gets_the_same_one() {
    let (layer, store) = house();
    let app = App::new()
        .wrap(from_fn(everywhere))
        .wrap(middleware(&layer, false))
        .configure(routes)
        .route("/all", web::get().to(by_request));
    let app = init_service(app).await;
    let browser = Browser::new();
    let keys = "handler+http_request+lazy+service_request+tried";
    assert_eq!(get!(app, browser, "/all").body, keys);
    assert_eq!(store.take_calls(), ["create"], "without a token");
    assert_eq!(get!(app, browser, "/all").body, "handler+http_request+lazy+service_request+service_response+tried");
    assert_eq!(store.take_calls(), ["load"], "with one: nothing is new");
}

#[tokio::test]
async fn an_optional_session_is_some_under_the_middleware_and_was_presented_tells() {
    let (layer, _) = house();
    let who = async |session: Option<Session>| session.map(|session| session.was_presented().to_string());
    for is_lazy in [false, true] {
        let app = App::new().wrap(middleware(&layer, is_lazy)).configure(routes).route("/who", web::get().to(who));
        let app = init_service(app).await;
        let browser = Browser::new();
        assert_eq!(get!(app, browser, "/who").body, "false");
        get!(app, browser, "/app/insert:user:7");
        assert_eq!(get!(app, browser, "/who").body, "true");
    }
}

#[tokio::test]
async fn without_the_middleware_extractors_fail_and_get_session_is_detached_and_shared() {
    async fn shared(request: HttpRequest) -> impl Responder {
        assert!(request.try_get_session().expect_err("nobody is there").is_missing_layer());
        request.get_session().insert("n", 1).expect("JSON");
        request.get_session().update("n", |n: u32| n + 1).expect("a number");
        request.get_session().get::<u32>("n").expect("a number").unwrap_or_default().to_string()
    }
    let app = App::new()
        .configure(routes)
        .route("/shared", web::get().to(shared))
        .route("/lazy", web::get().to(async |_: LazySession| ""));
    let app = init_service(app).await;
    let browser = Browser::new();
    // The feature `actix-session` promises what that crate does: a detached session.
    let expected = if cfg!(feature = "actix-session") { (200, "none") } else { (500, "") };
    for (path, expected) in [("/app/get:a", expected), ("/lazy", (500, ""))] {
        let page = get!(app, browser, path);
        assert_eq!((page.status.as_u16(), page.body.as_str()), expected, "{path}");
    }
    for _ in 0..2 {
        assert_eq!(get!(app, browser, "/shared").body, "2", "one for the request, a new one for the next");
    }
}

#[tokio::test]
async fn a_lazy_middleware_says_what_to_do_where_nobody_has_loaded() {
    async fn unloaded(request: HttpRequest) -> impl Responder {
        let session = request.get_session();
        let error = session.get::<u32>("user").expect_err("not loaded");
        assert!(error.error().is_not_loaded() && error.error().to_string().contains("`.lazy()`"), "{error:?}");
        assert!(request.try_get_session().expect_err("not loaded").is_not_loaded());
        assert_eq!(session.status(), SessionStatus::Unchanged);
        ""
    }
    async fn tried(request: HttpRequest) -> Result<String, Error> {
        request.try_get_session().map(|_| String::new())
    }
    let (layer, store) = house();
    let app = App::new()
        .wrap(middleware(&layer, true))
        .configure(routes)
        .route("/unloaded", web::get().to(unloaded))
        .route("/tried", web::get().to(tried));
    let app = init_service(app).await;
    let browser = Browser::new();
    assert_eq!(get!(app, browser, "/tried").status, 200, "without a token there is nothing to load");
    get!(app, browser, "/app/insert:user:7");
    store.take_calls();
    assert_eq!(get!(app, browser, "/unloaded").status, 200);
    assert_eq!(get!(app, browser, "/tried").status, 500, "the program is wrong, not the store");
    assert!(store.take_calls().is_empty());
}

/// An operation that returns no error must not be lost without a trace, above all a logout.
#[tokio::test]
async fn an_act_on_a_session_that_nobody_loaded_fails_the_request() {
    let acts: [fn(&Session); 7] = [
        Session::purge,
        Session::restart,
        Session::renew,
        Session::clear,
        |session| drop(session.remove("user")),
        |session| session.set_owner("alice"),
        |session| session.set_lifetime(app::remember_me()),
    ];
    for (number, act) in acts.into_iter().enumerate() {
        let (layer, _) = house();
        let handler = move |request: HttpRequest| {
            act(&request.get_session());
            std::future::ready("done")
        };
        let app = App::new().wrap(middleware(&layer, true)).configure(routes).route("/act", web::get().to(handler));
        let app = init_service(app).await;
        let browser = Browser::new();
        get!(app, browser, "/app/insert:user:7");
        let page = get!(app, browser, "/act");
        assert_eq!((page.status.as_u16(), page.body.as_str()), (500, ""), "act {number}");
        assert_eq!(page.sent(), Sent::Nothing, "act {number}");
        assert_eq!(get!(app, browser, "/app/get:user").body, "7", "act {number}");
    }
}

#[tokio::test]
async fn errors_of_values_are_an_empty_500() {
    let (layer, _) = house();
    let read = async |session: Session| session.get::<u32>("a").map(|_| HttpResponse::Ok());
    let write = async |session: Session| session.update("a", |n: u32| n).map(|()| HttpResponse::Ok());
    let app = App::new()
        .wrap(middleware(&layer, false))
        .configure(routes)
        .route("/read", web::get().to(read))
        .route("/write", web::get().to(write));
    let app = init_service(app).await;
    let browser = Browser::new();
    get!(app, browser, "/app/insert:a:text");
    for path in ["/read", "/write"] {
        let page = get!(app, browser, path);
        assert_eq!((page.status.as_u16(), page.body.as_str()), (500, ""), "{path}");
    }
}

/// The load comes before the handler. Its error appears only if the session is used.
#[tokio::test]
async fn a_load_that_fails_before_the_handler_is_an_error_where_the_session_is_used() {
    let (layer, store) = house();
    let uses = async |_: Session| -> &'static str { panic!("it must not run") };
    let ignores = async || "hello";
    let app = App::new()
        .wrap(middleware(&layer, false))
        .configure(routes)
        .route("/uses", web::get().to(uses))
        .route("/ignores", web::get().to(ignores));
    let app = init_service(app).await;
    let browser = Browser::new();
    get!(app, browser, "/app/insert:user:7");
    for (path, status, body) in [("/uses", 503, ""), ("/ignores", 200, "hello")] {
        store.next(Verb::Load).fails();
        let page = get!(app, browser, path);
        assert_eq!((page.status.as_u16(), page.body.as_str(), page.sent()), (status, body, Sent::Nothing), "{path}");
    }
}

#[tokio::test]
async fn a_response_shows_no_token_when_it_is_logged() {
    let (layer, _) = house();
    let app = init_service(App::new().wrap(middleware(&layer, false)).configure(routes)).await;
    let request = TestRequest::get().uri("/app/insert:user:7").to_request();
    let response = app.call(request).await.expect("no error");
    let cookie = response.headers().get("set-cookie").expect("a new session").to_str().expect("text").to_owned();
    let secret = &cookie["__Host-Http-id=".len() + 22..][..22];
    let shown = format!("{:?}", response.headers());
    assert!(!shown.contains(secret), "{shown}");
}

/// An error of the application's own.
#[derive(Debug)]
struct Mine;

impl std::fmt::Display for Mine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("mine")
    }
}

impl actix_web::ResponseError for Mine {
    fn status_code(&self) -> actix_web::http::StatusCode {
        actix_web::http::StatusCode::IM_A_TEAPOT
    }
}

/// Writes to the session, and then fails.
async fn fails(
    request: ServiceRequest,
    _next: Next<impl MessageBody>,
) -> Result<ServiceResponse<actix_web::body::BoxBody>, actix_web::Error> {
    if request.path() != "/reads" {
        request.get_session().insert("n", 1)?;
    }
    drop(request.get_session().keys());
    Err(Mine.into())
}

/// Answers an inner middleware's error by its type; what it does not know, it passes on.
async fn knows(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    let is_asked = request.path() == "/asks";
    match next.call(request).await {
        Err(error) if is_asked => {
            assert!(error.as_error::<Mine>().is_some(), "{error:?}");
            Err(error)
        }
        outcome => outcome,
    }
}

#[tokio::test]
async fn an_outer_middleware_sees_the_errors_of_inner_ones_and_the_headers_arrive() {
    for is_lazy in [false, true] {
        let (layer, _) = house();
        let app =
            App::new().wrap(from_fn(fails)).wrap(middleware(&layer, is_lazy)).wrap(from_fn(knows)).configure(routes);
        let app = init_service(app).await;
        for (path, sent, caching) in [
            ("/asks", Sent::Token, Some("no-store")),
            ("/writes", Sent::Token, Some("no-store")),
            ("/reads", Sent::Nothing, None),
        ] {
            let page = get!(app, Browser::new(), path);
            assert_eq!((page.status.as_u16(), page.body.as_str(), page.sent()), (418, "mine", sent), "{path}");
            let header = |name: &str| page.headers.get(name).map(|value| value.to_str().expect("text"));
            assert_eq!((header("vary"), header("cache-control")), (Some("cookie"), caching), "{path}");
        }
    }
}
