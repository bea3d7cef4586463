//! A mistake that still works is one warning in the log, however many workers make a middleware.

use actix_web::cookie::{Key, time::Duration};
use cloakroom::{
    MemoryStore,
    actix_web::{SessionMiddleware, config::PersistentSession},
};

use crate::{
    house::{Site, builder, max_age},
    support::{Browser, log::Log},
};

/// Returns the lines that were logged while `act` ran.
fn logged(act: impl FnOnce()) -> Vec<String> {
    let log = Log::capture();
    act();
    log.text().lines().map(str::to_owned).collect()
}

fn years() -> SessionMiddleware<MemoryStore> {
    let life = PersistentSession::default().session_ttl(Duration::days(1000));
    builder(MemoryStore::new()).session_lifecycle(life).build()
}

/// Row: more than 400 days. No other test of this program has such a long lifetime.
#[actix_web::test]
async fn a_cookie_for_more_than_400_days_is_one_warning_and_is_clamped() {
    let lines = logged(|| {
        for _ in 0..3 {
            drop(years());
        }
    });
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].contains("WARN") && lines[0].contains("400 days"), "{lines:?}");
    let page = Site::new(years()).get(&Browser::new(), "/app/insert:n:5").await;
    assert_eq!(max_age(&page), Some(400 * 24 * 60 * 60));
}

// No other test of this program has such a key.
#[actix_web::test]
async fn a_placeholder_for_a_key_is_one_warning_and_works() {
    let placeholder = || SessionMiddleware::new(MemoryStore::new(), Key::from(&[0; 64]));
    let lines = logged(|| {
        for _ in 0..3 {
            drop(placeholder());
        }
    });
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].contains("WARN") && lines[0].contains("anyone can make a session"), "{lines:?}");
    let (site, browser) = (Site::new(placeholder()), Browser::new());
    site.get(&browser, "/app/insert:n:5").await;
    assert_eq!(site.get(&browser, "/app/get:n").await.body, "5");
}

#[test]
fn what_is_in_order_is_no_warning() {
    let lines = logged(|| {
        let life = PersistentSession::default().session_ttl(Duration::days(400));
        drop(builder(MemoryStore::new()).session_lifecycle(life).build());
        drop(SessionMiddleware::new(MemoryStore::new(), Key::generate()));
    });
    assert_eq!(lines, [""; 0]);
}
