//! The cookies that a browser sends with requests from other sites.

use cloakroom::{CookieOptions, MemoryStore, SameSite, SessionLayer};

use super::{
    chromium::Chromium,
    site::{self, Site},
};

/// Serves a page of another site, with a form and a link to the shop.
async fn elsewhere(shop: &Site) -> Site {
    let sent = shop.url("localhost", "/sent");
    Site::start(site::page(format!(
        "<!doctype html><form method=post action='{sent}'><button>Win</button></form><a href='{sent}'>Look</a>"
    )))
    .await
}

/// Returns the cookies that the shop gets after a click on that page.
async fn sent(browser: &Chromium, from: String, click: &str) -> String {
    browser.open(from).await;
    browser.find(click).await.click().await.unwrap();
    browser.find("pre").await;
    browser.text().await
}

#[tokio::test]
async fn other_sites_forms_post_without_the_session_and_their_links_lead_into_it() {
    let table = [(SameSite::Strict, false, false), (SameSite::Lax, false, true), (SameSite::None, true, true)];
    let browser = Chromium::start().await;
    for (same_site, by_form, by_link) in table {
        let options = CookieOptions::builder().same_site(same_site).build().unwrap();
        let shop = Site::start(site::sessions(SessionLayer::new(MemoryStore::new()).cookie(options))).await;
        let elsewhere = elsewhere(&shop).await;
        browser.open(shop.url("localhost", "/start")).await;
        let cookie = browser.cookie().await;
        let cookie = format!("{}={}", cookie.name, cookie.value);
        for (click, from, expected) in [
            ("button", "127.0.0.1", by_form),
            ("a", "127.0.0.1", by_link),
            // The same host with another port is the same site.
            ("button", "localhost", true),
            ("a", "localhost", true),
        ] {
            let sent = sent(&browser, elsewhere.url(from, "/"), click).await;
            assert_eq!(sent, if expected { &*cookie } else { "" }, "{same_site:?}, {click} on {from}");
        }
    }
}

/// The reason for which the layer always sends `SameSite=Lax`: without it, Chromium sends a cookie with such requests
/// for its first two minutes.
#[tokio::test]
async fn a_young_cookie_that_says_nothing_goes_along_with_other_sites_forms() {
    let shop =
        Site::start(site::cookies(&["quiet=1; Path=/".to_owned(), "lax=1; Path=/; SameSite=Lax".to_owned()])).await;
    let elsewhere = elsewhere(&shop).await;
    let browser = Chromium::start().await;
    browser.open(shop.url("localhost", "/set")).await;
    assert_eq!(sent(&browser, elsewhere.url("127.0.0.1", "/"), "button").await, "quiet=1");
}
