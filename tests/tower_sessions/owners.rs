//! The owner of a session, in an application that keeps its user as axum-login does.

use cloakroom::tower_sessions::{MemoryStore, Session, SessionManagerLayer};
use serde_json::json;

use crate::{browser::Browser, foreign::ForeignStore};

async fn log_in(session: Session, user: u32) {
    session.cycle_id().await.unwrap();
    session.insert("axum-login.data", json!({ "user_id": user, "auth_hash": [1, 2] })).await.unwrap();
}

#[tokio::test]
async fn one_call_logs_a_user_out_everywhere() {
    let layer = SessionManagerLayer::new(MemoryStore::default())
        .with_options(|layer| layer.owner_key("axum-login.data.user_id"));
    let owners = layer.owners().expect("memory has an index");
    let [mut phone, mut laptop, mut other] = std::array::from_fn(|_| Browser::default());
    phone.visit(&layer, async |session| log_in(session, 7).await).await;
    laptop.visit(&layer, async |session| log_in(session, 7).await).await;
    other.visit(&layer, async |session| log_in(session, 8).await).await;
    assert_eq!(owners.list("7").await.unwrap().len(), 2);
    assert_eq!(owners.revoke_all("7").await.unwrap(), 2);
    for (mut browser, is_in) in [(phone, false), (laptop, false), (other, true)] {
        let data = browser.visit(&layer, async |session| session.get_value("axum-login.data").await.unwrap());
        assert_eq!(data.await.is_some(), is_in);
    }
}

/// Another user in the same session, without a logout between: the old cookie is worth nothing.
#[tokio::test]
async fn another_user_renews_the_session_by_itself() {
    let layer = SessionManagerLayer::new(MemoryStore::default())
        .with_options(|layer| layer.owner_key("axum-login.data.user_id"));
    let mut browser = Browser::default();
    browser.visit(&layer, async |session| log_in(session, 7).await).await;
    let before = browser.token();
    let change = async |session: Session| session.insert("axum-login.data", json!({ "user_id": 8 })).await.unwrap();
    browser.visit(&layer, change).await;
    assert_ne!(browser.token(), before);
    assert_eq!(layer.owners().unwrap().list("8").await.unwrap().len(), 1);
}

/// Row: `owners()` over a foreign store.
#[tokio::test]
async fn a_foreign_store_has_no_index_of_owners() {
    assert!(SessionManagerLayer::new(ForeignStore::default()).owners().is_none());
}
