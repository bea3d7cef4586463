//! Proofs, challenges and the key of a session's MACs are in no log and in no `Debug`.

use std::{convert::Infallible, time::Duration};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use cloakroom::{LazySession, store::SessionStore as _};
use http::{Request, Response};
use tower::{Layer as _, ServiceExt as _, service_fn};

use crate::{
    device::{Device, jwt, key, post},
    house::House,
    support::log::Log,
};

#[tokio::test]
async fn a_traced_life_of_a_bound_session_never_shows_a_secret() {
    let log = Log::capture();
    let house = House::new();
    let mut secrets = Vec::new();
    for app in house.apps().await {
        let mut ada = Device::logged_in(&app, "ada").await;
        let early = ada.browser.copied();
        secrets.push(ada.challenge.clone());
        ada.register(&app).await;
        for _ in 0..2 {
            house.clock.advance(Duration::from_secs(500));
            let header = serde_json::json!({ "typ": "dbsc+jwt", "alg": "ES256" });
            let forged = jwt(&header, &ada.challenge, &key(8));
            assert_eq!(post(&app, &ada.browser, "refresh", Some(&ada.id), Some(&forged)).await.status, 400);
            secrets.push(ada.proof());
            assert_eq!(ada.try_refresh(&app).await.status, 200);
            secrets.push(ada.challenge.clone());
            early.peek(&app, "/app/whose/insert:a:1").await;
            ada.get(&app, "/app/device/count:n").await;
        }
        secrets.extend(ada.browser.header().split(['=', ';', ' ']).filter(|part| part.len() > 30).map(str::to_owned));
        let shown = log.clone();
        let service = house.layer.layer(service_fn(async |request: Request<()>| {
            shown.show(request.extensions());
            let lazy = request.extensions().get::<LazySession>().unwrap();
            let session = lazy.load().await.unwrap();
            shown.show((lazy, &session, session.device()));
            Ok::<_, Infallible>(Response::new(String::new()))
        }));
        let request = Request::get("/").header("cookie", ada.browser.header()).body(()).unwrap();
        log.show(service.oneshot(request).await.unwrap());
        let record = house.store.load(&ada.id.parse().unwrap()).await.unwrap().unwrap();
        log.show((&record, &house.layer));
        let text = String::from_utf8(record.to_bytes()).unwrap();
        let (_, mac_key) = text.split_once("devicekey=43:").unwrap();
        secrets.push(mac_key[..43].to_owned());
    }
    assert!(log.has("wrong signature of the device"), "it was traced");
    assert!(log.has("Record {") && log.has("Device {"), "and shown");
    assert!(secrets.len() >= 40, "{}", secrets.len());
    for secret in secrets {
        // Tokens are an id, which is public, and a secret.
        let secret = if secret.len() == 44 { &secret[22..] } else { &*secret };
        assert!(!log.has(secret), "{secret} was shown");
        if let Ok(bytes) = URL_SAFE_NO_PAD.decode(secret) {
            assert!(!log.has(format!("{bytes:?}")), "{secret} was shown as numbers");
        }
    }
}
