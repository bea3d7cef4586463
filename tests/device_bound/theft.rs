//! Cookies that are copied to another machine.

use std::{convert::Infallible, time::Duration};

use cloakroom::{
    LazySession,
    device_bound::{DeviceBound, OnMismatch},
    testing::Verb,
};
use http::{Request, Response};
use tower::{Layer as _, ServiceExt as _, service_fn};

use crate::{
    device::{Device, jwt, key, post, registration},
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

/// A login beside the request has put another device in the place of the one that the thief answers for.
#[tokio::test]
async fn a_wrong_signature_ends_no_session_that_has_logged_in_again() {
    let house = House::with(DeviceBound::builder().on_mismatch(OnMismatch::EndSession));
    for app in house.apps().await {
        let mut ada = Device::bound(&app).await;
        let thief = ada.browser.copied();
        let forged = jwt(&serde_json::json!({ "typ": "dbsc+jwt", "alg": "ES256" }), &ada.challenge, &key(8));
        let gate = house.store.nth(Verb::Delete, 1).waits();
        let refresh = post(&app, &thief, "refresh", Some(&ada.id), Some(&forged));
        let login = async {
            gate.reached().await;
            let page = ada.browser.peek(&app, "/app/login:ada").await;
            gate.open();
            page
        };
        let (refused, page) = tokio::join!(refresh, login);
        assert_eq!(refused.body, r#"{"continue": false}"#, "{}: that device is over", app.name);
        ada.browser.keep(&page);
        ada.challenge = registration(&page).unwrap();
        assert_eq!(ada.register(&app).await.status, 200, "{}", app.name);
        assert_eq!(ada.get(&app, "/app/whose/device").await, "ada bound", "{}", app.name);
    }
}

#[tokio::test]
async fn a_copied_registration_is_worth_no_later_proof() {
    let house = House::new();
    let app = house.app();
    let mut ada = Device::logged_in(&app, "ada").await;
    let copied = ada.registration();
    ada.register(&app).await;
    let thief = ada.browser.copied();
    house.clock.advance(Duration::from_secs(59));
    let page = post(&app, &thief, "register", None, Some(&copied)).await;
    assert_eq!(page.status, 200, "the browser's own response may be lost");
    assert!(page.cookies()[0].ends_with("; Max-Age=511"), "{page:?}");
    thief.keep(&page);
    house.clock.advance(LIFETIME.saturating_sub(Duration::from_secs(60)));
    assert_eq!(thief.peek(&app, "/app/whose").await.body, "ada");
    house.clock.advance(Duration::from_secs(1));
    assert_eq!(thief.peek(&app, "/app/whose").await.body, "nobody", "one lifetime after the registration");
    assert_eq!(post(&app, &thief, "register", None, Some(&copied)).await.status, 403);
}

/// A thief who renews takes the token. The device keeps its key, so the thief's proof ends all the same.
#[tokio::test]
async fn a_thief_who_renews_loses_the_session_with_the_proof() {
    let house = House::new();
    for app in house.apps().await {
        let ada = Device::bound(&app).await;
        let thief = ada.browser.copied();
        house.clock.advance(Duration::from_secs(300));
        assert_eq!(thief.get(&app, "/app/renew/owner:ada/whose").await.body, "ada", "{}", app.name);
        house.clock.advance(Duration::from_secs(300));
        assert_eq!(thief.get(&app, "/app/whose").await.body, "nobody", "{}", app.name);
        assert_eq!(post(&app, &thief, "refresh", Some(&ada.id), None).await.status, 403, "{}", app.name);
    }
}

/// The proof is asked for when a request opens its session, and not again.
#[tokio::test]
async fn a_handle_that_lives_longer_than_the_proof_goes_on() {
    let house = House::new();
    let ada = Device::bound(&house.app()).await;
    let (handed, mut taken) = tokio::sync::mpsc::unbounded_channel();
    let service = house.layer.layer(service_fn(async |request: Request<()>| {
        let lazy = request.extensions().get::<LazySession>().unwrap().clone();
        handed.send(lazy.load().await.unwrap()).unwrap();
        Ok::<_, Infallible>(Response::new(String::new()))
    }));
    let request = Request::get("/").header("cookie", ada.browser.header()).body(()).unwrap();
    service.oneshot(request).await.unwrap();
    let session = taken.recv().await.unwrap();
    house.clock.advance(2 * LIFETIME);
    session.insert("a", 1).unwrap();
    session.save().await.unwrap();
    session.reload().await.unwrap();
    assert_eq!(session.owner().as_deref(), Some("ada"));
}
