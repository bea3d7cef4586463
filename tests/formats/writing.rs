//! Sessions that the published crates read, beside writers that are faster.

use cloakroom::{
    Lifetime, SessionLayer,
    formats::{ActixSession, ByteStore as _, Stored},
};
use http::StatusCode;

use crate::{
    nodes::{HOUR, ID, KEY, Nodes, PRIVATE, jar_key},
    support::{
        Browser, Page,
        Sent::{Nothing, Removal, Token},
        drivers::tower,
    },
};

fn legacy(text: &str) -> Stored {
    Stored { bytes: text.into(), ttl: Some(24 * HOUR) }
}

fn browser() -> Browser {
    let browser = Browser::new();
    browser.set("id", PRIVATE);
    browser
}

#[tokio::test]
async fn a_write_keeps_the_key_the_cookie_and_every_other_value() {
    let nodes = Nodes::actix();
    let kept = r#"{"big":"18446744073709551615","f":"3.0","n":"null","o":"{\"a\":[1, 2]}","s":"\"ä\""}"#;
    nodes.theirs.put(KEY, kept).await;
    let page = browser().peek(&nodes.theirs_app(), "/app/insert:a:1/get:f").await;
    assert_eq!((page.body.as_str(), page.sent()), ("3.0", Nothing));
    let written = kept.replacen('{', r#"{"a":"1","#, 1);
    assert_eq!(nodes.theirs.text(KEY).await, Some(written));
    let sessions = ActixSession::new(nodes.theirs.clone(), &jar_key()).unwrap().versioned();
    browser().peek(&tower::app(nodes.formed(SessionLayer::foreign(sessions))), "/app/insert:a:2").await;
    let versioned = r#"{"v":1,"state":{"a":2,"big":18446744073709551615,"f":3.0,"n":null,"o":{"a":[1, 2]},"s":"ä"}}"#;
    assert_eq!(nodes.theirs.text(KEY).await.as_deref(), Some(versioned));
}

#[tokio::test]
async fn a_new_session_has_their_key_their_form_and_their_deadline() {
    let nodes = Nodes::actix();
    let browser = Browser::new();
    assert_eq!(browser.get(&nodes.theirs_app(), "/app/insert:a:1").await.sent(), Token);
    let [key] = nodes.theirs.inner.keys().try_into().unwrap();
    assert!(key.len() == 64 && key.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{key}");
    let stored = nodes.theirs.inner.load(&key).await.unwrap().unwrap();
    assert_eq!(stored, Stored { bytes: br#"{"a":"1"}"#.to_vec(), ttl: Some(24 * HOUR) });
    nodes.clock.advance(20 * HOUR);
    assert_eq!(browser.get(&nodes.theirs_app(), "/app/get:a").await.body, "1");
    assert_eq!(nodes.theirs.inner.load(&key).await.unwrap().unwrap().ttl, Some(24 * HOUR), "a use moves the deadline");
    browser.get(&nodes.theirs_app(), "/app/purge").await;
    assert!(nodes.theirs.inner.keys().is_empty());

    let nodes = Nodes::tower();
    browser.get(&nodes.theirs_app(), "/app/insert:a:1").await;
    let [key] = nodes.theirs.inner.keys().try_into().unwrap();
    assert_eq!(browser.header(), format!("id={key}"));
    assert_eq!(key.len(), ID.len());
}

#[tokio::test]
async fn the_absolute_limit_does_not_end_a_session_that_is_used() {
    for nodes in Nodes::both() {
        let lifetime = Lifetime::builder().idle(24 * HOUR).absolute(24 * HOUR).build().unwrap();
        let (app, browser) = (tower::app(nodes.foreign().lifetime(lifetime)), Browser::new());
        browser.get(&app, "/app/insert:a:1").await;
        for path in ["/app/get:a/insert:n:1", "/app/get:a", "/app/get:a/renew", "/app/get:a", "/app/get:a/insert:n:2"] {
            nodes.clock.advance(20 * HOUR);
            assert_eq!(browser.get(&app, path).await.body, "1", "{path}");
        }
    }
}

#[tokio::test]
async fn a_value_that_would_not_come_back_the_same_is_refused() {
    let [actix, theirs] = Nodes::both();
    let versioned = ActixSession::new(actix.theirs.clone(), &jar_key()).unwrap().versioned();
    let versioned = tower::app(actix.formed(SessionLayer::foreign(versioned)));
    for (app, deepest) in [(versioned, 125), (theirs.theirs_app(), 125), (actix.theirs_app(), 127)] {
        for depth in [1, 120, 125, 126, 127] {
            let browser = Browser::new();
            browser.get(&app, "/app/insert:b:1").await;
            let deep = format!("{}7{}", "[".repeat(depth), "]".repeat(depth));
            let status = browser.get(&app, &format!("/app/insert:a:{deep}")).await.status;
            assert_eq!(status.is_success(), depth <= deepest, "{depth}");
            let body = browser.get(&app, "/app/get:a/get:b").await.body;
            assert_eq!(body, if depth <= deepest { format!("{deep} 1") } else { "none 1".to_owned() }, "{depth}");
        }
    }
}

#[tokio::test]
async fn a_key_that_is_the_markers_is_refused_and_no_value_under_it_is_lost() {
    for nodes in Nodes::both() {
        let (app, browser) = (nodes.theirs_app(), Browser::new());
        browser.get(&app, "/app/insert:a:1").await;
        for value in ["A".repeat(54), "5".to_owned()] {
            let page = browser.get(&app, &format!("/app/insert:cloakroom:{value}")).await;
            assert_eq!(page.status, StatusCode::INTERNAL_SERVER_ERROR);
            assert_eq!(browser.get(&app, "/app/get:a").await.body, "1");
        }
        let browser = Browser::new();
        browser.get(&nodes.ours_app(), "/app/insert:cloakroom:5").await;
        assert_eq!(browser.get(&nodes.back_app(), "/app/insert:b:1").await.sent(), Nothing, "it stays where it is");
        assert_eq!(browser.get(&nodes.ours_app(), "/app/get:cloakroom/get:b").await.body, "5 1");
    }
}

#[tokio::test]
async fn changes_are_applied_to_what_a_faster_node_wrote() {
    let nodes = Nodes::actix();
    nodes.theirs.put(KEY, r#"{"n":"1"}"#).await;
    nodes.theirs.before_write(|_| Some(legacy(r#"{"other":"true","n":"41"}"#)));
    assert_eq!(browser().peek(&nodes.theirs_app(), "/app/count:n/insert:mine:1").await.status, StatusCode::OK);
    assert_eq!(nodes.theirs.text(KEY).await.as_deref(), Some(r#"{"mine":"1","n":"42","other":"true"}"#));
}

#[tokio::test]
async fn a_session_that_ended_meanwhile_stays_ended() {
    for nodes in Nodes::both() {
        let (app, browser) = (nodes.theirs_app(), Browser::new());
        browser.get(&app, "/app/insert:a:1").await;
        nodes.theirs.before_write(|_| None);
        let page = browser.peek(&app, "/app/insert:b:2").await;
        assert_eq!((page.status, page.sent()), (StatusCode::OK, Nothing));
        assert!(nodes.theirs.inner.keys().is_empty());
        assert_eq!(browser.get(&app, "/app/get:a").await.body, "none");
    }
}

#[tokio::test]
async fn a_record_that_became_unreadable_is_not_overwritten() {
    let nodes = Nodes::actix();
    nodes.theirs.put(KEY, "{}").await;
    nodes.theirs.before_write(|_| Some(legacy("[]")));
    browser().peek(&nodes.theirs_app(), "/app/insert:a:1").await;
    assert_eq!(nodes.theirs.text(KEY).await.as_deref(), Some("[]"));
}

#[tokio::test]
async fn hundred_writers_lose_nothing() {
    for nodes in Nodes::both() {
        let (app, browser) = (nodes.theirs_app(), Browser::new());
        browser.get(&app, "/app/insert:n:0").await;
        let paths: Vec<String> = (0..100).map(|n| format!("/app/count:n/insert:k{n}:1")).collect();
        let pages = crate::support::all::<Page>(paths.iter().map(|path| Box::pin(browser.peek(&app, path)) as _)).await;
        assert!(pages.iter().all(|page| page.status == StatusCode::OK));
        let keys = browser.get(&app, "/app/get:n/keys").await.body;
        assert_eq!((keys.starts_with("100 "), keys.matches('k').count()), (true, 100), "{keys}");
    }
}

#[tokio::test]
async fn what_the_format_cannot_carry_is_an_error_and_nothing_is_stored() {
    let table = [
        "/app/insert:a:2/label:phone",
        "/app/insert:a:2/remember",
        "/app/insert:a:2/login:ada",
        "/app/insert:a:2/owner:ada",
    ];
    for nodes in Nodes::both() {
        let (app, browser) = (nodes.theirs_app(), Browser::new());
        for path in table {
            assert_eq!(Browser::new().get(&app, path).await.status, StatusCode::INTERNAL_SERVER_ERROR, "new: {path}");
        }
        assert!(nodes.theirs.inner.keys().is_empty());
        browser.get(&app, "/app/insert:a:1").await;
        for path in table {
            let page = browser.get(&app, path).await;
            assert_eq!((page.status, page.sent()), (StatusCode::INTERNAL_SERVER_ERROR, Nothing), "{path}");
        }
        assert_eq!(browser.get(&app, "/app/get:a").await.body, "1");
        assert_eq!(browser.get(&app, "/app/login:ada/insert:user:ada/renew").await.status, StatusCode::OK);
        assert_eq!(browser.get(&app, "/app/whose/purge").await.sent(), Removal);
    }
    let nodes = Nodes::tower();
    let page = Browser::new().get(&nodes.theirs_app(), "/app/insert:n:18446744073709551616").await;
    assert_eq!(page.status, StatusCode::OK, "`serde_json` itself reads a fraction");
}

#[cfg(feature = "device-bound")]
#[tokio::test]
async fn no_browser_is_asked_for_its_device() {
    for nodes in Nodes::both() {
        let layers = [nodes.foreign(), nodes.foreign().also(nodes.ours.clone()), nodes.beside()];
        for (layer, is_asked) in layers.into_iter().zip([false, false, true]) {
            let options = cloakroom::device_bound::DeviceBound::builder().build().unwrap();
            let (app, browser) = (tower::app(layer.device_bound(options).unwrap()), Browser::new());
            for path in ["/app/insert:user:ada", "/app/insert:user:eve/renew"] {
                let page = browser.get(&app, path).await;
                assert_eq!(page.headers.contains_key("secure-session-registration"), is_asked, "{path}");
            }
        }
    }
}
