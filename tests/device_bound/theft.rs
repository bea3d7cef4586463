//! Cookies that are copied to another machine.

use std::time::Duration;

use cloakroom::device_bound::{DeviceBound, OnMismatch};

use crate::{
    device::{Device, jwt, key, post},
    house::{House, LIFETIME},
};

#[tokio::test]
async fn a_copy_of_the_cookies_is_worth_one_proofs_lifetime_and_the_owner_never_notices() {
    let house = House::new();
    for app in house.apps().await {
        let mut ada = Device::bound(&app).await;
        house.clock.advance(Duration::from_secs(300));
        ada.refresh(&app).await;
        let thief = ada.browser.copied();
        let page = thief.peek(&app, "/app/whose/device").await;
        assert_eq!(page.body, "ada bound", "{}: at once", app.name);
        house.clock.advance(LIFETIME.saturating_sub(Duration::from_millis(1)));
        assert_eq!(ada.refresh(&app).await.status, 200, "{}", app.name);
        assert_eq!(thief.peek(&app, "/app/whose").await.body, "ada", "{}: to its last moment", app.name);
        house.clock.advance(Duration::from_millis(1));
        house.take_events();
        let page = thief.get(&app, "/app/whose/keys/insert:cart:plum/renew").await;
        assert_eq!(page.body, "nobody ", "{}", app.name);
        assert!(page.cookies().is_empty(), "{}: {page:?}", app.name);
        assert_eq!(house.take_events(), ["Unproven"], "{}", app.name);
        assert_eq!(ada.get(&app, "/app/whose/get:cart").await, "ada pear", "{}", app.name);

        // Without the key, every refresh is in vain.
        let answer = post(&app, &thief, "refresh", Some(&ada.id), None).await;
        assert_eq!(answer.status, 403);
        let header = serde_json::json!({ "typ": "dbsc+jwt", "alg": "ES256" });
        let forged = jwt(&header, &ada.challenge, &key(8));
        let answer = post(&app, &thief, "refresh", Some(&ada.id), Some(&forged)).await;
        assert_eq!((answer.status.as_u16(), answer.cookies().len()), (400, 0), "{}", app.name);
        assert_eq!(house.take_events(), ["DeviceMismatch"], "{}", app.name);
        let answer = post(&app, &thief, "register", None, Some(&ada.registration())).await;
        assert_eq!((answer.status.as_u16(), answer.cookies().len()), (403, 0), "{}: it is bound", app.name);
        assert_eq!(ada.get(&app, "/app/whose").await, "ada", "{}", app.name);
    }
}

#[tokio::test]
async fn a_browser_that_lost_its_proof_can_log_in_and_out() {
    let house = House::new();
    for app in house.apps().await {
        for leave in [false, true] {
            let ada = Device::bound(&app).await;
            house.clock.advance(LIFETIME);
            assert_eq!(ada.get(&app, "/app/whose").await, "nobody");
            let page = ada.browser.get(&app, if leave { "/app/purge" } else { "/app/login:ada/whose" }).await;
            assert_eq!(page.cookies().len(), 1, "{}: {page:?}", app.name);
            let expected = if leave { "nobody" } else { "ada" };
            assert_eq!(ada.get(&app, "/app/whose").await, expected, "{}", app.name);
        }
    }
}

#[tokio::test]
async fn a_wrong_signature_ends_the_session_if_the_options_say_so() {
    let house = House::with(DeviceBound::builder().on_mismatch(OnMismatch::EndSession));
    let app = house.app();
    let ada = Device::bound(&app).await;
    let header = serde_json::json!({ "typ": "dbsc+jwt", "alg": "ES256" });
    let forged = jwt(&header, &ada.challenge, &key(8));
    house.take_events();
    let page = post(&app, &ada.browser, "refresh", Some(&ada.id), Some(&forged)).await;
    assert_eq!(page.body, r#"{"continue": false}"#);
    assert_eq!(house.take_events(), ["DeviceMismatch", "Destroyed"]);
    assert_eq!(ada.get(&app, "/app/whose").await, "nobody");
}

#[tokio::test]
async fn a_report_opens_the_session_all_the_same() {
    let house = House::with(DeviceBound::builder().report_only());
    let app = house.app();
    let ada = Device::bound(&app).await;
    house.clock.advance(LIFETIME);
    house.take_events();
    assert_eq!(ada.get(&app, "/app/whose/device").await, "ada unbound");
    assert_eq!(house.take_events(), ["Unproven"]);
}
