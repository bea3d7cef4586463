//! Sessions in the cookie: only the exact bytes that the key's holder wrote, for this cookie and in time, open a
//! session.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use bytes::Bytes;
use cloakroom::{
    CookieOptions, CookieStore, Event, Lifetime, Rejection, SessionLayer,
    keys::{Keyring, SecretKey},
    testing::TestClock,
};
use http::{Request, header};

use crate::support::{
    App, Browser, Page,
    Sent::{Nothing, Token},
    drivers::tower,
};

type Made = fn(Keyring) -> CookieStore;
/// Both forms. Everything here holds for both.
const FORMS: [Made; 2] = [CookieStore::new, CookieStore::insecure_readable];

fn layer(form: Made, keyring: impl Into<Keyring>) -> SessionLayer {
    SessionLayer::cookie_store(form(keyring.into()))
}

async fn ask(app: &App, pair: String, path: &str) -> Page {
    Page::new(app.send(Request::get(path).header(header::COOKIE, pair).body(Bytes::new()).unwrap()).await)
}

/// Returns the name and the value of a cookie with user 7 in it.
async fn cookie(app: &App) -> (String, String) {
    let browser = Browser::new();
    assert_eq!(browser.get(app, "/app/insert:user:7/owner:ada").await.sent(), Token);
    browser.header().split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned())).unwrap()
}

#[tokio::test]
async fn every_flipped_bit_every_cut_and_every_addition_is_refused() {
    for form in FORMS {
        let forged = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&forged);
        let app = tower::app(layer(form, SecretKey::generate()).on_event(move |event| match event {
            Event::Forged => drop(counter.fetch_add(1, Ordering::Relaxed)),
            Event::Created { .. } => {}
            other => panic!("{other:?}"),
        }));
        let (name, value) = cookie(&app).await;
        let bytes = URL_SAFE_NO_PAD.decode(&value).unwrap();
        let mut values: Vec<Vec<u8>> = Vec::new();
        for bit in 0..8 * bytes.len() {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            values.push(flipped);
        }
        values.extend((0..bytes.len()).map(|at| bytes[..at].to_vec()));
        values.extend([1, 2, 3, 16, 1000].map(|more| [&bytes[..], &vec![0; more]].concat()));
        values.extend([[&[0], &bytes[..]].concat(), [&bytes[..], &bytes[..]].concat()]);
        let texts = values.iter().map(|bytes| URL_SAFE_NO_PAD.encode(bytes));
        // Other texts for the same bytes, and cookies that are too long.
        let spelled = ["=", "==", "A", "%3D", "\u{e9}"].map(|end| format!("{value}{end}"));
        let quoted = [format!("\"{value}\""), value.replace('_', "/").replace('-', "+") + "=", "A".repeat(100_000)];
        for text in texts.chain(spelled).chain(quoted) {
            let page = ask(&app, format!("{name}={text}"), "/app/get:user/presented").await;
            assert_eq!((page.body.as_str(), page.sent()), ("none false", Nothing), "{text}");
        }
        assert!(forged.load(Ordering::Relaxed) > 8 * bytes.len());
        let beside = format!("{name}={}; {name}={value}; {name}=x", "A".repeat(value.len()));
        assert_eq!(ask(&app, beside, "/app/get:user/presented").await.body, "7 true", "a neighbour hides nothing");
    }
}

/// A page of another origin of the same site can set any number of cookies. They must not log the user out.
#[tokio::test]
async fn forged_cookies_before_the_good_one_do_not_hide_it() {
    for count in [1, 4, 15] {
        let forged = Arc::new(AtomicUsize::new(0));
        let signed = SessionLayer::new(cloakroom::MemoryStore::new()).signed(SecretKey::generate());
        for layer in FORMS.map(|form| layer(form, SecretKey::generate())).into_iter().chain([signed]) {
            forged.store(0, Ordering::Relaxed);
            let counter = Arc::clone(&forged);
            let app = tower::app(layer.on_event(move |event| {
                if let Event::Forged = event {
                    counter.fetch_add(1, Ordering::Relaxed);
                }
            }));
            let (name, value) = cookie(&app).await;
            let fakes = (0..count).map(|n| {
                let mut fake = value.clone().into_bytes();
                // Another character in the middle: the length is right, and no key fits. Both parts are valid base64.
                let at = fake.len() / 2 + n;
                fake[at] = if fake[at] == b'A' { b'Q' } else { b'A' };
                format!("{name}={}; ", String::from_utf8(fake).expect("ascii"))
            });
            let pairs: String = fakes.collect();
            let page = ask(&app, format!("{pairs}{name}={value}"), "/app/get:user/presented/whose").await;
            assert_eq!(page.body, "7 true ada", "{count}");
            assert_eq!(forged.load(Ordering::Relaxed), count, "each is told");
            let page = ask(&app, format!("{pairs}{name}={value}"), "/app/purge").await;
            assert_eq!(page.sent(), crate::support::Sent::Removal, "{count}");
        }
    }
}

#[tokio::test]
async fn other_modes_names_formats_and_keys_are_refused() {
    let (key, other) = (SecretKey::generate(), SecretKey::generate());
    let named = |name: &str| CookieOptions::builder().name(name).build().unwrap();
    for (form, other_form) in [(FORMS[0], FORMS[1]), (FORMS[1], FORMS[0])] {
        let app = tower::app(layer(form, key.clone()));
        let (name, value) = cookie(&app).await;
        assert_eq!(ask(&app, format!("{name}={value}"), "/app/get:user").await.body, "7");
        let table = [
            ("the other form", tower::app(layer(other_form, key.clone())), "__Host-Http-id"),
            ("another name", tower::app(layer(form, key.clone()).cookie(named("__Host-other"))), "__Host-other"),
            ("a plain name", tower::app(layer(form, key.clone()).insecure_http()), "id"),
            ("another key", tower::app(layer(form, other.clone())), "__Host-Http-id"),
            ("tokens", tower::app(SessionLayer::new(cloakroom::MemoryStore::new())), "__Host-Http-id"),
            (
                "signed tokens",
                tower::app(SessionLayer::new(cloakroom::MemoryStore::new()).signed(key.clone())),
                "__Host-Http-id",
            ),
        ];
        for (what, app, name) in table {
            let page = ask(&app, format!("{name}={value}"), "/app/get:user").await;
            assert_eq!((page.body.as_str(), page.sent()), ("none", Nothing), "{what}");
        }
        let bytes = URL_SAFE_NO_PAD.decode(&value).unwrap();
        for version in (0..=255).filter(|version| *version != bytes[0]) {
            let text = URL_SAFE_NO_PAD.encode([&[version], &bytes[1..]].concat());
            let page = ask(&app, format!("{name}={text}"), "/app/get:user").await;
            assert_eq!(page.body, "none", "format {version}");
        }
    }
}

#[tokio::test]
async fn a_copy_dies_on_time_and_with_its_key() {
    const HOUR: Duration = Duration::from_secs(3600);
    let lifetime = Lifetime::builder().idle(2 * HOUR).absolute(5 * HOUR).build().unwrap();
    for form in FORMS {
        let (old, new, clock) = (SecretKey::generate(), SecretKey::generate(), TestClock::new());
        let app = |keyring: Keyring| tower::app(layer(form, keyring).clock(clock.clone()).lifetime(lifetime.clone()));
        let (before, turned, after) =
            (app(old.clone().into()), app(Keyring::new(new.clone()).previous(old)), app(new.into()));
        let browser = Browser::new();
        browser.get(&before, "/app/insert:user:7").await;
        let copy = browser.copied();
        for hours in 1..6 {
            clock.advance(HOUR);
            let page = browser.get(&before, "/app/get:user").await;
            assert_eq!(page.body, if hours < 5 { "7" } else { "none" }, "in use for {hours} hours");
            // In the fourth hour, the absolute limit is as near as the idle one.
            assert_eq!(page.sent(), if hours < 4 { Token } else { Nothing });
            let page = copy.peek(&before, "/app/get:user").await;
            assert_eq!(page.body, if hours < 2 { "7" } else { "none" }, "copied {hours} hours ago");
        }

        let (browser, copy) = (Browser::new(), Browser::new());
        for browser in [&browser, &copy] {
            browser.get(&before, "/app/insert:user:7").await;
        }
        let page = browser.get(&turned, "/app/get:user").await;
        assert_eq!((page.body.as_str(), page.sent()), ("7", Token));
        assert_eq!(browser.get(&turned, "/app/get:user").await.sent(), Nothing, "once");
        assert_eq!(browser.get(&after, "/app/get:user").await.body, "7");
        assert_eq!(copy.get(&after, "/app/get:user").await.body, "none", "its key is removed");
    }
}

#[tokio::test]
async fn what_a_deadline_refuses_is_told_from_a_forgery() {
    let clock = TestClock::new();
    let seen = Arc::new(std::sync::Mutex::new(Vec::new()));
    let told = Arc::clone(&seen);
    let app = tower::app(layer(CookieStore::new, SecretKey::generate()).clock(clock.clone()).on_event(move |event| {
        if let Event::Rejected { reason, .. } = event {
            told.lock().unwrap().push(*reason);
        }
    }));
    let (name, value) = cookie(&app).await;
    clock.advance(Duration::from_secs(25 * 3600));
    assert_eq!(ask(&app, format!("{name}={value}"), "/app/get:user").await.body, "none");
    assert_eq!(*seen.lock().unwrap(), [Rejection::Expired]);
}

#[tokio::test]
async fn no_two_cookies_are_alike_and_only_the_readable_form_is_readable() {
    let key = SecretKey::generate();
    for (form, is_readable) in [(FORMS[0], false), (FORMS[1], true)] {
        let app = tower::app(layer(form, key.clone()));
        let (_, value) = cookie(&app).await;
        assert_ne!(cookie(&app).await.1, value);
        let bytes = URL_SAFE_NO_PAD.decode(&value).unwrap();
        for text in ["user", "ada"] {
            assert_eq!(bytes.windows(text.len()).any(|part| part == text.as_bytes()), is_readable, "{text}");
        }
    }
}
