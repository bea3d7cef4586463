//! When sessions and cookies end.

use std::time::Duration;

use cloakroom::{
    testing::TestClock,
    tower_sessions::{Expiry, MemoryStore, Session, SessionManagerLayer},
};
use http::{Response, StatusCode};
use time::OffsetDateTime;

use crate::browser::{Browser, set_cookie};

const HOUR: Duration = Duration::from_secs(3600);

fn layer(clock: &TestClock) -> SessionManagerLayer<MemoryStore> {
    let clock = clock.clone();
    SessionManagerLayer::new(MemoryStore::default()).with_options(move |layer| layer.clock(clock.clone()))
}

/// The `Max-Age` of the cookie that a response sets, in seconds.
fn max_age(response: &Response<String>) -> Option<u64> {
    set_cookie(response)?.split("; Max-Age=").nth(1)?.split(';').next()?.parse().ok()
}

async fn is_in(layer: &SessionManagerLayer<MemoryStore>, browser: &mut Browser) -> bool {
    browser.visit(layer, async |session| session.get_value("user").await.unwrap().is_some()).await
}

async fn ok(session: Session) -> StatusCode {
    session.insert("user", "ada").await.unwrap();
    StatusCode::OK
}

#[tokio::test]
async fn an_idle_limit_is_pushed_out_by_changes_only() {
    let clock = TestClock::new();
    let layer = layer(&clock).with_expiry(Expiry::OnInactivity(time::Duration::hours(2)));
    let mut browser = Browser::default();
    let response = browser.send(&layer, ok).await;
    assert_eq!(max_age(&response), Some(7200));
    clock.advance(HOUR);
    let response = browser.send(&layer, async |session| {
        session.insert("seen", 1).await.unwrap();
        StatusCode::OK
    });
    assert_eq!(max_age(&response.await), Some(7200), "sent again with a change");
    clock.advance(HOUR + HOUR / 2);
    assert!(is_in(&layer, &mut browser).await, "the change has pushed it out");
    clock.advance(HOUR);
    assert!(!is_in(&layer, &mut browser).await, "a use has not");
}

#[tokio::test]
async fn with_always_save_each_use_pushes_it_out() {
    let clock = TestClock::new();
    let layer = layer(&clock).with_expiry(Expiry::OnInactivity(time::Duration::hours(2))).with_always_save(true);
    let mut browser = Browser::default();
    browser.send(&layer, ok).await;
    for _ in 0..3 {
        clock.advance(HOUR + HOUR / 2);
        let response = browser.send(&layer, async |_| StatusCode::OK).await;
        assert_eq!(max_age(&response), Some(7200));
    }
    assert!(is_in(&layer, &mut browser).await);
    let mut nobody = Browser::default();
    nobody.send(&layer, async |_| StatusCode::OK).await;
    assert_eq!(nobody.token(), None, "no session, nothing to save");
}

#[tokio::test]
async fn a_browser_session_ends_after_14_days_without_a_change() {
    for expiry in [None, Some(Expiry::OnSessionEnd)] {
        let clock = TestClock::new();
        let layer = expiry.into_iter().fold(layer(&clock), SessionManagerLayer::with_expiry);
        let mut browser = Browser::default();
        let response = browser.send(&layer, ok).await;
        assert!(set_cookie(&response).is_some() && max_age(&response).is_none());
        clock.advance(13 * 24 * HOUR);
        assert!(is_in(&layer, &mut browser).await);
        clock.advance(2 * 24 * HOUR);
        assert!(!is_in(&layer, &mut browser).await);
    }
}

/// A time by the clock holds for each session, whatever is done with it.
#[tokio::test]
async fn a_time_by_the_clock_ends_every_session() {
    let clock = TestClock::new();
    let end = OffsetDateTime::now_utc() + time::Duration::hours(2);
    let layer = layer(&clock).with_expiry(Expiry::AtDateTime(end));
    let mut browser = Browser::default();
    let response = browser.send(&layer, ok).await;
    assert!(matches!(max_age(&response), Some(7199 | 7200)), "{response:?}");
    clock.advance(HOUR + HOUR / 2);
    browser.visit(&layer, async |session| session.insert("seen", 1).await.unwrap()).await;
    assert!(is_in(&layer, &mut browser).await);
    clock.advance(HOUR);
    assert!(!is_in(&layer, &mut browser).await);
}

/// Row: `set_expiry`.
#[tokio::test]
async fn an_expiry_that_a_handler_sets_is_remembered() {
    let clock = TestClock::new();
    let layer = layer(&clock).with_expiry(Expiry::OnInactivity(time::Duration::hours(1)));
    let mut browser = Browser::default();
    browser.send(&layer, ok).await;
    let remember = async |session: Session| {
        assert_eq!(session.expiry(), Some(Expiry::OnInactivity(time::Duration::hours(1))));
        session.set_expiry(Some(Expiry::OnInactivity(time::Duration::days(30))));
        assert!(session.is_modified());
        let (age, date) = (session.expiry_age(), session.expiry_date());
        assert!(age > time::Duration::days(29) && date > OffsetDateTime::now_utc() + time::Duration::days(29));
    };
    browser.visit(&layer, remember).await;
    browser.visit(&layer, async |session| session.insert("seen", 1).await.unwrap()).await;
    clock.advance(20 * 24 * HOUR);
    assert!(is_in(&layer, &mut browser).await, "a later change has not brought the layer's back");
}

/// Row: an expiry that has passed.
#[tokio::test]
async fn an_expiry_that_has_passed_ends_the_session() {
    let past = OffsetDateTime::now_utc() - time::Duration::hours(1);
    for expiry in [Expiry::AtDateTime(past), Expiry::OnInactivity(time::Duration::ZERO)] {
        let clock = TestClock::new();
        let layer = layer(&clock);
        let mut browser = Browser::default();
        browser.send(&layer, ok).await;
        browser.visit(&layer, async move |session| session.set_expiry(Some(expiry))).await;
        assert_eq!(browser.token(), None, "{expiry:?}");
        // A layer with such a time makes no sessions.
        let layer = layer.with_expiry(Expiry::AtDateTime(past));
        browser.send(&layer, ok).await;
        assert_eq!(browser.token(), None);
    }
}

#[tokio::test]
async fn an_expiry_makes_no_session_and_holds_for_one_that_begins_later() {
    let layer = layer(&TestClock::new());
    let mut browser = Browser::default();
    browser.visit(&layer, async |session| session.set_expiry(Some(Expiry::OnSessionEnd))).await;
    assert_eq!(browser.token(), None);
    let response = browser.send(&layer, async |session| {
        session.set_expiry(Some(Expiry::OnInactivity(time::Duration::hours(3))));
        session.flush().await.unwrap();
        ok(session).await
    });
    assert_eq!(max_age(&response.await), Some(10800));
    // Also if it was saved meanwhile.
    let response = browser.send(&layer, async |session| {
        session.set_expiry(Some(Expiry::OnInactivity(time::Duration::hours(4))));
        session.save().await.unwrap();
        StatusCode::OK
    });
    assert_eq!(max_age(&response.await), Some(14400));
}
