//! Sessions that are extracted by hand, by code that does not wait, and in unit tests.

use actix_web::{Error, FromRequest, HttpRequest, dev::Payload, test::TestRequest, web};
use cloakroom::{
    Key, LazySession, MemoryStore, Scoped, Session, SessionValue, Typed,
    actix_web::{SessionExt as _, config::CookieContentSecurity, storage::SessionStore},
    testing::{FaultStore, Verb},
};

use crate::{
    house::{Site, builder},
    stores::over_every_store,
    support::{Browser, drivers::actix::routes, log::Log},
};

async fn extracted(request: HttpRequest) -> actix_web::Result<String> {
    let session = Session::extract(&request).into_inner()?;
    let other = Session::from_request(&request, &mut Payload::None).into_inner()?;
    other.insert("seen", true)?;
    let n = session.get::<u32>("n")?.unwrap_or_default();
    Ok(format!("{n} {}", session.contains_key("seen")))
}

fn by_hand(config: &mut web::ServiceConfig) {
    routes(config);
    config.route("/by-hand", web::get().to(extracted));
}

/// The futures of extractors are ready there, and some code takes the session out without waiting.
async fn into_inner_gives_the_session<S: SessionStore + 'static>(store: S, content: CookieContentSecurity) {
    let site = Site::with(builder(store).cookie_content_security(content).build(), by_hand);
    let browser = Browser::new();
    assert_eq!(site.get(&Browser::new(), "/by-hand").await.body, "0 true", "without a token");
    site.get(&browser, "/app/insert:n:5").await;
    assert_eq!(site.get(&browser, "/by-hand").await.body, "5 true");
    assert_eq!(site.get(&browser, "/app/get:seen").await.body, "true");
}
over_every_store!(into_inner_gives_the_session);

/// Row: an extractor's future.
#[actix_web::test]
async fn into_inner_fails_if_the_session_is_not_loaded_or_could_not_be() {
    let store = FaultStore::new(MemoryStore::new());
    let eager = Site::with(builder(store.clone()).build(), by_hand);
    let lazy = Site::with(builder(MemoryStore::new()).build().lazy(), by_hand);
    for (site, status, body) in [(&eager, 200, "5 true"), (&lazy, 500, "")] {
        let browser = Browser::new();
        site.get(&browser, "/app/insert:n:5").await;
        let page = site.get(&browser, "/by-hand").await;
        assert_eq!((page.status.as_u16(), page.body.as_str()), (status, body));
        assert_eq!(site.get(&browser, "/app/get:n").await.body, "5");
        store.every(Verb::Load).fails();
        let page = site.get(&browser, "/by-hand").await;
        assert_eq!((page.status.as_u16(), page.body.as_str()), (500, ""));
    }
}

/// Row: no middleware.
#[actix_web::test]
async fn without_the_middleware_a_session_is_detached_and_the_log_has_one_warning() {
    let log = Log::capture();
    for _ in 0..2 {
        let request = TestRequest::default().to_http_request();
        let session = Session::extract(&request).await.unwrap();
        session.insert("n", 1).unwrap();
        assert_eq!(Session::extract(&request).into_inner().unwrap().get::<u32>("n").unwrap(), Some(1), "one a request");
        assert_eq!(request.get_session().get::<u32>("n").unwrap(), Some(1));
        let other = TestRequest::default().to_http_request();
        assert!(Session::extract(&other).await.unwrap().is_empty());
        assert!(Option::<Session>::extract(&other).await.unwrap().is_some());
    }
    let text = log.text();
    let lines: Vec<&str> = text.lines().filter(|line| line.contains("session")).collect();
    assert!(lines.len() == 1 && lines[0].contains("WARN") && lines[0].contains("SessionMiddleware"), "{lines:?}");
}

#[derive(serde::Serialize, serde::Deserialize)]
struct Cart;

impl SessionValue for Cart {
    const KEY: Key<Self> = Key::new("cart");
}

struct Admin;

async fn error_of<T: FromRequest<Error = Error>>(request: &HttpRequest) -> Error {
    T::extract(request).await.map(drop).unwrap_err()
}

/// A type that actix-session does not have need not work as its types do.
#[actix_web::test]
async fn without_the_middleware_the_extractors_of_this_crate_name_it() {
    let request = TestRequest::default().to_http_request();
    let errors = [
        error_of::<LazySession>(&request).await,
        error_of::<Typed<Cart>>(&request).await,
        error_of::<Scoped<Admin>>(&request).await,
    ];
    for error in errors {
        assert!(error.to_string().contains("`SessionMiddleware`"), "{error}");
        assert_eq!(error.error_response().status(), 500);
    }
}
