//! The fleet of `examples/fleet`, used with a browser.

use std::time::Duration;

use thirtyfour::prelude::*;

use super::{chromium::Chromium, program::Program};

/// The built example, in a process that ends with the test.
struct Fleet {
    _program: Program,
    /// The URLs of Actix Web, Axum and hyper.
    urls: [String; 3],
}

impl Fleet {
    fn start() -> Self {
        let (program, lines) = Program::start("fleet", &["--port", "0"], 4);
        let urls = std::array::from_fn(|at| lines[at].split_whitespace().last().unwrap().to_owned());
        Self { _program: program, urls }
    }
}

async fn submit(browser: &Chromium, form: &str, field: &str, text: &str) {
    browser.find(&format!("form[action='{form}'] input[name='{field}']")).await.send_keys(text).await.unwrap();
    press(browser, form).await;
}

async fn press(browser: &Chromium, form: &str) {
    browser.find(&format!("form[action='{form}'] button")).await.click().await.unwrap();
}

async fn visits(browser: &Chromium) -> u32 {
    browser.find("main strong").await.text().await.unwrap().parse().unwrap()
}

#[tokio::test]
async fn one_login_for_three_servers_until_the_logout_everywhere() {
    let fleet = Fleet::start();
    let [actix, axum, hyper] = &fleet.urls;
    let browser = Chromium::start().await;

    browser.open(actix).await;
    browser.read("Hello").await;
    let before = browser.cookie().await;
    submit(&browser, "/login", "name", "Ada").await;
    browser.read("Hello, Ada").await;
    let after = browser.cookie().await;
    assert_ne!(after.value, before.value, "a login gives a new token");
    assert_eq!(visits(&browser).await, 2);
    for (url, expected) in [(axum, 3), (hyper, 4), (actix, 5)] {
        browser.open(url).await;
        browser.read("Hello, Ada").await;
        assert_eq!(visits(&browser).await, expected);
        assert_eq!(browser.cookie().await.value, after.value, "cookies know no ports");
        assert_eq!(browser.script::<String>("return document.cookie").await, "", "HttpOnly");
    }

    browser.open(axum).await;
    submit(&browser, "/cart", "item", "umbrella").await;
    browser.read("Your cart").await;
    assert_eq!(browser.find("main ol li").await.text().await.unwrap(), "umbrella");

    browser.open(hyper).await;
    assert_eq!(browser.find("main ol li").await.text().await.unwrap(), "umbrella");
    let sessions = browser.find_all(By::Css("table tbody tr")).await.unwrap();
    let [session] = &*sessions else { panic!("{}", browser.text().await) };
    let session = session.text().await.unwrap();
    let id = browser.find("footer code").await.text().await.unwrap();
    assert!(session.contains(&id) && session.contains("this one") && session.contains("Actix Web"), "{session}");

    press(&browser, "/logout-everywhere").await;
    browser.find("form[action='/login']").await;
    assert!(browser.cookies().await.iter().all(|cookie| cookie.value != after.value));
    for url in &fleet.urls {
        browser.open(url).await;
        browser.find("form[action='/login']").await;
        browser.read("Hello").await;
    }
}

#[tokio::test]
async fn on_a_small_screen_every_button_is_in_sight() {
    let fleet = Fleet::start();
    let browser = Chromium::start().await;
    browser.set_window_rect(0, 0, 400, 900).await.unwrap();
    browser.open(&fleet.urls[1]).await;
    submit(&browser, "/login", "name", "Ada").await;
    browser.read("Your sessions").await;
    let edges: Vec<f64> = browser
        .script("return [...document.querySelectorAll('button')].map(button => button.getBoundingClientRect().right)")
        .await;
    let width: f64 = browser.script("return window.innerWidth").await;
    // A window of a desktop may not become as narrow as that.
    let sideways: bool = browser.script("return document.documentElement.scrollWidth > window.innerWidth").await;
    assert!(edges.len() >= 4 && edges.iter().all(|right| *right <= width), "{edges:?} of {width}");
    assert!(width <= 500.0 && !sideways, "{width}");
}

#[tokio::test]
async fn a_logout_takes_the_cookie_out_of_the_browser() {
    let fleet = Fleet::start();
    let browser = Chromium::start().await;
    for (login, logout) in [(0, 2), (1, 0), (2, 1)] {
        browser.open(&fleet.urls[login]).await;
        submit(&browser, "/login", "name", "Ada").await;
        browser.read("Hello, Ada").await;
        // The page after a logout would start the next session, so it is not loaded.
        browser.open(format!("{}health", fleet.urls[logout])).await;
        assert_eq!(browser.cookies().await.len(), 1);
        let status: u16 = browser
            .script("return fetch('/logout', { method: 'POST', redirect: 'manual' }).then(answer => answer.status)")
            .await;
        assert_eq!(status, 0, "a redirect, which scripts cannot look into");
        assert!(browser.cookies().await.is_empty());
    }
}

#[tokio::test]
async fn a_double_clicked_login_ends_logged_in() {
    let fleet = Fleet::start();
    let browser = Chromium::start().await;
    let both_at_once = "const send = () => fetch('/login', {
            method: 'POST', body: new URLSearchParams({ name: 'Ada' }), redirect: 'manual',
        });
        return Promise.all([send(), send()]).then(() => true)";
    for (server, url) in fleet.urls.iter().enumerate() {
        let sibling = &fleet.urls[(server + 1) % 3];
        let is_logged_in = async || {
            browser.open(sibling).await;
            browser.read("Hello, Ada").await;
        };

        // Both clicks submit the form. Chromium drops the first response's page, but keeps its cookie.
        browser.open(url).await;
        browser.find("input[name='name']").await.send_keys("Ada").await.unwrap();
        let button = browser.find("form[action='/login'] button").await;
        let mouse = browser.action_chain_with_delay(None, Some(Duration::ZERO));
        mouse.double_click_element(&button).perform().await.unwrap();
        browser.read("Hello, Ada").await;
        is_logged_in().await;

        // With and without an earlier session.
        for page in ["", "health"] {
            browser.delete_all_cookies().await.unwrap();
            browser.open(format!("{url}{page}")).await;
            assert!(browser.script::<bool>(both_at_once).await);
            is_logged_in().await;
        }
        browser.delete_all_cookies().await.unwrap();
    }
}

#[cfg(all(feature = "device-bound", feature = "redis-rustls"))]
#[tokio::test]
async fn a_login_over_https_binds_the_session_to_the_browsers_device() {
    let (_program, lines) = Program::start("fleet", &["--port", "0", "--https", "--device-bound"], 4);
    let urls: Vec<&str> = lines[..3].iter().map(|line| line.split_whitespace().last().unwrap()).collect();
    let (_, trusted) = lines[3].split_once("trusts it with ").unwrap();
    let browser = Chromium::with(&[trusted.to_owned(), super::device_bound::FEATURES.to_owned()]).await;
    for url in &urls {
        browser.open(url).await;
        assert!(browser.script::<bool>("return document.getElementById('device') === null").await, "{url}");
    }
    submit(&browser, "/login", "name", "Ada").await;
    browser.read("Hello, Ada").await;
    let begun = std::time::Instant::now();
    while browser.script::<bool>("return document.getElementById('device') === null").await {
        assert!(begun.elapsed() < Duration::from_secs(20), "not bound: {}", browser.text().await);
        browser.open(urls[2]).await;
    }
    for url in urls {
        browser.open(url).await;
        browser.read("Hello, Ada").await;
        assert!(browser.text().await.contains("Bound to this device at "), "{url}");
    }
}
