//! Cookies in both directions: malformed ones from clients, and those that browsers are sent.

use std::time::Duration;

use bytes::Bytes;
use cloakroom::{CookieOptions, MemoryStore, SameSite, SessionLayer};
use http::{HeaderValue, Request};

use crate::support::{App, Browser, Page, Sent, drivers, in_process};

/// The attributes that remove a cookie, for clients with and without `Max-Age`.
const EXPIRED: &str = "Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0";

fn layer() -> (SessionLayer, MemoryStore) {
    let store = MemoryStore::new();
    (SessionLayer::new(store.clone()), store)
}

/// Returns malformed `Cookie` headers. `TOKEN` stands for a valid token.
fn malformed() -> Vec<(&'static str, Vec<u8>)> {
    let many = |pair: &str| vec![pair; 10_000].join("; ").into_bytes();
    vec![
        ("empty", b"".to_vec()),
        ("blank", b" \t ".to_vec()),
        ("separators only", b";;; ; ;".to_vec()),
        ("no name", b"=TOKEN".to_vec()),
        ("no name and no value", b"=".to_vec()),
        ("no value", b"__Host-Http-id".to_vec()),
        ("an empty value", b"__Host-Http-id=".to_vec()),
        ("a value alone", b"TOKEN".to_vec()),
        ("quoted", b"__Host-Http-id=\"TOKEN\"".to_vec()),
        ("half a quote", b"__Host-Http-id=\"TOKEN".to_vec()),
        ("doubled equals sign", b"__Host-Http-id==TOKEN".to_vec()),
        ("a comma for a semicolon", b"a=1, __Host-Http-id=TOKEN, b=2".to_vec()),
        ("percent-encoded name", b"%5F%5FHost-id=TOKEN".to_vec()),
        ("percent-encoded value", b"__Host-Http-id=TOKEN%20".to_vec()),
        ("another case", b"__host-ID=TOKEN".to_vec()),
        ("a longer name", b"x__Host-Http-id=TOKEN; __Host-Http-id2=TOKEN; __Host-Http-id-=TOKEN".to_vec()),
        (
            "a prefix on the name",
            b"__Host-__Host-Http-id=TOKEN; __Secure-__Host-Http-id=TOKEN; $__Host-Http-id=TOKEN".to_vec(),
        ),
        ("too long", b"__Host-Http-id=TOKENA".to_vec()),
        ("padded", b"__Host-Http-id=TOKEN==".to_vec()),
        ("not UTF-8", b"__Host-Http-id=\xff\xfe\xfd; \xc3\x28=\xa0\xa1; a=\xf0\x28\x8c\xbc".to_vec()),
        ("not UTF-8 around it", b"__Host-Http-id=\xffTOKEN\xff".to_vec()),
        ("64 KiB", [b"__Host-Http-id=".to_vec(), vec![b'A'; 64 * 1024]].concat()),
        ("10,000 cookies", many("a=b")),
        ("10,000 of the name", many("__Host-Http-id=x")),
        ("attributes", b"$Version=1; __Host-Http-id=\"TOKEN\"; $Path=/; Domain=x".to_vec()),
    ]
}

async fn ask(app: &App, headers: &[Vec<u8>]) -> Page {
    let mut request = Request::get("/app/get:user/keys/presented");
    for header in headers {
        request = request.header("cookie", HeaderValue::from_bytes(header).expect("a server would take it"));
    }
    Page::new(app.send(request.body(Bytes::new()).expect("a request")).await)
}

#[tokio::test]
async fn a_malformed_cookie_never_panics_hides_a_neighbour_or_logs_anyone_in() {
    assert!(malformed().len() >= 23);
    for (app, _) in drivers::every(layer).await {
        let browser = Browser::new();
        browser.get(&app, "/app/insert:user:7").await;
        let good = browser.header().into_bytes();
        let token = good.strip_prefix(b"__Host-Http-id=").expect("its name").to_vec();
        for (kind, template) in malformed() {
            let at = format!("{kind}, {}", app.name);
            let bad = replaced(&template, b"TOKEN", &token);
            let page = ask(&app, std::slice::from_ref(&bad)).await;
            assert_eq!((page.body.as_str(), page.sent()), ("none  false", Sent::Nothing), "alone: {at}");
            let beside: [Vec<Vec<u8>>; 4] = [
                vec![[&bad[..], b"; ", &good].concat()],
                vec![[&good[..], b"; ", &bad].concat()],
                vec![bad.clone(), good.clone()],
                vec![good.clone(), bad.clone()],
            ];
            for headers in beside {
                let page = ask(&app, &headers).await;
                assert_eq!((page.status.as_u16(), page.body.as_str()), (200, "7 user true"), "beside: {at}");
                assert_eq!(page.sent(), Sent::Nothing, "beside: {at}");
            }
        }
    }
}

fn replaced(template: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let (mut made, mut rest) = (Vec::new(), template);
    while let Some((first, others)) = rest.split_first() {
        if let Some(behind) = rest.strip_prefix(from) {
            made.extend_from_slice(to);
            rest = behind;
        } else {
            made.push(*first);
            rest = others;
        }
    }
    made
}

/// Every single octet of a token is changed. No such token opens a session, and neither do halves of two tokens.
#[tokio::test]
async fn no_token_but_the_right_one_opens_a_session() {
    for (app, store) in in_process(layer).await {
        let (browser, other) = (Browser::new(), Browser::new());
        browser.get(&app, "/app/insert:user:7").await;
        other.get(&app, "/app/insert:user:8").await;
        let good = browser.header();
        let (start, token) = good.split_at("__Host-Http-id=".len());
        for at in 0..token.len() {
            for octet in [b'A', b'B', b'-', b'~', b'='] {
                let mut bytes = token.as_bytes().to_vec();
                if bytes[at] == octet {
                    continue;
                }
                bytes[at] = octet;
                let page = ask(&app, &[[start.as_bytes(), &bytes].concat()]).await;
                assert_eq!((page.body.as_str(), page.sent()), ("none  false", Sent::Nothing), "{}", app.name);
            }
        }
        let id_of_one_secret_of_the_other =
            format!("{}{}", &good[..start.len() + 22], &other.header()[start.len() + 22..]);
        assert_eq!(ask(&app, &[id_of_one_secret_of_the_other.into_bytes()]).await.body, "none  false", "{}", app.name);
        assert_eq!(store.len(), 2, "{}", app.name);
    }
}

#[tokio::test]
async fn four_tokens_are_tried_and_no_more() {
    for (app, _) in in_process(layer).await {
        let browser = Browser::new();
        browser.get(&app, "/app/insert:user:7").await;
        for (others, expected) in [(3, "7 user true"), (4, "none  false")] {
            let stale =
                |n| format!("__Host-Http-id={}; ", char::from(b'A' + n).to_string().repeat(21) + "A" + &"A".repeat(22));
            // The same one again counts once.
            let cookies = (0..others).map(stale).collect::<String>() + &stale(0) + &browser.header();
            assert_eq!(ask(&app, &[cookies.into_bytes()]).await.body, expected, "{others} others, {}", app.name);
        }
    }
}

#[tokio::test]
async fn a_cookie_has_the_attributes_that_were_asked_for_and_is_removed_with_the_same() {
    let new = CookieOptions::builder;
    let table = [
        (new(), "__Host-Http-id", "; Path=/; Secure; HttpOnly; SameSite=Lax"),
        (new().same_site(SameSite::Strict), "__Host-Http-id", "; Path=/; Secure; HttpOnly; SameSite=Strict"),
        (
            new().name("__Secure-shop").domain("example.com").path("/shop").same_site(SameSite::None).partitioned(),
            "__Secure-shop",
            "; Path=/shop; Domain=example.com; Secure; HttpOnly; Partitioned; SameSite=None",
        ),
        (new().name("id").insecure_allow_scripts(), "id", "; Path=/; Secure; SameSite=Lax"),
        (new().insecure_http(), "id", "; Path=/; HttpOnly; SameSite=Lax"),
    ];
    for (options, name, attributes) in table {
        let options = options.build().expect("a combination in order");
        for (app, ()) in in_process(|| (layer().0.cookie(options.clone()), ())).await {
            let page = Browser::new().peek(&app, "/app/insert:user:7").await;
            let browser = Browser::echo(&page);
            let token = browser.header().strip_prefix(&format!("{name}=")).expect("its name").to_owned();
            assert_eq!(token.len(), 44, "128 bits of each half: {page:?}");
            assert_eq!(page.cookies(), [format!("{name}={token}{attributes}")], "{}", app.name);
            let page = browser.get(&app, "/app/purge").await;
            assert_eq!(page.cookies(), [format!("{name}={attributes}; {EXPIRED}")], "{}", app.name);
        }
    }
}

#[tokio::test]
async fn insecure_http_changes_the_name_and_secure_together() {
    for (app, ()) in in_process(|| (layer().0.insecure_http(), ())).await {
        let browser = Browser::new();
        let page = browser.get(&app, "/app/insert:user:7").await;
        assert!(page.cookies()[0].starts_with("id=") && !page.cookies()[0].contains("Secure"), "{page:?}");
        assert_eq!(browser.get(&app, "/app/get:user").await.body, "7", "{}", app.name);
    }
}

#[tokio::test]
async fn the_applications_own_headers_stay() {
    for (app, _) in drivers::every(layer).await {
        let (browser, at) = (Browser::new(), app.name);
        let all = |page: &Page, name: &str| -> Vec<String> {
            page.headers.get_all(name).iter().map(|value| value.to_str().expect("text").to_owned()).collect()
        };
        let page = browser.get(&app, "/app/insert:user:7/cookie/vary/public").await;
        let cookies = all(&page, "set-cookie");
        assert!(cookies.len() == 2 && cookies[0] == "own=1", "appended: {at}: {page:?}");
        assert_eq!(all(&page, "vary"), ["accept-encoding, Cookie"], "it says so already: {at}");
        assert_eq!(all(&page, "cache-control"), ["public", "private"], "a cookie is in no shared cache: {at}");
        assert_eq!(browser.header().matches("__Host-Http-id=").count(), 1);

        let page = browser.get(&app, "/app/get:user/public").await;
        assert_eq!((page.body.as_str(), all(&page, "cache-control")), ("7", vec!["public".to_owned()]), "{at}");
        let page = browser.get(&app, "/app/get:user/language").await;
        assert_eq!(all(&page, "vary"), ["accept-language", "cookie"], "appended: {at}");
        let page = browser.get(&app, "/app/renew").await;
        assert_eq!(all(&page, "vary"), ["cookie"], "{at}");
        assert_eq!(all(&page, "cache-control"), ["no-store"], "a cookie is set: {at}");
        let page = browser.get(&app, "/app/purge/cookie").await;
        assert_eq!(all(&page, "set-cookie").len(), 2, "{at}");
        let page = Browser::new().get(&app, "/app/get:user").await;
        assert_eq!(all(&page, "vary"), ["cookie"], "read, and nobody was there: {at}");
        assert!(all(&page, "cache-control").is_empty(), "{at}");
        let page = browser.get(&app, "/plain").await;
        assert!(all(&page, "vary").is_empty() && all(&page, "set-cookie").is_empty(), "not read: {at}");
    }
}

/// Browsers keep a cookie for at most 400 days.
#[tokio::test]
async fn a_persistent_cookie_without_an_end_lives_for_400_days() {
    let limits = cloakroom::Lifetime::builder().idle(Duration::from_secs(60)).insecure_no_absolute().persistent();
    let app = drivers::tower::app(layer().0.lifetime(limits.build().expect("limits in order")));
    let page = Browser::new().get(&app, "/app/insert:user:7").await;
    assert!(page.cookies()[0].ends_with("; Max-Age=34560000"), "{page:?}");
}
