//! Tokens in `Authorization: Bearer`.

use cloakroom::{MemoryStore, SessionLayer};
use http::{Request, Response, header::AUTHORIZATION};

use crate::app::{Browser, load};

/// Makes one request that counts, with this `Authorization`.
async fn count(layer: &SessionLayer, browser: &mut Browser, authorization: Option<&str>) -> Response<String> {
    let mut request: Request<()> = browser.request();
    if let Some(value) = authorization {
        request.headers_mut().insert(AUTHORIZATION, value.parse().expect("a header"));
    }
    let handler = async |request: Request<()>| {
        let session = load(&request).await.expect("memory");
        session.update_or("n", 1, |n: u32| n + 1).expect("a number");
        Response::new(session.get::<u32>("n").expect("a number").unwrap_or_default().to_string())
    };
    browser.ask(layer, request, handler).await
}

fn given(response: &Response<String>) -> Option<&str> {
    response.headers().get(AUTHORIZATION).map(|value| value.to_str().expect("text"))
}

#[tokio::test]
async fn a_client_without_cookies_keeps_its_session_by_its_bearer_token() {
    let named = SessionLayer::new(MemoryStore::new()).header("Authorization").expect("a header");
    let only = SessionLayer::new(MemoryStore::new()).header_only("authorization").expect("a header");
    for layer in [SessionLayer::new(MemoryStore::new()).bearer(), named, only] {
        let mut client = Browser::default();
        let first = count(&layer, &mut client, Some("Bearer")).await;
        assert!(first.headers()[AUTHORIZATION].is_sensitive());
        let token = given(&first).expect("a token").to_owned();
        assert!(token.starts_with("Bearer ") && !first.headers().contains_key("set-cookie"), "{token}");
        for (n, sent) in [(2, token.clone()), (3, token.replace("Bearer ", "bearer  "))] {
            let next = count(&layer, &mut client, Some(&sent)).await;
            assert_eq!((next.body().as_str(), given(&next)), (n.to_string().as_str(), None));
        }
    }
}

#[tokio::test]
async fn another_scheme_never_keeps_the_cookie_from_a_browser() {
    let layer = SessionLayer::new(MemoryStore::new()).bearer();
    for scheme in [Some("Basic dXNlcjpwdw=="), Some("BearerX abc"), Some("Bea"), None] {
        let mut browser = Browser::default();
        for n in 1..=3 {
            let response = count(&layer, &mut browser, scheme).await;
            assert_eq!((response.body(), given(&response)), (&n.to_string(), None), "{scheme:?}");
            assert_eq!(response.headers().contains_key("set-cookie"), n == 1, "{scheme:?}");
        }
    }
}
