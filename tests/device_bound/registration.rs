//! From a login to a bound session, and on.

use std::time::Duration;

use http::header;
use serde_json::{Value, json};

use crate::{
    device::{Device, post, registration},
    house::{House, LIFETIME},
    support::Browser,
};

#[tokio::test]
async fn a_login_registers_a_device_on_every_framework_and_its_proof_is_refreshed() {
    let house = House::new();
    for app in house.apps().await {
        let mut ada = Device::logged_in(&app, "ada").await;
        let id = ada.get(&app, "/app/id").await;
        assert_eq!(ada.get(&app, "/app/device").await, "unbound", "{}", app.name);
        house.take_calls();
        let page = ada.register(&app).await;
        assert_eq!(house.take_calls(), ["load", "replace"], "{}", app.name);
        assert_eq!(page.status, 200, "{}", app.name);
        assert_eq!(page.headers[header::CONTENT_TYPE], "application/json");
        assert_eq!(page.headers[header::CACHE_CONTROL], "no-store");
        let expected = json!({
            "session_identifier": id,
            "refresh_url": "/.well-known/cloakroom/refresh",
            "scope": { "include_site": false },
            "credentials": [{
                "type": "cookie",
                "name": "__Host-id-proof",
                "attributes": "Path=/; Secure; HttpOnly; SameSite=Lax",
            }],
        });
        assert_eq!(serde_json::from_str::<Value>(&page.body).unwrap(), expected, "{}", app.name);
        let [cookie] = *page.cookies() else { panic!("{page:?}") };
        assert!(cookie.starts_with("__Host-id-proof="), "{cookie}");
        assert!(cookie.ends_with("; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=570"), "{cookie}");

        assert_eq!(ada.get(&app, "/app/device/whose/get:cart").await, "bound ada pear", "{}", app.name);
        assert_eq!(house.take_calls(), ["load"], "a read stays at one call");
        for _ in 0..3 {
            house.clock.advance(LIFETIME.saturating_sub(Duration::from_secs(5)));
            house.take_calls();
            let page = ada.try_refresh(&app).await;
            assert_eq!(page.status, 200, "{}: it answers the challenge that came with the last proof", app.name);
            assert_eq!(house.take_calls(), ["load", "replace"], "a refresh is one write");
            assert_eq!(ada.get(&app, "/app/device/whose").await, "bound ada", "{}", app.name);
        }
        // The last challenge is over, so another one is asked for.
        house.clock.advance(2 * LIFETIME);
        assert_eq!(ada.get(&app, "/app/device/whose").await, "unbound nobody", "{}", app.name);
        let page = ada.try_refresh(&app).await;
        assert_eq!((page.status.as_u16(), &*page.body), (403, ""), "{}", app.name);
        assert_eq!(ada.try_refresh(&app).await.status, 200, "{}", app.name);
        assert_eq!(ada.get(&app, "/app/device/whose/get:cart").await, "bound ada pear", "{}", app.name);
    }
}

#[tokio::test]
async fn a_browser_without_devices_notices_nothing() {
    let house = House::new();
    for app in house.apps().await {
        let browser = Browser::new();
        let page = browser.get(&app, "/app/insert:cart:pear").await;
        assert!(registration(&page).is_none(), "there is no login");
        let page = browser.get(&app, "/app/login:ada").await;
        assert!(registration(&page).is_some(), "{}", app.name);
        for _ in 0..3 {
            house.clock.advance(2 * LIFETIME);
            let page = browser.get(&app, "/app/whose/get:cart/count:n/device").await;
            assert_eq!(page.body, "ada pear unbound", "{}", app.name);
            assert!(registration(&page).is_none());
        }
        assert_eq!(browser.get(&app, "/app/get:n").await.body, "3", "{}", app.name);
    }
}

#[tokio::test]
async fn one_session_is_registered_here_and_refreshed_there() {
    let house = House::new();
    let apps = house.apps().await;
    let mut ada = Device::bound(&apps[0]).await;
    for (turn, app) in apps.iter().cycle().skip(1).take(2 * apps.len()).enumerate() {
        house.clock.advance(LIFETIME.saturating_sub(Duration::from_secs(5)));
        assert_eq!(ada.try_refresh(app).await.status, 200, "{}", app.name);
        let next = &apps[(turn + 3) % apps.len()];
        assert_eq!(ada.get(next, "/app/device/whose").await, "bound ada", "{}", next.name);
    }
}

#[tokio::test]
async fn a_renewal_keeps_the_binding_and_a_login_asks_for_a_new_one() {
    let house = House::new();
    let app = house.app();
    let mut ada = Device::bound(&app).await;
    let page = ada.browser.get(&app, "/app/renew/device").await;
    assert_eq!((&*page.body, registration(&page)), ("bound", None));
    house.clock.advance(LIFETIME.saturating_sub(Duration::from_secs(1)));
    assert_eq!(ada.try_refresh(&app).await.status, 200);

    let page = ada.browser.get(&app, "/app/login:ada/device").await;
    ada.challenge = registration(&page).expect("a new one");
    assert_eq!(ada.get(&app, "/app/device/whose").await, "unbound ada");
    // The browser may refresh its old session before it has registered the new one.
    let page = ada.try_refresh(&app).await;
    assert_eq!((page.status.as_u16(), &*page.body), (200, r#"{"continue": false}"#));
    assert_eq!(ada.register(&app).await.status, 200);
    assert_eq!(ada.get(&app, "/app/device/whose").await, "bound ada");
}

#[tokio::test]
async fn an_ended_session_ends_its_device() {
    let house = House::new();
    for end in ["purge", "restart", "revoked"] {
        for app in house.apps().await {
            let mut ada = Device::bound(&app).await;
            let before = ada.browser.copied();
            if end == "revoked" {
                house.layer.owners().unwrap().revoke_all("ada").await.unwrap();
            } else {
                ada.get(&app, &format!("/app/{end}")).await;
            }
            let id = ada.id.clone();
            for browser in [&ada.browser, &before] {
                let page = post(&app, browser, "refresh", Some(&id), Some(&ada.proof())).await;
                assert_eq!((page.status.as_u16(), &*page.body), (200, r#"{"continue": false}"#), "{end} {}", app.name);
            }
            assert_eq!(before.get(&app, "/app/whose").await.body, "nobody");
            assert_eq!(ada.try_refresh(&app).await.body, r#"{"continue": false}"#);
        }
    }
}
