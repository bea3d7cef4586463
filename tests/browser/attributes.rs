//! The cookies that Chromium keeps of those that the layer sends.

use std::time::{Duration, SystemTime};

use cloakroom::{CookieOptions, CookieOptionsBuilder, Lifetime, MemoryStore, SameSite, SessionLayer};
use thirtyfour::cookie::SameSite as Reported;

use super::{
    chromium::Chromium,
    site::{self, Site},
};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

fn layer(options: CookieOptionsBuilder) -> SessionLayer {
    SessionLayer::new(MemoryStore::new()).cookie(options.build().unwrap())
}

fn id() -> CookieOptionsBuilder {
    CookieOptions::builder().name("id")
}

/// Chromium trusts localhost as it trusts https, even for a `__Host-` name. On any other host over http, it keeps only
/// the cookies that `insecure_http` makes.
#[tokio::test]
async fn a_secure_cookie_is_kept_and_sent_on_this_machine_only() {
    let secure = Site::start(site::sessions(layer(CookieOptions::builder()))).await;
    let insecure = Site::start(site::sessions(layer(CookieOptions::builder().insecure_http()))).await;
    let browser = Chromium::start().await;
    for host in ["localhost", "127.0.0.1", "shop.test"] {
        browser.open(secure.url(host, "/start")).await;
        if host == "shop.test" {
            assert!(browser.cookies().await.is_empty());
        } else {
            let cookie = browser.cookie().await;
            assert_eq!((&*cookie.name, cookie.path.as_deref()), ("__Host-Http-id", Some("/")));
            assert_eq!((cookie.secure, cookie.http_only), (Some(true), Some(true)));
            assert_eq!((cookie.domain.as_deref(), cookie.same_site), (Some(host), Some(Reported::Lax)));
            assert_eq!(cookie.expiry, None, "it ends with the browser session");
            assert_eq!(browser.script::<String>("return document.cookie").await, "");
            browser.open(secure.url(host, "/sent")).await;
            assert_eq!(browser.text().await, format!("__Host-Http-id={}", cookie.value));
            browser.open(secure.url(host, "/end")).await;
            assert!(browser.cookies().await.is_empty());
        }

        browser.open(insecure.url(host, "/start")).await;
        let cookie = browser.cookie().await;
        assert_eq!((&*cookie.name, cookie.secure, cookie.http_only), ("id", Some(false), Some(true)));
        browser.open(insecure.url(host, "/sent")).await;
        assert_eq!(browser.text().await, format!("id={}", cookie.value));
        browser.open(insecure.url(host, "/end")).await;
        assert!(browser.cookies().await.is_empty());
    }
}

#[tokio::test]
async fn a_persistent_cookie_is_kept_until_the_absolute_limit_and_never_beyond_400_days() {
    let persistent = || Lifetime::builder().persistent();
    let table = [
        (persistent(), 30),
        (persistent().absolute(7 * DAY), 7),
        (persistent().absolute(400 * DAY), 400),
        (persistent().insecure_no_absolute(), 400),
    ];
    let browser = Chromium::start().await;
    for (lifetime, days) in table {
        let lifetime = lifetime.build().unwrap();
        let site = Site::start(site::sessions(layer(id()).lifetime(lifetime))).await;
        browser.open(site.url("localhost", "/start")).await;
        assert_days(browser.cookie().await.expiry, days);
        browser.open(site.url("localhost", "/end")).await;
        assert!(browser.cookies().await.is_empty());
    }

    // A lifetime that the layer refuses.
    let site = Site::start(site::cookies(&["id=1; Max-Age=40000000".to_owned()])).await;
    browser.open(site.url("localhost", "/set")).await;
    assert_days(browser.cookie().await.expiry, 400);
}

fn assert_days(expiry: Option<i64>, days: u32) {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    let left = Duration::from_secs(expiry.unwrap().try_into().unwrap()).saturating_sub(now);
    // The tolerance of a minute is for a busy machine.
    assert!(left <= days * DAY && left + Duration::from_secs(60) > days * DAY, "{left:?}");
}

#[tokio::test]
async fn each_option_is_kept_and_removed_again() {
    let table = [
        (id(), Reported::Lax),
        (id().same_site(SameSite::Strict), Reported::Strict),
        (id().same_site(SameSite::None), Reported::None),
        (id().partitioned(), Reported::Lax),
        (id().partitioned().same_site(SameSite::None), Reported::None),
        (id().domain("localhost"), Reported::Lax),
        (id().name("__Secure-id").domain("localhost").path("/shop"), Reported::Lax),
        (id().name("__Host-Http-id"), Reported::Lax),
        (id().insecure_allow_scripts(), Reported::Lax),
    ];
    let browser = Chromium::start().await;
    for (options, same_site) in table {
        let shown = format!("{options:?}");
        let site = Site::start(site::sessions(layer(options))).await;
        let text = async |path| {
            browser.open(site.url("localhost", path)).await;
            browser.text().await
        };
        assert_eq!(text("/shop/start").await, "started");
        let cookie = browser.cookie().await;
        let pair = format!("{}={}", cookie.name, cookie.value);
        assert_eq!(cookie.same_site, Some(same_site), "{shown}");
        assert_eq!(text("/shop/sent").await, pair, "{shown}");
        let is_everywhere = cookie.path.as_deref() == Some("/");
        assert_eq!(text("/sent").await, if is_everywhere { &*pair } else { "" }, "{shown}");
        assert_eq!(text("/shop/end").await, "ended");
        assert!(browser.cookies().await.is_empty(), "{shown}");
    }
}
