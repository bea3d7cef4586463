//! Tokens in a header, for clients that keep no cookies.

use cloakroom::{MemoryStore, SessionLayer, actix_web::SessionMiddleware};
use http::{HeaderValue, Request, Response, StatusCode};

use crate::app::{Browser, load};

const NAME: &str = "x-session-token";

/// The content of a cookie or a header: nothing, an empty value, or a token.
#[derive(Clone, Copy, Debug)]
enum Sends {
    Nothing,
    Empty,
    Token(usize),
}
use Sends::{Empty, Nothing, Token};

fn request(tokens: &[String], cookie: Sends, header: Sends) -> Request<()> {
    let mut request = Request::new(());
    let text = |sends| match sends {
        Nothing => None,
        Empty => Some(""),
        Token(n) => Some(tokens[n].as_str()),
    };
    let mut insert = |name: &'static str, value: String| {
        request.headers_mut().insert(name, HeaderValue::try_from(value).expect("ascii"));
    };
    if let Some(token) = text(cookie) {
        insert("cookie", format!("a=b; __Host-Http-id={token}"));
    }
    if let Some(token) = text(header) {
        insert(NAME, token.to_owned());
    }
    request
}

/// Returns a response's new tokens, in the cookie and in the header. An empty one removes the token.
fn given(response: &Response<String>) -> (Option<String>, Option<String>) {
    let cookie = response.headers().get("set-cookie").map(|value| {
        assert!(value.is_sensitive());
        let text = value.to_str().expect("ascii").strip_prefix("__Host-Http-id=").expect("our cookie");
        text.split(';').next().expect("a value").to_owned()
    });
    let header = response.headers().get(NAME).map(|value| {
        assert!(value.is_sensitive(), "no log shows it");
        value.to_str().expect("ascii").to_owned()
    });
    assert!(response.headers().get_all("set-cookie").iter().count() < 2);
    assert!(response.headers().get_all(NAME).iter().count() < 2);
    (cookie, header)
}

/// Returns the tokens of two sessions.
async fn two(layer: &SessionLayer) -> Vec<String> {
    let mut tokens = Vec::new();
    for n in 0..2 {
        let mut browser = Browser::default();
        browser.visit(layer, async |session| session.insert("n", n).unwrap()).await;
        tokens.push(browser.token().expect("a session"));
    }
    tokens.push("a".repeat(44)); // It does not parse.
    tokens.push("A".repeat(44)); // It parses, and opens no session.
    tokens
}

async fn send(
    layer: &SessionLayer,
    request: Request<()>,
    act: impl AsyncFnOnce(cloakroom::Session),
) -> Response<String> {
    Browser::default()
        .ask(layer, request, async |request| {
            act(load(&request).await.expect("memory")).await;
            Response::default()
        })
        .await
}

#[tokio::test]
async fn the_cookie_comes_first_and_the_answer_goes_where_the_token_came_from() {
    #[derive(Debug, PartialEq)]
    enum Goes {
        Cookie,
        Header,
    }
    use Goes::{Cookie, Header};
    // The request's tokens, the session that they open, and the transport of a renewed or new token.
    let table = [
        (Nothing, Nothing, None, Cookie),
        (Nothing, Empty, None, Header),
        (Empty, Empty, None, Header),
        (Empty, Nothing, None, Cookie),
        (Token(0), Nothing, Some(0), Cookie),
        (Token(0), Empty, Some(0), Cookie),
        (Nothing, Token(0), Some(0), Header),
        (Empty, Token(0), Some(0), Header),
        (Token(0), Token(1), Some(0), Cookie),
        (Token(0), Token(0), Some(0), Cookie),
        (Token(2), Token(1), Some(1), Header),
        (Token(3), Token(1), Some(1), Header),
        (Token(0), Token(3), Some(0), Cookie),
        (Token(2), Token(2), None, Header),
        (Nothing, Token(2), None, Header),
        (Nothing, Token(3), None, Header),
        (Token(3), Nothing, None, Cookie),
        (Token(3), Token(3), None, Cookie),
    ];
    for (cookie, header, opens, goes) in table {
        let what = format!("cookie {cookie:?}, header {header:?}");
        let store = MemoryStore::new();
        let tokens = two(&SessionLayer::new(store.clone())).await;
        let layer = SessionLayer::new(store).header(NAME).expect("a name");
        let mut seen = None;
        let response = send(&layer, request(&tokens, cookie, header), async |session| {
            seen = session.get::<u8>("n").unwrap();
            session.renew();
            session.insert("more", true).unwrap();
        })
        .await;
        assert_eq!(seen, opens, "{what}");
        let (in_cookie, in_header) = given(&response);
        let token = match goes {
            Cookie => in_cookie.as_ref().filter(|_| in_header.is_none()),
            Header => in_header.as_ref().filter(|_| in_cookie.is_none()),
        };
        let token = token.unwrap_or_else(|| panic!("{what}: {goes:?}, not {in_cookie:?} {in_header:?}")).clone();
        assert_eq!(response.headers()["cache-control"], "no-store", "{what}");

        let mut seen = None;
        let response = send(&layer, request(&[token], Nothing, Token(0)), async |session| {
            seen = session.get::<bool>("more").unwrap();
        })
        .await;
        assert_eq!(seen, Some(true), "{what}: the new token opens the session");
        assert_eq!(given(&response), (None, None), "{what}: nothing new");
        assert!(!response.headers().contains_key("cache-control"), "{what}");
    }
}

#[tokio::test]
async fn a_purge_gives_an_empty_header() {
    let layer = SessionLayer::new(MemoryStore::new()).header(NAME).expect("a name");
    let tokens = two(&layer).await;
    let response = send(&layer, request(&tokens, Nothing, Token(0)), async |session| session.purge()).await;
    assert_eq!(given(&response), (None, Some(String::new())));
    let response = send(&layer, request(&tokens, Token(1), Nothing), async |session| session.purge()).await;
    assert_eq!(given(&response), (Some(String::new()), None));
    for n in 0..2 {
        send(&layer, request(&tokens, Nothing, Token(n)), async |session| assert!(session.is_empty())).await;
    }
}

/// A logout ends all presented sessions. The response removes one token; the other one opens nothing any more.
#[tokio::test]
async fn a_purge_with_two_tokens_ends_both_sessions() {
    let layer = SessionLayer::new(MemoryStore::new()).header(NAME).expect("a name");
    let tokens = two(&layer).await;
    let response = send(&layer, request(&tokens, Token(0), Token(1)), async |session| session.purge()).await;
    assert_eq!(given(&response), (Some(String::new()), None));
    for n in 0..2 {
        send(&layer, request(&tokens, Nothing, Token(n)), async |session| assert!(session.is_empty())).await;
    }
}

#[tokio::test]
async fn responses_vary_on_every_header_that_was_looked_at() {
    let vary = |response: &Response<String>| {
        let mut names: Vec<_> =
            response.headers().get_all("vary").iter().map(|name| name.to_str().unwrap().to_lowercase()).collect();
        names.sort_unstable();
        names
    };
    let both = SessionLayer::new(MemoryStore::new()).header(NAME).expect("a name");
    let only = SessionLayer::new(MemoryStore::new()).header_only(NAME).expect("a name");
    for (layer, expected) in [(&both, vec!["cookie", NAME]), (&only, vec![NAME])] {
        let acts: [fn(&cloakroom::Session); 3] = [
            |session| assert!(session.is_empty()),
            |session| assert!(!session.was_presented()),
            |session| session.insert("n", 1).unwrap(),
        ];
        for act in acts {
            let response = send(layer, Request::new(()), async |session| act(&session)).await;
            assert_eq!(vary(&response), expected);
        }
        let response = send(layer, Request::new(()), async |_| ()).await;
        assert_eq!(vary(&response), [""; 0], "loaded, and not looked at");
        let response = Browser::default().ask(layer, Request::new(()), async |_| Response::default()).await;
        assert_eq!(vary(&response), [""; 0], "nobody looked");
    }
    // The layer does not repeat the application's values.
    let response = Browser::default()
        .ask(&both, Request::new(()), async |request| {
            assert!(load(&request).await.expect("memory").is_empty());
            let mut response = Response::default();
            response.headers_mut().insert("vary", HeaderValue::from_static("Accept, X-Session-Token"));
            response
        })
        .await;
    assert_eq!(vary(&response), ["accept, x-session-token", "cookie"]);
}

#[tokio::test]
async fn without_a_cookie_only_the_header_counts() {
    let store = MemoryStore::new();
    let tokens = two(&SessionLayer::new(store.clone())).await;
    let layer = SessionLayer::new(store).header_only(NAME).expect("a name");
    for (cookie, header, opens) in [
        (Token(0), Nothing, None),
        (Nothing, Token(1), Some(1)),
        (Token(0), Token(1), Some(1)),
        (Nothing, Nothing, None),
    ] {
        let mut seen = None;
        let response = send(&layer, request(&tokens, cookie, header), async |session| {
            seen = session.get::<u8>("n").unwrap();
            if opens.is_none() {
                session.insert("n", 7).unwrap();
            }
        })
        .await;
        assert_eq!(seen, opens);
        let (in_cookie, in_header) = given(&response);
        assert_eq!((in_cookie, in_header.is_some()), (None, opens.is_none()));
    }
}

#[test]
fn a_name_that_is_none_is_refused() {
    for name in ["", "x session", "x:session", "sitzung\u{fc}", "x\r\nset-cookie"] {
        assert!(SessionLayer::new(MemoryStore::new()).header(name).is_err(), "{name:?}");
        assert!(SessionLayer::new(MemoryStore::new()).header_only(name).is_err(), "{name:?}");
    }
    assert!(SessionLayer::new(MemoryStore::new()).header("X-Session-Token").is_ok());
}

#[actix_web::test]
async fn actix_does_the_same() {
    use actix_web::{App, test, web};

    async fn visits(session: cloakroom::Session) -> actix_web::Result<String> {
        session.update_or("visits", 1, |visits: u32| visits + 1)?;
        Ok(format!("{:?}", session.get::<u32>("visits")?))
    }
    async fn leave(session: cloakroom::Session) -> &'static str {
        session.purge();
        "bye"
    }
    // One of them uses `cookie`.
    for name in [NAME, "x-sess"] {
        let layer = SessionLayer::new(MemoryStore::new()).header_only(name).expect("a name");
        let app = App::new()
            .wrap(SessionMiddleware::from(layer))
            .route("/", web::get().to(visits))
            .route("/leave", web::get().to(leave));
        let app = test::init_service(app).await;
        let mut token = String::new();
        let mut call = async |path: &str| {
            let request = test::TestRequest::with_uri(path).insert_header((name, token.as_str())).to_request();
            let response = test::call_service(&app, request).await;
            assert_eq!(response.status().as_u16(), StatusCode::OK.as_u16());
            assert_eq!(response.headers().get("vary").expect("read"), name);
            assert!(!response.headers().contains_key("set-cookie"));
            let given = response.headers().get(name).map(|value| value.to_str().expect("ascii").to_owned());
            if let Some(given) = &given {
                token.clone_from(given);
            }
            (given.map(|token| token.len()), test::read_body(response).await)
        };
        assert_eq!(call("/").await, (Some(44), "Some(1)".into()));
        assert_eq!(call("/").await, (None, "Some(2)".into()));
        assert_eq!(call("/leave").await, (Some(0), "bye".into()));
        assert_eq!(call("/").await, (Some(44), "Some(1)".into()));
    }
}
