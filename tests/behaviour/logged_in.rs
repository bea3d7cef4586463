//! Tests of an application as a user who is logged in, and `take`.

use actix_web::{FromRequest as _, HttpMessage as _, test::TestRequest};
use axum::{Router, body::Body, extract::FromRequestParts as _, routing::get};
use cloakroom::{
    CookieOptions, Key, LazySession, MemoryStore, Session, SessionLayer, Typed,
    actix_web::SessionExt as _,
    testing::{FaultStore, Verb},
};
use http::{Request, StatusCode, header};
use tower::ServiceExt as _;

const MESSAGE: Key<String> = Key::new("message");

async fn account(session: Option<Session>) -> Result<String, StatusCode> {
    session.and_then(|session| session.owner()).ok_or(StatusCode::UNAUTHORIZED)
}

async fn status(app: &Router, cookie: Option<&http::HeaderValue>) -> u16 {
    let mut request = Request::get("/account").body(Body::empty()).expect("a request");
    request.headers_mut().extend(cookie.map(|cookie| (header::COOKIE, cookie.clone())));
    app.clone().oneshot(request).await.expect("infallible").status().as_u16()
}

#[tokio::test]
async fn a_test_s_cookie_opens_the_session_that_it_filled() {
    let store = FaultStore::new(MemoryStore::new());
    let named = CookieOptions::builder().name("__Host-shop").build().expect("a name");
    for layer in [SessionLayer::new(store.clone()), SessionLayer::new(store.clone()).cookie(named)] {
        let app = Router::new().route("/account", get(account)).layer(layer.clone());
        assert_eq!(status(&app, None).await, 401);
        let guest = layer.test_cookie(|_| ()).await;
        let ada = layer.test_cookie(|session| session.login("ada")).await;
        assert!(ada.is_sensitive() && !ada.to_str().expect("text").contains(';'));
        assert_eq!((status(&app, Some(&guest)).await, status(&app, Some(&ada)).await), (401, 200));
        assert_eq!(layer.owners().expect("an index").list("ada").await.expect("it works").len(), 1);
        layer.owners().expect("an index").revoke_all("ada").await.expect("it works");
        assert_eq!(status(&app, Some(&ada)).await, 401);
    }
    store.next(Verb::Create).fails();
    let panics = tokio::spawn(async move { SessionLayer::new(store).test_cookie(|_| ()).await }).await;
    assert!(panics.is_err_and(|error| error.is_panic()));
}

#[tokio::test]
async fn a_session_in_the_extensions_is_what_extractors_of_axum_find() {
    let session = Session::new();
    session.insert(MESSAGE, "hello".to_owned()).expect("JSON");
    let (mut parts, ()) = Request::new(()).into_parts();
    assert!(
        Session::from_request_parts(&mut parts, &()).await.is_err_and(|failure| failure.error().is_missing_layer())
    );
    parts.extensions.insert(session);
    let found = Session::from_request_parts(&mut parts, &()).await.expect("it is there");
    assert_eq!(found.get(MESSAGE).expect("text").as_deref(), Some("hello"));
    let lazy = LazySession::from_request_parts(&mut parts, &()).await.expect("it is there");
    lazy.load().await.expect("it is loaded").remove(MESSAGE);
    assert!(found.is_empty(), "one session");
    let of = LazySession::of(&parts.extensions).expect("it is there").loaded();
    assert!(of.is_some_and(|session| session.is_empty()));
}

#[derive(Default, serde::Deserialize, serde::Serialize)]
struct Cart(Vec<String>);

impl cloakroom::SessionValue for Cart {
    const KEY: Key<Self> = Key::new("cart");
}

#[actix_web::test]
async fn a_session_in_the_extensions_is_what_extractors_of_actix_find() {
    let request = TestRequest::default().to_http_request();
    let (session, mut payload) = (Session::new(), actix_web::dev::Payload::None);
    session.insert(MESSAGE, "hello".to_owned()).expect("JSON");
    assert!(LazySession::from_request(&request, &mut payload).await.is_err());
    request.extensions_mut().insert(session);
    let cart = Typed::<Cart>::from_request(&request, &mut payload).await.expect("it is there");
    cart.set(Cart(vec!["coat".to_owned()])).expect("JSON");
    let lazy = LazySession::from_request(&request, &mut payload).await.expect("it is there");
    for found in [
        Session::from_request(&request, &mut payload).await.expect("it is there"),
        request.get_session(),
        request.try_get_session().expect("it is there"),
        lazy.load().await.expect("it is loaded"),
    ] {
        assert_eq!(found.keys(), ["cart", "message"]);
    }
}

#[test]
fn take_reads_and_removes() {
    let session = Session::new();
    assert_eq!(session.take(MESSAGE).expect("nothing"), None);
    session.insert(MESSAGE, "hello".to_owned()).expect("JSON");
    let error = session.take::<u32>("message").expect_err("a text");
    assert!(error.error().is_json() && error.key() == "message");
    assert_eq!(session.take(MESSAGE).expect("a text").as_deref(), Some("hello"), "the failure left it");
    assert_eq!(session.take(MESSAGE).expect("nothing"), None);
    session.purge();
    assert_eq!(session.take(MESSAGE).expect("nothing"), None);
}

/// It is a removal like any other: another request's write of another key is kept, and nothing conflicts.
#[tokio::test]
async fn a_message_is_shown_once() {
    let layer = SessionLayer::new(MemoryStore::new());
    let mut browser = crate::app::Browser::default();
    browser.visit(&layer, async |session| session.insert(MESSAGE, "hello".to_owned()).expect("JSON")).await;
    let mut other = browser.clone();
    let taken = browser
        .visit(&layer, async |session| {
            let taken = session.take(MESSAGE).expect("a text");
            other.visit(&layer, async |session| session.insert("theme", "dark").expect("JSON")).await;
            taken
        })
        .await;
    assert_eq!(taken.as_deref(), Some("hello"));
    let keys = browser.visit(&layer, async |session| (session.take(MESSAGE).expect("nothing"), session.keys())).await;
    assert_eq!(keys, (None, vec!["theme".to_owned()]));
}
