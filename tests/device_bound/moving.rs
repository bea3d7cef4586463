//! Bound sessions beside a move to another store.

use cloakroom::{MemoryStore, SessionLayer, device_bound::DeviceBound, keys::SecretKey};

use crate::{
    device::Device,
    house::{House, LIFETIME},
    support::drivers,
};

#[tokio::test]
async fn a_bound_session_stays_in_its_store_until_the_next_login() {
    let (house, new, key) = (House::new(), MemoryStore::new(), SecretKey::generate());
    let moving = SessionLayer::new(new.clone())
        .also(house.store.clone())
        .moving(&key)
        .clock(house.clock.clone())
        .device_bound(DeviceBound::builder().build().unwrap())
        .unwrap();
    let mut ada = Device::bound(&house.app()).await;
    let app = drivers::tower::app(moving);
    for _ in 0..3 {
        assert_eq!(ada.get(&app, "/app/insert:cart:plum/whose/device").await, "ada bound");
        house.clock.advance(LIFETIME / 2);
        assert_eq!(ada.refresh(&app).await.status, 200);
        house.clock.advance(LIFETIME / 4 * 3);
        assert_eq!(ada.get(&app, "/app/whose/get:cart").await, "ada plum");
        assert_eq!(ada.refresh(&app).await.status, 200);
    }
    assert_eq!(new.len(), 0);
    // The node of the old store refreshes it, too.
    assert_eq!(ada.refresh(&house.app()).await.status, 200);

    let page = ada.browser.get(&app, "/app/login:ada").await;
    assert!(page.headers.contains_key("secure-session-registration"), "{page:?}");
    assert_eq!(ada.get(&app, "/app/insert:cart:fig/whose/device").await, "ada unbound");
    assert_eq!(ada.get(&app, "/app/whose/get:cart").await, "ada fig");
    assert_eq!((new.len(), house.store.inner().len()), (1, 0));
}
