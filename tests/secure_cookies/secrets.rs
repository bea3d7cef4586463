//! Keys, MACs and sealed sessions are not in a log, in an event or in a `Debug`.

use std::collections::BTreeSet;

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use cloakroom::{
    CookieStore, LazySession, MemoryStore, SessionLayer,
    keys::{KeyError, Keyring, SecretKey},
    testing::{FaultStore, Verb},
};
use http::{Request, Response};
use tower::{Layer as _, ServiceExt as _, service_fn};

use crate::support::{Browser, drivers, log::Log};

const VALUE: &str = "a-value-that-is-nobodys-business";

#[tokio::test]
async fn a_traced_life_shows_no_key_no_mac_and_no_session() {
    let log = Log::capture();
    let bytes: [[u8; 64]; 2] = [rand::random_iter().take(64), rand::random_iter().take(64)]
        .map(|bytes| bytes.collect::<Vec<u8>>().try_into().expect("64 bytes"));
    let [old, new] = bytes.map(|bytes| SecretKey::from_bytes(&bytes).expect("random bytes"));
    let keyring = Keyring::new(new.clone()).previous(old.clone());
    let bad = [SecretKey::from_base64(&format!("{VALUE}!")).err(), SecretKey::from_bytes(&bytes[0][..31]).err()];
    log.show((&old, &keyring, CookieStore::new(keyring.clone()), bad));

    let store = FaultStore::new(MemoryStore::new());
    let mut sent: BTreeSet<String> = BTreeSet::new();
    let layers = |keyring: Keyring| {
        let hooked = [log.clone(), log.clone(), log.clone()];
        let [a, b, c] = hooked.map(|log| move |event: &cloakroom::Event<'_>| log.show(event));
        [
            SessionLayer::new(store.clone()).signed(keyring.clone()).on_event(a),
            SessionLayer::cookie_store(CookieStore::new(keyring.clone())).on_event(b),
            SessionLayer::cookie_store(CookieStore::insecure_readable(keyring)).on_event(c),
        ]
    };
    for (before, after) in layers(old.into()).into_iter().zip(layers(keyring)) {
        log.show((&before, &after));
        let (turned, before) = (drivers::tower::app(after.clone()), drivers::axum::app(before));
        let browser = Browser::new();
        let mut get = async |path: &str| {
            browser.get(&before, "/app/insert:a:1").await;
            sent.insert(browser.header());
            let page = browser.get(&turned, path).await;
            sent.insert(browser.header());
            // The log of a framework may show responses.
            log.show(&page.headers);
        };
        get(&format!("/app/insert:v:{VALUE}")).await;
        get("/app/renew/insert:user:7/save").await;
        get("/app/get:v").await;
        get(&format!("/app/insert:v:{}", VALUE.repeat(200))).await;
        store.next(Verb::Replace).fails();
        get("/app/count:n").await;
        let forged = browser.header().replace("__Host-Http-id=", "__Host-Http-id=A");
        let request = Request::get("/app/get:v").header("cookie", &forged).body(bytes::Bytes::new());
        turned.send(request.expect("a request")).await;
        get("/app/purge").await;
        get(&format!("/app/insert:v:{VALUE}/remember")).await;

        let shown = log.clone();
        let service = after.layer(service_fn(async |request: Request<()>| {
            shown.show(request.extensions());
            let session = request.extensions().get::<LazySession>().expect("the layer put it there").load().await;
            let session = session.expect("the store works");
            session.renew();
            session.save().await.expect("the store works");
            shown.show((&session, request.extensions()));
            Ok::<_, std::convert::Infallible>(Response::new(String::new()))
        }));
        log.show(&service);
        let request = Request::get("/").header("cookie", browser.header()).body(()).expect("a request");
        let response = service.oneshot(request).await.expect("no error");
        log.show(&response);
        sent.insert(
            response.headers()["set-cookie"].to_str().expect("text").split(';').next().expect("one").to_owned(),
        );
    }

    for text in ["session token forged", "session renewed", "session store failed", "browsers keep 4096", "SessionId("]
    {
        assert!(log.has(text), "it was traced: {text}");
    }
    for key in &bytes {
        for text in [STANDARD.encode(key), URL_SAFE_NO_PAD.encode(key), format!("{key:?}")] {
            // Every part of it, and not only the whole.
            for part in text.as_bytes().chunks(20).filter(|part| part.len() == 20) {
                assert!(!log.has(part), "a key was shown");
            }
        }
        assert!(!log.has(&key[..8]));
    }
    assert!(!log.has(VALUE));
    assert!(sent.len() > 20, "there was something to find");
    for pair in sent.iter().filter_map(|pair| pair.strip_prefix("__Host-Http-id=")) {
        // The first half of a token is its public id; a readable cookie has the id behind its header.
        let secret = if pair.len() == 66 { &pair[22..] } else { &pair[40..] };
        for part in secret.as_bytes().chunks(22).filter(|part| part.len() == 22) {
            assert!(!log.has(part), "a token or a session was shown: {pair}");
        }
        let bytes = URL_SAFE_NO_PAD.decode(&pair[pair.len() - 20..]).expect("base64");
        assert!(!log.has(format!("{bytes:?}").trim_matches(['[', ']'])), "shown as numbers: {pair}");
    }
}

#[test]
fn an_error_names_the_key_at_fault_and_what_to_do() {
    let key = STANDARD.encode((1..=64).collect::<Vec<u8>>());
    let table = [
        (format!("{key},"), "key 2 of 2 is empty; remove the trailing comma"),
        (format!("{key}, ,{key}"), "key 2 of 3 is empty; remove the comma behind it"),
        (format!("{key},c2hvcnQ="), "key 2 of 2 has 5 bytes, and needs 32 random ones at least, better 64"),
        (format!("?,{key}"), "key 1 of 2 is not base64"),
        (format!("{key},{}", STANDARD.encode([7; 64])), "key 2 of 2 repeats one byte; make a random key"),
        ("?".to_owned(), "the key is not base64"),
        (String::new(), "the key is empty"),
    ];
    for (list, expected) in table {
        let error = Keyring::from_base64(&list).expect_err("refused");
        assert_eq!((error.to_string(), format!("{error:?}")), (expected.to_owned(), expected.to_owned()));
    }
}

/// Keys out of the environment: this test runs itself again with one set.
#[test]
fn keys_come_from_the_environment() {
    const VARIABLE: &str = "CLOAKROOM_TEST_KEYS";
    if std::env::var(VARIABLE).is_ok() {
        assert!(
            SecretKey::from_env(VARIABLE)
                .is_err_and(|error| error.to_string() == format!("{VARIABLE}: the key is not base64"))
        );
        let shown = format!("{:?}", Keyring::from_env(VARIABLE).expect("two keys"));
        assert_eq!(shown, "Keyring { previous: 1, .. }");
        return;
    }
    let error = Keyring::from_env(VARIABLE).expect_err("it is not set");
    assert_eq!(error, KeyError::Unset(VARIABLE.to_owned()));
    assert!(error.to_string().contains(VARIABLE));
    let keys: Vec<String> = (1..=2).map(|n| STANDARD.encode((n..n + 64).collect::<Vec<u8>>())).collect();
    let output = std::process::Command::new(std::env::current_exe().expect("a test"))
        .args(["--exact", "secrets::keys_come_from_the_environment"])
        .env(VARIABLE, keys.join(", "))
        .output();
    let output = output.expect("it runs");
    assert!(output.status.success() && String::from_utf8_lossy(&output.stdout).contains("1 passed"), "{output:?}");
}
