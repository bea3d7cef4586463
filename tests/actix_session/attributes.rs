//! The cookie's name and attributes.

use actix_web::cookie::{Cookie, SameSite, time::OffsetDateTime};
use cloakroom::{
    MemoryStore,
    actix_web::{
        config::{CookieContentSecurity, SessionMiddlewareBuilder},
        storage::{CookieSessionStore, SessionStore},
    },
};

use crate::{
    house::{Site, attribute, builder},
    stores::over_every_store,
    support::{Browser, Sent},
};

async fn the_default_cookie_and_its_removal<S: SessionStore + 'static>(store: S, content: CookieContentSecurity) {
    let site = Site::new(builder(store).cookie_content_security(content).build());
    let browser = Browser::new();
    let set = site.get(&browser, "/app/insert:user:7").await;
    let removal = site.get(&browser, "/app/purge").await;
    assert_eq!((set.sent(), removal.sent()), (Sent::Token, Sent::Removal));
    for page in [set, removal] {
        assert!(page.cookies()[0].starts_with("id="), "{page:?}");
        for (name, value) in [("Path", "/"), ("Secure", ""), ("HttpOnly", ""), ("SameSite", "Lax")] {
            assert_eq!(attribute(&page, name), Some(value), "{page:?}");
        }
        assert_eq!(attribute(&page, "Domain"), None);
        let is_removal = page.sent() == Sent::Removal;
        assert_eq!(attribute(&page, "Max-Age"), is_removal.then_some("0"));
        // As that crate's users read it in their tests.
        let cookie = Cookie::parse(page.cookies()[0].to_owned()).unwrap();
        let expires = cookie.expires_datetime();
        assert_eq!(expires.is_some(), is_removal, "{page:?}");
        assert!(expires.is_none_or(|date| date < OffsetDateTime::now_utc()), "{page:?}");
    }
}
over_every_store!(the_default_cookie_and_its_removal);

type Builder = SessionMiddlewareBuilder<MemoryStore>;

/// Compares a cookie with its removal: the first attribute of each pair, and its value if it has one.
#[actix_web::test]
async fn each_option_is_in_the_cookie_and_in_its_removal() {
    type Row = (fn(Builder) -> Builder, &'static str, Option<&'static str>);
    let table: [Row; 10] = [
        (|builder| builder.cookie_path("/shop".into()), "Path", Some("/shop")),
        (|builder| builder.cookie_domain(Some("example.com".into())), "Domain", Some("example.com")),
        (|builder| builder.cookie_domain(Some(".example.com".into())), "Domain", Some("example.com")),
        (|builder| builder.cookie_domain(Some(String::new())), "Domain", None),
        (|builder| builder.cookie_domain(Some("example.com".into())).cookie_domain(None), "Domain", None),
        (|builder| builder.cookie_secure(false), "Secure", None),
        (|builder| builder.cookie_http_only(false), "HttpOnly", None),
        (|builder| builder.cookie_same_site(SameSite::Strict), "SameSite", Some("Strict")),
        (|builder| builder.cookie_same_site(SameSite::Lax), "SameSite", Some("Lax")),
        (|builder| builder.cookie_same_site(SameSite::None), "SameSite", Some("None")),
    ];
    for (number, (option, name, value)) in table.into_iter().enumerate() {
        let site = Site::new(option(builder(MemoryStore::new())).build());
        let sent = site.peek(&Browser::new(), "/app/insert:user:7").await;
        let removed = site.peek(&Browser::echo(&sent), "/app/purge").await;
        for page in [sent, removed] {
            assert_eq!(page.cookies().len(), 1, "row {number}: {page:?}");
            assert_eq!(attribute(&page, name), value, "row {number}: {page:?}");
        }
    }
}

#[actix_web::test]
async fn the_cookie_is_called_as_it_is_told() {
    for name in ["shop", "__Host-id"] {
        let site = Site::new(builder(MemoryStore::new()).cookie_name(name.into()).build());
        let browser = Browser::new();
        let page = site.get(&browser, "/app/insert:user:7").await;
        assert!(page.cookies()[0].starts_with(&format!("{name}=")), "{page:?}");
        assert_eq!(site.get(&browser, "/app/get:user").await.body, "7");
        let page = site.get(&browser, "/app/purge").await;
        assert!(page.cookies()[0].starts_with(&format!("{name}=;")), "{page:?}");
    }
}

/// Everybody who has the cookie can read a signed session, but not a private one.
#[actix_web::test]
async fn what_is_in_the_cookie_can_be_read_only_where_it_is_merely_signed() {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    for (content, is_readable) in [(CookieContentSecurity::Private, false), (CookieContentSecurity::Signed, true)] {
        let site = Site::new(builder(CookieSessionStore::default()).cookie_content_security(content).build());
        let browser = Browser::new();
        site.get(&browser, "/app/insert:user:ferris-the-crab").await;
        let header = browser.header();
        let value = header.strip_prefix("id=").unwrap();
        // The text may begin anywhere, so one of four cuts is at the border of a group.
        let is_found = (0..4).any(|cut| {
            let groups = &value[cut..];
            let bytes = URL_SAFE_NO_PAD.decode(&groups[..groups.len() / 4 * 4]).unwrap_or_default();
            bytes.windows(16).any(|part| part == b"ferris-the-crab\"")
        });
        assert_eq!(is_found, is_readable, "{content:?}: {value}");
        assert_eq!(site.get(&browser, "/app/get:user").await.body, "ferris-the-crab");
    }
}
