//! Device-bound sessions, as Chromium implements them: three frameworks behind one https site.

use std::time::{Duration, Instant};

use cloakroom::{
    MemoryStore, SessionLayer,
    device_bound::{DeviceBound, DevicePolicy},
};
use thirtyfour::Cookie;

use super::{
    chromium::Chromium,
    secure_site::{DeviceCall, SecureSite},
    support::drivers,
};

const LIFETIME: Duration = Duration::from_secs(10);

/// Keys in software: a machine without a TPM can run this. Without its quota, which is 6 signatures in 9 minutes: the lifetime
/// here is far below the 5 minutes that the quota is made for.
pub(crate) const FEATURES: &str = "--enable-features=DeviceBoundSessions:RefreshQuota/false,\
                        EnableBoundSessionCredentialsSoftwareKeysForManualTesting";

struct Shop {
    site: SecureSite,
    layer: SessionLayer<DevicePolicy>,
}

impl Shop {
    async fn open() -> Self {
        let options = DeviceBound::builder().proof_lifetime(LIFETIME).build().unwrap();
        let layer = SessionLayer::new(MemoryStore::new()).device_bound(options).unwrap();
        let servers = vec![
            drivers::hyper::serve(layer.clone()).await,
            drivers::axum::serve(drivers::axum::router().layer(layer.clone())).await,
            drivers::actix::serve(layer.clone(), false),
        ];
        Self { site: SecureSite::start(servers).await, layer }
    }

    async fn browser(&self, features: &[&str]) -> Chromium {
        let mut arguments = vec![self.site.trusted()];
        arguments.extend(features.iter().map(|&feature| feature.to_owned()));
        Chromium::with(&arguments).await
    }

    fn calls(&self, path: &str) -> Vec<DeviceCall> {
        self.site.front.calls().into_iter().filter(|call| call.path.ends_with(path)).collect()
    }

    fn refreshes(&self) -> usize {
        self.calls("/refresh").iter().filter(|call| call.status == 200 && call.body.contains("credentials")).count()
    }

    /// Waits until so many refreshes have succeeded.
    async fn refreshed(&self, count: usize) {
        let begun = Instant::now();
        while self.refreshes() < count {
            assert!(begun.elapsed() < Duration::from_secs(60), "no refresh: {:?}", self.site.front.calls());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Waits until the browser has registered its device, and has the proof.
    async fn registered(&self, browser: &Chromium, registrations: usize) {
        let begun = Instant::now();
        loop {
            let calls = self.calls("/register");
            if calls.len() >= registrations && browser.cookies().await.len() == 2 {
                assert!(calls.iter().all(|call| call.status == 200), "{calls:?}");
                return;
            }
            assert!(begun.elapsed() < Duration::from_secs(20), "no registration: {:?}", self.site.front.calls());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

/// Asks the server for the session and the device, from the page.
async fn asked(browser: &Chromium) -> String {
    browser.script("return fetch('/app/whose/device').then(answer => answer.text())").await
}

/// Asks the server for the session's id, from the page.
async fn asked_id(browser: &Chromium) -> String {
    browser.script("return fetch('/app/id').then(answer => answer.text())").await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_owner_stays_logged_in_and_a_copy_of_the_cookies_dies() {
    let shop = Shop::open().await;
    let owner = shop.browser(&[FEATURES]).await;
    owner.open(shop.site.url("/app/login:ada")).await;
    shop.registered(&owner, 1).await;
    assert_eq!(asked(&owner).await, "ada bound");

    // The page asks every second. No answer may be without a session.
    let asks = "window.answers = [];
        setInterval(() => fetch('/app/whose/device').then(answer => answer.text()).then(text => answers.push(text)), 1000);";
    let _: Option<bool> = owner.script(asks).await;

    let thief = shop.browser(&[]).await;
    thief.open(shop.site.url("/plain")).await;
    // Right after a refresh, so that the copy has time to be used.
    shop.refreshed(shop.refreshes() + 1).await;
    let stolen = Instant::now();
    for cookie in owner.cookies().await {
        let mut copy = Cookie::new(cookie.name, cookie.value);
        copy.set_path("/");
        copy.set_secure(true);
        copy.set_http_only(true);
        thief.add_cookie(copy).await.unwrap();
    }
    assert_eq!(asked(&thief).await, "ada bound", "at once: {:?}", thief.cookies().await);
    loop {
        let (asked_at, answer) = (Instant::now(), asked(&thief).await);
        if answer == "nobody unbound" {
            break;
        }
        assert_eq!(answer, "ada bound");
        assert!(asked_at < stolen + LIFETIME, "the copy lives on");
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
    shop.refreshed(8).await;
    let mut answers: Vec<String> = Vec::new();
    while answers.len() < 20 {
        tokio::time::sleep(Duration::from_secs(1)).await;
        answers = owner.script("return window.answers").await;
    }
    let calls = shop.site.front.calls();
    assert_eq!(asked(&owner).await, "ada bound", "{answers:?} {calls:#?} {:?}", owner.cookies().await);
    assert!(answers.iter().all(|answer| answer == "ada bound"), "{answers:?}");
    let servers: std::collections::BTreeSet<_> = shop.site.front.calls().iter().map(|call| call.server).collect();
    assert_eq!(servers.len(), 3, "registered on one, refreshed on others");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_logout_everywhere_ends_the_device_and_a_login_registers_it_again() {
    let shop = Shop::open().await;
    let browser = shop.browser(&[FEATURES]).await;
    browser.open(shop.site.url("/app/login:ada")).await;
    shop.registered(&browser, 1).await;
    assert_eq!(asked(&browser).await, "ada bound");
    shop.layer.owners().unwrap().revoke_all("ada").await.unwrap();
    assert_eq!(asked(&browser).await, "nobody unbound");
    // The browser asks once more, and is told.
    let begun = Instant::now();
    while !shop.calls("/refresh").iter().any(|call| call.body == r#"{"continue": false}"#) {
        assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", shop.site.front.calls());
        assert_eq!(asked(&browser).await, "nobody unbound");
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
    browser.open(shop.site.url("/app/login:ada")).await;
    shop.registered(&browser, 2).await;
    assert_eq!(asked(&browser).await, "ada bound");
    // A login in a bound session keeps the id, and registers the device again.
    let id = asked_id(&browser).await;
    browser.open(shop.site.url("/app/login:ada")).await;
    shop.registered(&browser, 3).await;
    assert_eq!(asked_id(&browser).await, id);
    // A browser refreshes for a request that needs the proof.
    let (refreshes, begun) = (shop.refreshes(), Instant::now());
    while shop.refreshes() == refreshes {
        assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", shop.site.front.calls());
        assert!(asked(&browser).await.starts_with("ada "));
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
    assert_eq!(asked(&browser).await, "ada bound");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_browser_without_the_feature_works_unbound() {
    let shop = Shop::open().await;
    let browser = shop.browser(&["--disable-features=DeviceBoundSessions"]).await;
    browser.open(shop.site.url("/app/login:ada")).await;
    let begun = Instant::now();
    while begun.elapsed() < LIFETIME + Duration::from_secs(2) {
        assert_eq!(asked(&browser).await, "ada unbound");
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    assert!(shop.site.front.calls().is_empty());
}
