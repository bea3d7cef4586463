//! JWTs and requests that are refused.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::json;

use crate::{
    device::{Device, jwk, jwt, key, post},
    house::House,
    support::Browser,
};

#[tokio::test]
async fn a_refresh_by_another_algorithm_or_with_a_key_is_refused() {
    let house = House::new();
    for app in house.apps().await {
        let mut ada = Device::bound(&app).await;
        let sign = |header| jwt(&header, &ada.challenge, &ada.key);
        let none = {
            let part = |value: serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
            let header = part(json!({ "typ": "dbsc+jwt", "alg": "none" }));
            format!("{header}.{}.", part(json!({ "jti": ada.challenge })))
        };
        let refused = [
            none,
            sign(json!({ "typ": "dbsc+jwt", "alg": "HS256" })),
            sign(json!({ "typ": "JWT", "alg": "ES256" })),
            sign(json!({ "typ": "dbsc+jwt", "alg": "ES256", "jwk": jwk(&ada.key) })),
            "x".repeat(6000),
            String::new(),
        ];
        for proof in refused {
            let page = post(&app, &ada.browser, "refresh", Some(&ada.id), Some(&proof)).await;
            assert_eq!((page.status.as_u16(), page.cookies().len()), (400, 0), "{} {proof}", app.name);
        }
        assert_eq!(ada.try_refresh(&app).await.status, 200, "{}: none of them did harm", app.name);
    }
}

#[tokio::test]
async fn a_registration_needs_the_logins_challenge_and_the_keys_signature() {
    let house = House::new();
    let app = house.app();
    let mut ada = Device::logged_in(&app, "ada").await;
    let other = Device::logged_in(&app, "bob").await;
    let header = |key| json!({ "typ": "dbsc+jwt", "alg": "ES256", "jwk": jwk(key) });
    let refused = [
        (jwt(&header(&ada.key), &other.challenge, &ada.key), 403, "a challenge of another session"),
        (jwt(&header(&ada.key), "1.0.x", &ada.key), 403, "a challenge of one's own making"),
        (jwt(&header(&ada.key), &ada.challenge, &key(8)), 403, "another key's signature"),
        (jwt(&json!({ "typ": "dbsc+jwt", "alg": "ES256" }), &ada.challenge, &ada.key), 400, "no key"),
    ];
    for (proof, status, why) in refused {
        assert_eq!(post(&app, &ada.browser, "register", None, Some(&proof)).await.status, status, "{why}");
    }
    assert_eq!(post(&app, &ada.browser, "register", None, None).await.status, 400);
    assert_eq!(ada.register(&app).await.status, 200);
}

#[tokio::test]
async fn a_request_that_names_no_session_of_its_own_gets_nothing() {
    let house = House::new();
    for app in house.apps().await {
        let ada = Device::bound(&app).await;
        let stranger = Browser::new();
        let page = post(&app, &stranger, "refresh", Some(&ada.id), Some(&ada.proof())).await;
        assert_eq!(page.body, r#"{"continue": false}"#, "{}: the signature alone opens nothing", app.name);
        assert_eq!(post(&app, &ada.browser, "refresh", Some("x"), None).await.status, 400, "{}", app.name);
        assert_eq!(post(&app, &ada.browser, "refresh", None, None).await.status, 400, "{}", app.name);
        // Only posts are answered.
        let page = ada.browser.peek(&app, "/.well-known/cloakroom/refresh").await;
        assert_ne!(page.status, 403, "{}", app.name);
    }
}
