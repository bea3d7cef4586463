//! Signed tokens: a forged one never reaches the store, and keys are replaced without logging users out.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use bytes::Bytes;
use cloakroom::{
    CookieOptions, Event, MemoryStore, SessionLayer,
    keys::{Keyring, SecretKey},
    testing::{FaultStore, Verb},
};
use http::{Request, header};
use rand::{RngExt as _, rngs::StdRng};

use crate::support::{
    App, Browser, Page,
    Sent::{Nothing, Removal, Token},
    drivers::{every, tower},
};

/// The characters of a signed token.
const TOKEN: usize = 66;

fn served(store: &FaultStore<MemoryStore>, keyring: impl Into<Keyring>) -> App {
    tower::app(SessionLayer::new(store.clone()).signed(keyring))
}

fn store() -> FaultStore<MemoryStore> {
    FaultStore::new(MemoryStore::new())
}

/// Makes a request with this value of the session's cookie.
async fn ask(app: &App, value: &str, path: &str) -> Page {
    let request = Request::get(path).header(header::COOKIE, format!("__Host-Http-id={value}"));
    Page::new(app.send(request.body(Bytes::new()).unwrap()).await)
}

fn value_of(browser: &Browser) -> String {
    browser.header().strip_prefix("__Host-Http-id=").unwrap().to_owned()
}

#[tokio::test]
async fn ten_thousand_forged_tokens_and_not_one_store_call() {
    let (store, forged) = (store(), Arc::new(AtomicUsize::new(0)));
    let counter = Arc::clone(&forged);
    let layer = SessionLayer::new(store.clone()).signed(SecretKey::generate()).on_event(move |event| {
        if matches!(event, Event::Forged) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    });
    let (app, browser) = (tower::app(layer), Browser::new());
    browser.get(&app, "/app/insert:user:7").await;
    let token = value_of(&browser);
    assert_eq!(token.len(), TOKEN);
    store.take_calls();

    let mut rng: StdRng = rand::make_rng();
    let mut values: Vec<String> = Vec::new();
    for bit in 0..8 * TOKEN {
        let mut bytes = token.clone().into_bytes();
        bytes[bit / 8] ^= 1 << (bit % 8);
        // A value that is no text, or that holds another cookie, is a matter of the cookie parser.
        values.extend(String::from_utf8(bytes).ok().filter(|text| !text.contains([';', ' ', '\t'])));
    }
    let parts: Vec<u8> =
        [0, 22, 44].iter().flat_map(|at| URL_SAFE_NO_PAD.decode(&token[*at..at + 22]).unwrap()).collect();
    let spell = |parts: &[u8]| parts.chunks(16).map(|part| URL_SAFE_NO_PAD.encode(part)).collect::<String>();
    assert_eq!(spell(&parts), token);
    for bit in 0..8 * parts.len() {
        let mut parts = parts.clone();
        parts[bit / 8] ^= 1 << (bit % 8);
        values.push(spell(&parts));
    }
    while values.len() < 10_000 {
        let mut forged: [u8; 48] = rng.random();
        if values.len().is_multiple_of(2) {
            // A real id and secret with a guessed MAC.
            forged[..32].copy_from_slice(&parts[..32]);
        }
        values.push(spell(&forged));
    }
    let cut = (0..TOKEN).map(|at| token[..at].to_owned());
    values.extend(cut.chain([format!("{token}A"), format!("{token}{token}")]));
    for (at, value) in values.iter().enumerate() {
        let value: String = value.chars().filter(|char| !char.is_control()).collect();
        let page = ask(&app, &value, "/app/get:user/presented").await;
        assert_eq!((page.body.as_str(), page.sent()), ("none false", Nothing), "{at}: {value}");
    }
    assert_eq!(store.take_calls(), [] as [&str; 0]);
    assert!(forged.load(Ordering::Relaxed) > 9_000, "most of them must look like tokens");

    for path in ["/app/purge", "/app/insert:a:1/purge"] {
        let mut forged = token.clone();
        forged.replace_range(65.., if token.ends_with('A') { "Q" } else { "A" });
        ask(&app, &forged, path).await;
        assert_eq!(store.take_calls(), [] as [&str; 0], "{path}");
    }
    assert_eq!(ask(&app, &token, "/app/get:user").await.body, "7");
}

#[tokio::test]
async fn keys_are_replaced_without_logging_anyone_out() {
    let (old, new) = (SecretKey::generate(), SecretKey::generate());
    let keyrings = [
        Keyring::new(old.clone()),
        Keyring::new(old.clone()).previous(new.clone()),
        Keyring::new(new.clone()).previous(old.clone()),
        Keyring::new(new.clone()),
    ];
    let store = store();
    for first in 0..4 {
        let [before, coming, turned, after] = keyrings.clone().map(|keyring| served(&store, keyring));
        let (browser, left) = (Browser::new(), Browser::new());
        browser.get(&before, "/app/insert:user:7").await;
        left.get(&before, "/app/insert:user:8").await;
        let token = value_of(&browser);

        assert_eq!(browser.get(&coming, "/app/get:user").await.sent(), Nothing);
        if first % 2 == 0 {
            // The services are restarted one after the other, and the neighbour was first.
            assert_eq!(browser.get(&turned, "/app/get:user").await.sent(), Token);
            assert_eq!(browser.get(&coming, "/app/get:user").await.body, "7");
        }
        assert_eq!(browser.get(&turned, "/plain").await.sent(), Nothing, "nobody asked");
        let page = browser.get(&turned, "/app/get:user/id").await;
        assert_eq!((page.sent(), &page.body[..1]), (Token, "7"));
        let renewed = value_of(&browser);
        assert_eq!(renewed[..44], token[..44], "the same token");
        assert_ne!(renewed[44..], token[44..], "under another key");
        assert_eq!(browser.get(&turned, "/app/get:user").await.sent(), Nothing, "once");

        assert_eq!(browser.get(&after, "/app/get:user/count:n").await.body, "7");
        store.take_calls();
        assert_eq!(left.get(&after, "/app/get:user").await.body, "none");
        assert_eq!(ask(&after, &token, "/app/get:user").await.body, "none");
        assert_eq!(store.take_calls(), [] as [&str; 0], "a removed key's tokens are forged ones");
    }
}

#[tokio::test]
async fn a_token_under_a_previous_key_goes_with_whatever_else_is_done() {
    let (old, new) = (SecretKey::generate(), SecretKey::generate());
    let table = [
        ("/app/get:user", Token, &["load", "replace"][..]),
        ("/app/insert:a:1", Token, &["load", "replace"]),
        // A save leaves it to the commit with which the head is sent.
        ("/app/insert:a:1/save/count:n/save", Token, &["load", "replace", "replace", "replace"]),
        ("/app/renew", Token, &["load", "replace"]),
        ("/app/remember", Token, &["load", "replace"]),
        ("/app/purge", Removal, &["load", "delete"]),
        ("/app/restart/insert:a:1", Token, &["load", "delete", "create"]),
    ];
    for (path, sent, calls) in table {
        let store = store();
        let (before, turned) =
            (served(&store, old.clone()), served(&store, Keyring::new(new.clone()).previous(old.clone())));
        let browser = Browser::new();
        browser.get(&before, "/app/insert:user:7").await;
        store.take_calls();
        let page = browser.get(&turned, path).await;
        assert_eq!(page.sent(), sent, "{path}: {page:?}");
        assert_eq!(store.take_calls(), calls, "{path}");
        let after = served(&store, new.clone());
        let page = browser.get(&after, "/app/presented").await;
        assert_eq!((page.body == "true", page.sent()), (sent == Token, Nothing), "{path}");
    }
}

#[tokio::test]
async fn the_same_token_is_never_sent_over_a_newer_one() {
    let (old, new) = (SecretKey::generate(), SecretKey::generate());
    let store = store();
    let (before, turned) = (served(&store, old.clone()), served(&store, Keyring::new(new).previous(old)));
    let browser = Browser::new();
    browser.get(&before, "/app/insert:a:1").await;

    let gate = store.next(Verb::Replace).waits();
    let slow = browser.peek(&turned, "/app/get:a");
    let login = async {
        gate.reached().await;
        let page = browser.peek(&turned, "/app/renew/insert:user:7").await;
        gate.open();
        page
    };
    let (slow, login) = tokio::join!(slow, login);
    assert_eq!((slow.sent(), slow.body.as_str(), login.sent()), (Nothing, "1", Token));
    for order in [[&slow, &login], [&login, &slow]] {
        let browser = Browser::new();
        browser.keep(order[0]);
        browser.keep(order[1]);
        assert_eq!(browser.get(&turned, "/app/get:user").await.body, "7");
    }
}

#[tokio::test]
async fn a_save_that_runs_into_a_login_gives_no_way_into_it() {
    // The session in the victim's browser and the one that an attacker planted there are the same.
    for last in ["renew", "renew/insert:mine:1", "remember"] {
        let store = store();
        let app = served(&store, SecretKey::generate());
        let browser = Browser::new();
        browser.get(&app, "/app/count:n").await;
        let gate = store.next(Verb::Replace).waits();
        let path = format!("/app/count:n/save/{last}");
        let attacker = browser.peek(&app, &path);
        let victim = async {
            gate.reached().await;
            let page = browser.peek(&app, "/app/count:n/owner:victim/renew").await;
            gate.open();
            page
        };
        let (attacker, victim) = tokio::join!(attacker, victim);
        assert_eq!((attacker.sent(), victim.sent()), (Nothing, Token), "{last}");
    }
}

#[tokio::test]
async fn a_token_is_bound_to_the_name_of_its_cookie_or_header() {
    let (store, key) = (store(), SecretKey::generate());
    let named = |name: &str| {
        let options = CookieOptions::builder().name(name).build().unwrap();
        tower::app(SessionLayer::new(store.clone()).signed(key.clone()).cookie(options))
    };
    let (app, other) = (served(&store, key.clone()), named("__Host-other"));
    let browser = Browser::new();
    browser.get(&app, "/app/insert:user:7").await;
    let token = value_of(&browser);
    assert_eq!(ask(&named("__Host-Http-id"), &token, "/app/get:user").await.body, "7", "in whatever order it is built");
    store.take_calls();
    let request = Request::get("/app/get:user").header(header::COOKIE, format!("__Host-other={token}"));
    let page = Page::new(other.send(request.body(Bytes::new()).unwrap()).await);
    assert_eq!(page.body, "none");
    assert_eq!(store.take_calls(), [] as [&str; 0]);

    let layer = SessionLayer::new(store.clone()).signed(key.clone()).header_only("x-session").unwrap();
    let app = tower::app(layer);
    let in_header = |value: &str| {
        app.send(Request::get("/app/count:n/get:n").header("x-session", value).body(Bytes::new()).unwrap())
    };
    let first = in_header("").await;
    let value = first.headers()["x-session"].to_str().unwrap().to_owned();
    assert_eq!(in_header(&value).await.body(), "2");
    assert_eq!(in_header(&token).await.body(), "1", "a cookie's token is none in a header");
}

#[tokio::test]
async fn tokens_without_a_mac_and_with_one_are_strangers() {
    let (store, key) = (store(), SecretKey::generate());
    let (plain, signed) = (tower::app(SessionLayer::new(store.clone())), served(&store, key));
    for (from, to) in [(&plain, &signed), (&signed, &plain)] {
        let browser = Browser::new();
        browser.get(from, "/app/insert:user:7").await;
        store.take_calls();
        assert_eq!(browser.get(to, "/app/get:user").await.body, "none");
        assert_eq!(store.take_calls(), [] as [&str; 0]);
    }
}

#[tokio::test]
async fn every_framework_replaces_keys() {
    let (old, new) = (SecretKey::generate(), SecretKey::generate());
    let store = MemoryStore::new();
    let layers = |keyring: Keyring| {
        let store = store.clone();
        move || (SessionLayer::new(store.clone()).signed(keyring.clone()), ())
    };
    let before = every(layers(old.clone().into())).await;
    let turned = every(layers(Keyring::new(new.clone()).previous(old.clone()))).await;
    let after = every(layers(new.clone().into())).await;
    for ((before, ()), (turned, ())) in before.iter().zip(&turned) {
        let browser = Browser::new();
        browser.get(before, "/app/insert:user:7").await;
        let page = browser.get(turned, "/app/get:user").await;
        assert_eq!((page.body.as_str(), page.sent()), ("7", Token), "{}", turned.name);
        for (after, ()) in &after {
            assert_eq!(browser.get(after, "/app/get:user").await.body, "7", "{} to {}", turned.name, after.name);
        }
    }
}
