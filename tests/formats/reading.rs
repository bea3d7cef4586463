//! Sessions that the published crates made.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use bytes::Bytes;
use cloakroom::{
    Clock as _, Event, SessionLayer, StoreError,
    formats::{ActixSession, FormatError, Stored, TowerSessions},
};
use http::{HeaderValue, Request, StatusCode, header};

use crate::{
    nodes::{ID, KEY, Nodes, PRIVATE, SIGNED, jar_key},
    support::{
        App, Browser, Page,
        Sent::{Nothing, Token},
        drivers::tower,
    },
};

const LEGACY: &str = r#"{"counter":"1","user":"\"bob\""}"#;
const VERSIONED: &str = r#"{"v":1,"state":{"counter":1,"user":"bob"}}"#;
const BARE: &str = r#"{"counter":1,"user":"bob"}"#;

async fn with_cookie(app: &App, value: &str, path: &str) -> Page {
    let browser = Browser::new();
    browser.set("id", value);
    browser.peek(app, path).await
}

/// The record of the id 1 until 2042, as tower-sessions writes it.
fn record() -> Vec<u8> {
    hex("93c4100000000000000000000000000000000181a7636f756e7465720199cd07fa0203040500000000")
}

fn hex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

#[tokio::test]
async fn a_session_of_actix_session_opens_in_each_jar_and_form() -> Result<(), FormatError> {
    for (form, address) in [(LEGACY, KEY), (VERSIONED, KEY), (BARE, KEY), (LEGACY, "prefix:")] {
        let nodes = Nodes::actix();
        let sessions = || {
            let sessions = ActixSession::new(nodes.theirs.clone(), &jar_key())?;
            Ok::<_, FormatError>(if address == KEY {
                sessions
            } else {
                sessions.cache_keygen(|key| format!("prefix:{key}"))
            })
        };
        nodes.theirs.put(&if address == KEY { KEY.to_owned() } else { format!("prefix:{KEY}") }, form).await;
        let private = tower::app(nodes.formed(SessionLayer::foreign(sessions()?)));
        let signed = tower::app(nodes.formed(SessionLayer::foreign(sessions()?.signed())));
        for (app, value) in [(&private, PRIVATE), (&signed, SIGNED)] {
            let page = with_cookie(app, value, "/app/get:counter/get:user/whose").await;
            assert_eq!((page.body.as_str(), page.sent()), ("1 bob bob", Nothing), "{form}");
        }
        assert_eq!(with_cookie(&private, SIGNED, "/app/whose").await.body, "nobody");
        assert_eq!(with_cookie(&signed, PRIVATE, "/app/whose").await.body, "nobody");
    }
    Ok(())
}

#[tokio::test]
async fn a_session_of_tower_sessions_opens() {
    let nodes = Nodes::tower();
    nodes.theirs.put(ID, record()).await;
    let app = nodes.theirs_app();
    let page = with_cookie(&app, ID, "/app/get:counter").await;
    assert_eq!((page.body.as_str(), page.sent()), ("1", Nothing));
    assert_eq!(with_cookie(&app, "AgAAAAAAAAAAAAAAAAAAAA", "/app/get:counter").await.body, "none");
}

#[tokio::test]
async fn an_expired_forged_or_unreadable_session_is_none_and_no_error() {
    let nodes = Nodes::actix();
    let app = nodes.theirs_app();
    for unreadable in ["", "[]", "{", r#"{"user":"bob"}"#, r#"{"v":2,"state":{}}"#] {
        nodes.theirs.put(KEY, unreadable).await;
        let page = with_cookie(&app, PRIVATE, "/app/whose/insert:x:1").await;
        assert_eq!((page.status, page.body.as_str(), page.sent()), (StatusCode::OK, "nobody", Token), "{unreadable}");
    }
    nodes.theirs.put(KEY, LEGACY).await;
    let forged = PRIVATE.replacen('g', "h", 1);
    for forged in [forged.as_str(), "", "x", &PRIVATE[1..], KEY, ID] {
        let page = with_cookie(&app, forged, "/app/whose").await;
        assert_eq!((page.status, page.body.as_str()), (StatusCode::OK, "nobody"), "{forged}");
    }
    nodes.clock.advance(24 * crate::nodes::HOUR);
    assert_eq!(with_cookie(&app, PRIVATE, "/app/whose").await.body, "nobody");
    let nodes = Nodes::tower();
    nodes.theirs.put(ID, record()).await;
    nodes.clock.advance(24 * 365 * 20 * crate::nodes::HOUR);
    nodes.theirs.put(ID, record()).await;
    assert_eq!(with_cookie(&nodes.theirs_app(), ID, "/app/get:counter").await.body, "none", "its own deadline is over");
}

/// Sends a `Cookie` header of any bytes.
async fn with_header(app: &App, header: Vec<u8>, path: &str) -> Page {
    let mut request = Request::get(path).body(Bytes::new()).unwrap();
    request.headers_mut().insert(header::COOKIE, HeaderValue::from_bytes(&header).unwrap());
    Page::new(app.send(request).await)
}

#[tokio::test]
async fn a_cookie_of_any_bytes_is_no_session_and_no_error() {
    let (actix, tower_sessions) = (Nodes::actix(), Nodes::tower());
    let until = actix.clock.now() + 24 * crate::nodes::HOUR;
    let in_cookie = || ActixSession::in_cookie(&jar_key(), until).unwrap();
    let apps = [
        actix.theirs_app(),
        actix.moving_app(),
        tower_sessions.theirs_app(),
        tower_sessions.moving_app(),
        tower::app(actix.formed(SessionLayer::foreign(in_cookie()))),
        tower::app(actix.formed(SessionLayer::foreign(in_cookie().signed()))),
    ];
    let long = |part: &[u8]| part.repeat(5000 / part.len());
    let values: [Vec<u8>; 11] = [
        vec![0xff; 22],
        vec![0xc3; 124],
        long(b"a"),
        long(b"%41"),
        long(b"\xff"),
        b"%FF%FE%FD%80%80%80%80".to_vec(),
        b"%".to_vec(),
        b"%zz%4".to_vec(),
        b"\"".to_vec(),
        "ä".repeat(62).into_bytes(),
        [PRIVATE.as_bytes(), PRIVATE.as_bytes()].concat(),
    ];
    for app in &apps {
        for value in &values {
            let page = with_header(app, [b"id=", value.as_slice()].concat(), "/app/whose/insert:x:1").await;
            assert_eq!((page.status, page.body.as_str(), page.sent()), (StatusCode::OK, "nobody", Token), "{value:x?}");
        }
    }
}

#[tokio::test]
async fn a_second_cookie_does_not_cover_the_session() {
    let nodes = Nodes::actix();
    nodes.theirs.put(KEY, LEGACY).await;
    let unknown = {
        let browser = Browser::new();
        browser.get(&Nodes::actix().theirs_app(), "/app/insert:a:1").await;
        browser.value(crate::support::browser::URL, "id").unwrap()
    };
    for app in [nodes.theirs_app(), nodes.both_app(), nodes.moving_app()] {
        for other in [unknown.as_str(), "", "garbage", SIGNED, PRIVATE] {
            for header in [format!("id={other}; id={PRIVATE}"), format!("id={PRIVATE}; id={other}")] {
                let page = with_header(&app, header.clone().into_bytes(), "/app/whose").await;
                assert_eq!((page.body.as_str(), page.sent()), ("bob", Nothing), "{header}");
            }
        }
    }
}

#[tokio::test]
async fn a_store_that_fails_is_an_error_only_for_its_own_tokens() {
    for nodes in Nodes::both() {
        let (app, theirs, ours) = (nodes.moving_app(), Browser::new(), Browser::new());
        theirs.get(&nodes.theirs_app(), "/app/insert:a:1").await;
        ours.get(&nodes.ours_app(), "/app/insert:a:2").await;
        nodes.theirs.fail(Some(StoreError::new("it is away")));
        assert_eq!(theirs.peek(&app, "/app/get:a").await.status, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(ours.peek(&app, "/app/get:a/insert:b:1").await.body, "2");
        assert_eq!(Browser::new().peek(&app, "/app/insert:b:1/get:b").await.body, "1");
        nodes.theirs.fail(None);
        assert_eq!(theirs.peek(&app, "/app/get:a").await.body, "1");
    }
}

#[tokio::test]
async fn an_empty_cookie_is_not_a_forged_one() {
    let nodes = Nodes::actix();
    let forged = Arc::new(AtomicUsize::new(0));
    let in_cookie = ActixSession::in_cookie(&jar_key(), nodes.clock.now() + crate::nodes::HOUR).unwrap();
    for layer in [nodes.foreign(), nodes.formed(SessionLayer::foreign(in_cookie))] {
        let count = Arc::clone(&forged);
        let app = tower::app(layer.on_event(move |event| {
            count.fetch_add(usize::from(matches!(event, Event::Forged)), Ordering::Relaxed);
        }));
        with_cookie(&app, "", "/app/whose").await;
        assert_eq!(forged.load(Ordering::Relaxed), 0);
        with_cookie(&app, "x", "/app/whose").await;
        assert_eq!(forged.swap(0, Ordering::Relaxed), 1);
    }
}

#[test]
fn a_record_shows_nothing_of_its_bytes() {
    let record = Stored { bytes: b"hunter2".to_vec(), ttl: None };
    assert_eq!(format!("{record:?}"), "Stored { length: 7, ttl: None }");
}

#[test]
fn a_key_that_cannot_be_one_is_refused() {
    let bytes = || cloakroom::testing::MemoryBytes::new();
    assert!(ActixSession::new(bytes(), &jar_key()[1..]).is_err());
    assert!(TowerSessions::new(bytes()).signed(&[0; 64]).is_err());
    assert!(TowerSessions::new(bytes()).private(&[]).is_err());
}
