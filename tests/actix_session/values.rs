//! Reading and writing without the middleware: a request that a unit test made.

use std::{borrow::Cow, sync::Arc};

use actix_web::{HttpResponse, test::TestRequest};
use cloakroom::{
    Session,
    actix_web::{SessionExt as _, SessionStatus},
};
use serde_json::json;

fn session() -> Session {
    TestRequest::default().to_srv_request().get_session()
}

#[actix_web::test]
async fn what_is_written_by_the_request_is_read_by_the_response() {
    let request = TestRequest::default().to_srv_request();
    let session = request.get_session();
    session.insert("coat", "red").unwrap();
    assert_eq!(session.get::<String>("coat").unwrap(), Some("red".to_owned()));
    session.insert("hat", "blue").unwrap();
    session.insert("open", true).unwrap();
    session.insert("number", 10).unwrap();
    assert_eq!((session.get("open").unwrap(), session.get("number").unwrap()), (Some(true), Some(10)));
    session.remove("coat");
    session.remove("open");
    session.remove("number");
    let response = request.into_response(HttpResponse::Ok().finish());
    let state: Vec<_> = response.get_session().entries().clone().into_iter().collect();
    assert_eq!(state, [("hat".to_owned(), json!("blue"))]);
}

#[actix_web::test]
async fn a_key_is_there_or_not() {
    let session = session();
    session.insert("coat", "red").unwrap();
    session.insert("coat", 1).unwrap();
    assert!(session.contains_key("coat") && !session.contains_key("hat"));
    let entries = session.entries();
    assert!(entries.contains_key("coat") && entries.len() == 1);
}

/// Each `&str` and each type that becomes a `String` is a key.
#[actix_web::test]
async fn a_key_may_be_any_text() {
    let session = session();
    let (owned, shared): (String, Arc<str>) = ("a".to_owned(), "a".into());
    session.insert(owned.clone(), 1).unwrap();
    session.insert(&owned, 1).unwrap();
    session.insert(Cow::Borrowed("b"), 2).unwrap();
    session.insert(Box::<str>::from("c"), 3).unwrap();
    session.update(owned.clone(), |n: u32| n + 1).unwrap();
    assert_eq!(session.get::<u32>(&owned).unwrap(), Some(2));
    assert_eq!(session.get::<u32>(&shared).unwrap(), Some(2));
    assert_eq!(session.get::<u32>(&Cow::Borrowed("b")).unwrap(), Some(2));
    let found: Vec<Option<u32>> = ["a", "b", "c"].iter().map(|key| session.get(key).unwrap()).collect();
    assert_eq!(found, [Some(2), Some(2), Some(3)]);
    assert!(["a", "b"].iter().all(|key| session.contains_key(key)));
    assert_eq!(session.remove_as::<u32>(&owned), Some(Ok(2)));
    assert_eq!(session.remove(Cow::Borrowed("b")), Some(json!(2)));
}

#[actix_web::test]
async fn the_status_tells_what_was_asked_for() {
    let session = session();
    assert_eq!(session.status(), SessionStatus::Unchanged);
    session.update("n", |n: u32| n + 1).unwrap();
    assert_eq!(session.status(), SessionStatus::Unchanged, "there is nothing to update");
    session.insert("n", 0).unwrap();
    assert_eq!(session.status(), SessionStatus::Changed);
    session.renew();
    assert_eq!(session.status(), SessionStatus::Renewed);
    session.insert("m", 1).unwrap();
    session.remove("m").unwrap();
    session.clear();
    assert_eq!(session.status(), SessionStatus::Renewed, "renewed stays renewed");
    session.purge();
    session.renew();
    session.insert("n", 1).unwrap();
    assert_eq!((session.status(), session.is_empty()), (SessionStatus::Purged, true));
}

#[actix_web::test]
async fn removals_and_clears_are_changes() {
    for act in [(|session: &Session| drop(session.remove("absent"))) as fn(&Session), Session::clear] {
        let session = session();
        act(&session);
        assert_eq!(session.status(), SessionStatus::Changed);
    }
}

#[actix_web::test]
async fn updates_go_on_from_what_is_there() {
    let session = session();
    session.insert("n", 0).unwrap();
    session.update("n", |n: u32| n + 1).unwrap();
    session.update("n", |n: u32| n + 1).unwrap();
    assert_eq!(session.get("n").unwrap(), Some(2));
    session.update_or("m", 1, |m: u32| m + 1).unwrap();
    assert_eq!(session.get("m").unwrap(), Some(1), "the default, as it is");
    session.update_or("m", 1, |m: u32| m + 1).unwrap();
    assert_eq!(session.get("m").unwrap(), Some(2));
}
