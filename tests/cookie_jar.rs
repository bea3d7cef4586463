//! The cookie jar drops what browsers drop.

use std::time::Duration;

use cloakroom::testing::{CookieJar, Refusal, TestClock};
use http::{HeaderMap, HeaderValue, header};

const HTTPS: &str = "https://shop.example.com/cart/items";
const HTTP: &str = "http://shop.example.com/cart/items";
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

fn response(lines: &[&str]) -> HeaderMap {
    let line = |line: &&str| (header::SET_COOKIE, HeaderValue::from_str(line).expect("a header"));
    lines.iter().map(line).collect()
}

fn sent(jar: &CookieJar, url: &str) -> String {
    jar.header(url).map(|header| header.to_str().expect("text").to_owned()).unwrap_or_default()
}

#[test]
fn keeps_or_refuses_as_a_browser_does() {
    let long = format!("n={}", "v".repeat(4095));
    let too_long = format!("n={}", "v".repeat(4096));
    let table: &[(&str, &str, Option<Refusal>)] = &[
        (HTTPS, "__Host-id=1; Path=/; Secure; HttpOnly; SameSite=Lax", None),
        (HTTPS, "__Host-id=1; Path=/", Some(Refusal::Prefix)),
        (HTTPS, "__Host-id=1; Secure", Some(Refusal::Prefix)),
        (HTTPS, "__Host-id=1; Secure; Path=/cart", Some(Refusal::Prefix)),
        (HTTPS, "__Host-id=1; Secure; Path=/; Domain=shop.example.com", Some(Refusal::Prefix)),
        (HTTPS, "__host-id=1; Path=/", Some(Refusal::Prefix)),
        (HTTPS, "=__Host-id=1; Path=/; Secure", Some(Refusal::Prefix)),
        (HTTPS, "__Host-Http-id=1; Path=/; Secure; HttpOnly", None),
        (HTTPS, "__Host-Http-id=1; Path=/; Secure", Some(Refusal::Prefix)),
        (HTTPS, "__Host-Http-id=1; Path=/cart; Secure; HttpOnly", Some(Refusal::Prefix)),
        (HTTPS, "__Http-id=1; Path=/cart; Secure; HttpOnly", None),
        (HTTPS, "__Http-id=1; Secure", Some(Refusal::Prefix)),
        (HTTPS, "=__Http-id=1; Secure; HttpOnly", Some(Refusal::Prefix)),
        (HTTPS, "__Secure-id=1; Secure; Domain=example.com", None),
        (HTTPS, "__SECURE-id=1", Some(Refusal::Prefix)),
        (HTTP, "__Host-id=1; Path=/; Secure", Some(Refusal::Insecure)),
        (HTTP, "id=1; Secure", Some(Refusal::Insecure)),
        (HTTP, "id=1", None),
        (HTTPS, "id=1; SameSite=None", Some(Refusal::NeedsSecure)),
        (HTTPS, "id=1; SameSite=None; Secure", None),
        (HTTPS, "id=1; Partitioned", Some(Refusal::NeedsSecure)),
        (HTTPS, "id=1; Domain=example.com", None),
        (HTTPS, "id=1; Domain=.EXAMPLE.com", None),
        (HTTPS, "id=1; Domain=other.example.com", Some(Refusal::Domain)),
        (HTTPS, "id=1; Domain=example.org", Some(Refusal::Domain)),
        (HTTPS, "id=1; Domain=com", Some(Refusal::Domain)),
        ("https://localhost/", "id=1; Domain=localhost", None),
        ("https://127.0.0.1/", "id=1; Domain=0.0.1", Some(Refusal::Domain)),
        (HTTPS, &long, None),
        (HTTPS, &too_long, Some(Refusal::TooLarge)),
        (HTTPS, "; Secure", Some(Refusal::Malformed)),
    ];
    for (url, line, expected) in table {
        let mut jar = CookieJar::new();
        let refused = jar.store(&response(&[line]), url);
        assert_eq!(refused.first().map(|(_, why)| *why), *expected, "{url} {line}");
        assert_eq!(jar.header(url).is_none(), expected.is_some(), "{url} {line}");
    }
}

#[test]
fn sends_cookies_where_they_belong() {
    let mut jar = CookieJar::new();
    let lines = ["site=1; Domain=example.com; Path=/", "host=2; Path=/", "deep=3", "safe=4; Path=/; Secure"];
    assert_eq!(jar.store(&response(&lines), HTTPS), []);
    let table = [
        ("https://shop.example.com/", "site=1; host=2; safe=4"),
        ("https://shop.example.com:8443/", "site=1; host=2; safe=4"),
        ("http://shop.example.com/", "site=1; host=2"),
        ("https://shop.example.com/cart", "deep=3; site=1; host=2; safe=4"),
        ("https://shop.example.com/cartoon", "site=1; host=2; safe=4"),
        ("https://example.com/", "site=1"),
        ("https://a.shop.example.com/", "site=1"),
        ("https://badexample.com/", ""),
    ];
    for (url, expected) in table {
        assert_eq!(sent(&jar, url), expected, "{url}");
    }
    assert_eq!(jar.value("https://example.com/", "site"), Some("1"));
    assert_eq!(jar.value("https://example.com/", "host"), None);
}

#[test]
fn replaces_and_removes_in_place() {
    let mut jar = CookieJar::new();
    jar.store(&response(&["a=1; Path=/", "b=1; Path=/"]), HTTPS);
    jar.store(&response(&["a=2; Path=/"]), HTTPS);
    assert_eq!(sent(&jar, HTTPS), "a=2; b=1");
    jar.store(&response(&["a=; Path=/other; Max-Age=0"]), HTTPS);
    assert_eq!(sent(&jar, HTTPS), "a=2; b=1", "a removal needs the same path");
    jar.store(&response(&["a=; Path=/; Max-Age=0"]), HTTPS);
    assert_eq!(sent(&jar, HTTPS), "b=1");
    jar.store(&response(&["b=; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT"]), HTTPS);
    assert_eq!(jar.header(HTTPS), None);
}

#[test]
fn plain_http_leaves_secure_cookies_alone() {
    let mut jar = CookieJar::new();
    jar.store(&response(&["id=1; Path=/; Secure"]), HTTPS);
    for line in ["id=2; Path=/", "id=2; Path=/cart", "id=2; Domain=example.com; Path=/", "id=; Path=/; Max-Age=0"] {
        let refused = jar.store(&response(&[line]), HTTP);
        assert_eq!(refused, [("id".to_owned(), Refusal::ShadowsSecure)], "{line}");
    }
    assert_eq!(sent(&jar, HTTPS), "id=1");
}

#[test]
fn cookies_end_by_its_clock_and_after_400_days_at_most() {
    let clock = TestClock::new();
    let mut jar = CookieJar::new().clock(clock.clone());
    let lines = [
        "session=1",
        "day=1; Max-Age=86400",
        "long=1; Max-Age=99999999999999999999999",
        "max=1; Max-Age=99999999; Expires=Thu, 01 Jan 1970 00:00:00 GMT",
        "odd=1; Max-Age=soon",
    ];
    assert_eq!(jar.store(&response(&lines), HTTPS), []);
    clock.advance(DAY.saturating_sub(Duration::from_secs(1)));
    assert_eq!(sent(&jar, HTTPS), "session=1; day=1; long=1; max=1; odd=1");
    clock.advance(Duration::from_secs(1));
    assert_eq!(sent(&jar, HTTPS), "session=1; long=1; max=1; odd=1");
    let mut closed = jar.clone();
    closed.close_browser();
    assert_eq!(sent(&closed, HTTPS), "long=1; max=1");
    clock.advance(DAY * 399);
    assert_eq!(sent(&jar, HTTPS), "session=1; odd=1");
}
