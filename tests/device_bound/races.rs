//! Requests that overlap a registration or a refresh, and responses that are lost.

use std::time::Duration;

use cloakroom::testing::Verb;

use crate::{
    device::{Device, post},
    house::{House, LIFETIME},
};

#[tokio::test]
async fn several_tabs_refresh_at_once_with_one_challenge() {
    let house = House::new();
    for app in house.apps().await {
        let mut ada = Device::bound(&app).await;
        house.clock.advance(Duration::from_secs(500));
        house.take_events();
        let proof = ada.proof();
        let gate = house.store.nth(Verb::Replace, 1).waits();
        let refresh = async || post(&app, &ada.browser, "refresh", Some(&ada.id), Some(&proof)).await;
        let open = async {
            gate.reached().await;
            gate.open();
        };
        let (first, second, ()) = tokio::join!(refresh(), refresh(), open);
        let mut statuses = [first.status.as_u16(), second.status.as_u16()];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 403], "{}: each challenge is used once", app.name);
        assert!(!house.take_events().contains(&"DeviceMismatch".to_owned()), "{}: and it is no theft", app.name);
        for page in [&first, &second] {
            ada.learn(page);
        }
        assert_eq!(ada.try_refresh(&app).await.status, 200, "{}: who was asked again answers", app.name);
        assert_eq!(ada.get(&app, "/app/device/whose").await, "bound ada", "{}", app.name);
    }
}

#[tokio::test]
async fn a_refresh_beside_a_renewal_and_beside_writes() {
    let house = House::new();
    for app in house.apps().await {
        for other in ["/app/renew/insert:b:1", "/app/insert:b:1", "/app/count:b"] {
            let mut ada = Device::bound(&app).await;
            house.clock.advance(Duration::from_secs(500));
            // The refresh has loaded the record, and the other request writes before it.
            let gate = house.store.nth(Verb::Replace, 1).waits();
            let proof = ada.proof();
            let refresh = post(&app, &ada.browser, "refresh", Some(&ada.id), Some(&proof));
            let write = async {
                gate.reached().await;
                let page = ada.browser.peek(&app, other).await;
                gate.open();
                page
            };
            let (refreshed, written) = tokio::join!(refresh, write);
            assert_eq!(refreshed.status, 200, "{} {other}", app.name);
            ada.learn(&written);
            ada.learn(&refreshed);
            assert_eq!(ada.get(&app, "/app/device/whose/get:b/get:cart").await, "bound ada 1 pear", "{other}");
            house.clock.advance(LIFETIME.saturating_sub(Duration::from_secs(1)));
            assert_eq!(ada.try_refresh(&app).await.status, 200, "{} {other}", app.name);
        }
    }
}

#[tokio::test]
async fn a_refresh_with_a_token_that_a_renewal_just_replaced() {
    let house = House::new();
    let app = house.app();
    let mut ada = Device::bound(&app).await;
    let old = ada.browser.copied();
    ada.browser.get(&app, "/app/renew").await;
    let page = post(&app, &old, "refresh", Some(&ada.id), Some(&ada.proof())).await;
    assert_eq!(page.status, 200);
    ada.learn(&page);
    assert_eq!(ada.get(&app, "/app/device/whose").await, "bound ada");
}

#[tokio::test]
async fn a_lost_response_is_asked_again_and_taken_for_no_theft() {
    let house = House::new();
    for app in house.apps().await {
        let mut ada = Device::logged_in(&app, "ada").await;
        // That of the registration.
        let lost = post(&app, &ada.browser, "register", None, Some(&ada.registration())).await;
        assert_eq!(lost.status, 200);
        assert_eq!(ada.register(&app).await.status, 200, "{}", app.name);
        assert_eq!(ada.get(&app, "/app/device").await, "bound", "{}", app.name);
        // That of a refresh.
        house.take_events();
        let lost = post(&app, &ada.browser, "refresh", Some(&ada.id), Some(&ada.proof())).await;
        assert_eq!(lost.status, 200);
        let again = ada.try_refresh(&app).await;
        assert_eq!(again.status, 403, "{}", app.name);
        assert_eq!(ada.try_refresh(&app).await.status, 200, "{}", app.name);
        assert!(!house.take_events().contains(&"DeviceMismatch".to_owned()), "{}", app.name);
        // That of the store.
        house.store.next(Verb::Replace).loses_its_reply();
        assert_eq!(ada.refresh(&app).await.status, 200, "{}", app.name);
        assert_eq!(ada.get(&app, "/app/device/whose").await, "bound ada", "{}", app.name);
    }
}

/// The browser sent these requests before the cookie of the proof arrived.
#[tokio::test]
async fn requests_that_were_under_way_at_the_registration_are_served() {
    let house = House::new();
    for app in house.apps().await {
        let mut ada = Device::logged_in(&app, "ada").await;
        let early = ada.browser.copied();
        ada.register(&app).await;
        house.clock.advance(Duration::from_secs(59));
        assert_eq!(early.peek(&app, "/app/whose/device").await.body, "ada unbound", "{}", app.name);
        house.clock.advance(Duration::from_secs(1));
        assert_eq!(early.peek(&app, "/app/whose/device").await.body, "nobody unbound", "{}", app.name);
        assert_eq!(ada.get(&app, "/app/whose/device").await, "ada bound", "{}", app.name);
    }
}

/// A request that was sent before the proof ended in the browser arrives before it ends on the server.
#[tokio::test]
async fn a_proof_ends_in_the_browser_first() {
    let house = House::new();
    let app = house.app();
    let ada = Device::bound(&app).await;
    house.clock.advance(Duration::from_secs(570));
    assert_eq!(ada.get(&app, "/app/whose").await, "ada", "the browser does not send it any more, and it still works");
    for _ in 0..8 {
        ada.get(&app, "/app/count:n").await;
    }
    assert_eq!(ada.get(&app, "/app/get:n").await, "8");
}

#[tokio::test]
async fn a_store_that_fails_is_503_and_the_device_stays() {
    let house = House::new();
    for app in house.apps().await {
        let mut ada = Device::bound(&app).await;
        for verb in [Verb::Load, Verb::Replace] {
            house.store.every(verb).fails();
            assert_eq!(ada.try_refresh(&app).await.status, 503, "{} {verb:?}", app.name);
            house.store.heal();
            assert_eq!(ada.refresh(&app).await.status, 200, "{} {verb:?}", app.name);
        }
    }
}
