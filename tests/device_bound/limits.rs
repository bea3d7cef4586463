//! Layers that cannot bind sessions.

use bytes::Bytes;
use cloakroom::{CookieOptions, Failure, MemoryStore, SessionLayer, device_bound::DeviceBound, testing::Verb};
use http::Response;
use http_body_util::Full;

use crate::{
    device::{Device, registration},
    house::House,
    support::{Browser, drivers},
};

fn options() -> DeviceBound {
    DeviceBound::builder().build().unwrap()
}

#[cfg(feature = "secure-cookies")]
#[test]
fn sessions_in_cookies_are_refused_when_the_layer_is_built() {
    use cloakroom::{CookieStore, keys::SecretKey};

    let layer = SessionLayer::cookie_store(CookieStore::new(SecretKey::generate()));
    let error = layer.device_bound(options()).unwrap_err();
    assert!(error.is_unsupported() && error.is_misconfigured(), "{error}");
    assert!(error.to_string().contains("use a store on the server"), "{error}");
}

#[tokio::test]
async fn plain_http_partitioned_cookies_and_headers_are_not_bound() {
    let new = || SessionLayer::new(MemoryStore::new());
    let partitioned = CookieOptions::builder().partitioned().build().unwrap();
    let layers = [
        ("plain http", new().insecure_http()),
        ("partitioned", new().cookie(partitioned)),
        ("a header", new().header_only("x-token").unwrap()),
    ];
    for (name, layer) in layers {
        let app = drivers::tower::app(layer.device_bound(options()).unwrap());
        let page = Browser::new().get(&app, "/app/login:ada").await;
        assert!(registration(&page).is_none(), "{name}");
    }
}

/// A layer that cannot check proofs must not open a session that needs them.
#[tokio::test]
async fn a_layer_without_the_option_opens_no_bound_session() {
    let house = House::new();
    let ada = Device::bound(&house.app()).await;
    house.clock.advance(std::time::Duration::from_secs(61));
    let plain = SessionLayer::new(house.store.clone()).clock(house.clock.clone());
    let app = drivers::tower::app(plain);
    assert_eq!(ada.get(&app, "/app/whose").await, "nobody");
    assert_eq!(ada.get(&house.app(), "/app/whose").await, "ada");
}

/// The first step of a roll-out.
#[tokio::test]
async fn a_layer_that_registers_none_opens_what_others_bound() {
    let house = House::new();
    let mut ada = Device::bound(&house.app()).await;
    let options = DeviceBound::builder().no_registration().build().unwrap();
    let layer = SessionLayer::new(house.store.clone()).clock(house.clock.clone()).device_bound(options).unwrap();
    let app = drivers::tower::app(layer);
    house.clock.advance(std::time::Duration::from_secs(590));
    assert_eq!(ada.try_refresh(&app).await.status, 200);
    assert_eq!(ada.get(&app, "/app/whose/device").await, "ada bound");
    assert!(registration(&Browser::new().get(&app, "/app/login:bob").await).is_none());
}

/// The order of the two options makes no difference: the layer answers browsers about their devices, and its hook makes the
/// responses to failures.
#[tokio::test]
async fn a_layer_with_a_hook_for_failures_registers_devices_too() {
    let hook = |_: &Failure| Response::new(Full::<Bytes>::from("sorry"));
    let house = House::new();
    let new = || SessionLayer::new(house.store.clone());
    let layers = [
        drivers::tower::app(new().device_bound(options()).unwrap().on_failure(hook)),
        drivers::tower::app(new().on_failure(hook).device_bound(options()).unwrap()),
    ];
    for app in layers {
        let ada = Device::bound(&app).await;
        assert_eq!(ada.get(&app, "/app/device").await, "bound");
        house.store.every(Verb::Load).fails();
        assert_eq!(ada.get(&app, "/app/device").await, "sorry");
        house.store.heal();
    }
}
