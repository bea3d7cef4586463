//! Chromium drops the cookies that `CookieOptions` refuses.

use cloakroom::{CookieOptions, CookieOptionsBuilder, MemoryStore, SameSite, SessionLayer};

use super::{
    chromium::Chromium,
    site::{self, Site},
};

fn named(name: &str) -> CookieOptionsBuilder {
    CookieOptions::builder().name(name)
}

/// Returns options without `Secure`, with the rest that `insecure_http` would have removed.
fn insecure(name: &str) -> CookieOptionsBuilder {
    CookieOptions::builder().insecure_http().name(name)
}

#[tokio::test]
async fn what_the_builder_refuses_is_dropped_and_what_it_makes_is_kept() {
    // Each refused cookie is beside the nearest one that is accepted. Their names tell them apart.
    let table = [
        (true, named("__Host-a"), "__Host-a=1; Path=/; Secure; HttpOnly"),
        (false, named("__Host-b").domain("localhost"), "__Host-b=1; Path=/; Domain=localhost; Secure; HttpOnly"),
        (false, named("__Host-c").path("/set"), "__Host-c=1; Path=/set; Secure; HttpOnly"),
        (false, insecure("__Host-d"), "__Host-d=1; Path=/; HttpOnly"),
        (false, insecure("__hOST-e"), "__hOST-e=1; Path=/; HttpOnly"),
        (true, named("__Secure-a").path("/set"), "__Secure-a=1; Path=/set; Secure; HttpOnly"),
        (true, named("__Secure-b").domain("localhost"), "__Secure-b=1; Path=/; Domain=localhost; Secure; HttpOnly"),
        (false, insecure("__Secure-c"), "__Secure-c=1; Path=/; HttpOnly"),
        (false, insecure("__sECURE-d"), "__sECURE-d=1; Path=/; HttpOnly"),
        (true, named("__Http-a").path("/set"), "__Http-a=1; Path=/set; Secure; HttpOnly"),
        (false, named("__Http-b").insecure_allow_scripts(), "__Http-b=1; Path=/; Secure"),
        (false, insecure("__Http-c"), "__Http-c=1; Path=/; HttpOnly"),
        (true, named("__Host-Http-a"), "__Host-Http-a=1; Path=/; Secure; HttpOnly"),
        (false, named("__Host-Http-b").insecure_allow_scripts(), "__Host-Http-b=1; Path=/; Secure"),
        (false, named("__Host-Http-c").path("/set"), "__Host-Http-c=1; Path=/set; Secure; HttpOnly"),
        (true, named("none-a").same_site(SameSite::None), "none-a=1; Path=/; Secure; HttpOnly; SameSite=None"),
        (false, insecure("none-b").same_site(SameSite::None), "none-b=1; Path=/; HttpOnly; SameSite=None"),
        (true, named("part-a").partitioned(), "part-a=1; Path=/; Secure; HttpOnly; Partitioned"),
        (false, insecure("part-b").partitioned(), "part-b=1; Path=/; HttpOnly; Partitioned"),
        (false, named("__Host-"), "__Host-=1; Path=/; HttpOnly"),
        (false, named("__Secure-"), "__Secure-=1; Path=/; HttpOnly"),
    ];
    let headers: Vec<String> = table.iter().map(|(_, _, header)| (*header).to_owned()).collect();
    let site = Site::start(site::cookies(&headers)).await;
    let browser = Chromium::start().await;
    browser.open(site.url("localhost", "/set")).await;
    let kept: Vec<String> = browser.cookies().await.into_iter().map(|cookie| cookie.name).collect();
    for (is_fine, options, header) in table {
        let name = header.split('=').next().unwrap();
        assert_eq!(kept.iter().any(|kept| kept == name), is_fine, "Chromium: {header}");
        assert_eq!(options.build().is_ok(), is_fine, "the builder: {header}");
    }
}

/// The prefix `__Host-Http-` says that a server set the cookie, and `HttpOnly` that no script can read or replace it.
#[tokio::test]
async fn no_script_can_plant_or_replace_the_default_cookie() {
    let layer = SessionLayer::new(MemoryStore::new());
    let site = Site::start(site::sessions(layer)).await;
    let browser = Chromium::start().await;
    let plant = "document.cookie = '__Host-Http-id=planted; Path=/; Secure'; return document.cookie";
    browser.open(site.url("localhost", "/sent")).await;
    assert_eq!(browser.script::<String>(plant).await, "");
    assert!(browser.cookies().await.is_empty(), "a script planted it");
    // The same script can plant a cookie without that prefix.
    browser.script::<String>(&plant.replace("-Http", "")).await;
    assert_eq!(browser.cookie().await.name, "__Host-id");
    browser.delete_all_cookies().await.unwrap();

    browser.open(site.url("localhost", "/start")).await;
    let token = browser.cookie().await.value;
    assert_eq!(browser.script::<String>(plant).await, "", "a script reads it");
    browser.open(site.url("localhost", "/sent")).await;
    assert_eq!(browser.text().await, format!("__Host-Http-id={token}"), "a script replaced it");
}

/// These a browser keeps, but elsewhere, or as something else.
#[tokio::test]
async fn what_else_the_builder_refuses_is_not_kept_as_asked() {
    let long = format!("/{}", "p".repeat(1024));
    let table = [
        (named("a").path("deep/set"), "a=1; Path=deep/set; Secure", "/deep"),
        (named("b").path(""), "b=1; Path=; Secure", "/deep"),
        (named("c").path(&*long), &*format!("c=1; Path={long}; Secure"), "/deep"),
        (named("d").path("/deep;/set"), "d=1; Path=/deep;/set; Secure", "/deep"),
    ];
    let browser = Chromium::start().await;
    for (options, header, path) in table {
        assert!(options.build().is_err(), "{header}");
        let site = Site::start(site::cookies(&[header.to_owned()])).await;
        browser.open(site.url("localhost", "/deep/set")).await;
        assert_eq!(browser.cookie().await.path.as_deref(), Some(path), "{header}");
        browser.delete_all_cookies().await.unwrap();
    }

    assert!(named("").build().is_err());
    let site = Site::start(site::cookies(&["=id; Path=/; Secure".to_owned()])).await;
    browser.open(site.url("localhost", "/set")).await;
    browser.open(site.url("localhost", "/sent")).await;
    assert_eq!(browser.text().await, "id", "a cookie without a name, which nobody can ask for by name");
}

#[tokio::test]
async fn name_and_value_of_4096_bytes_are_kept_and_not_one_byte_more() {
    let browser = Chromium::start().await;
    for (bytes, is_kept) in [(4096, true), (4097, false)] {
        let header = format!("id={}; Path=/; Secure; HttpOnly; SameSite=Lax", "v".repeat(bytes - 2));
        let site = Site::start(site::cookies(&[header])).await;
        browser.open(site.url("localhost", "/set")).await;
        let lengths: Vec<usize> = browser.cookies().await.iter().map(|cookie| 2 + cookie.value.len()).collect();
        assert_eq!(lengths, if is_kept { vec![bytes] } else { vec![] });
        browser.delete_all_cookies().await.unwrap();
    }
}
