use super::*;
use crate::store::{Credentials, SecretHash, State};

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_millis(seconds * 1000)
}

fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

fn limits(idle: u64, absolute: u64) -> LifetimeBuilder {
    Lifetime::builder().idle(seconds(idle)).absolute(seconds(absolute))
}

/// Returns a record that was created at 0 and last used at `used`.
fn record(lifetime: &Lifetime, used: u64) -> Record {
    let credentials = Credentials::new(SecretHash::from_bytes([0; 32]));
    let mut record = Record::new(credentials, State::default(), at(0), lifetime.deadline(at(0), at(used)));
    record.body_mut().last_used = at(used);
    record
}

#[test]
fn a_session_ends_at_the_earlier_of_both_limits() {
    let lifetime = limits(100, 1000).build().unwrap();
    assert_eq!(lifetime.deadline(at(0), at(0)), at(100));
    assert_eq!(lifetime.deadline(at(0), at(500)), at(600));
    assert_eq!(lifetime.deadline(at(0), at(950)), at(1000));
    let endless = Lifetime::builder().idle(seconds(100)).insecure_no_absolute().build().unwrap();
    assert_eq!(endless.deadline(at(0), at(950)), at(1050));
    assert_eq!(endless.deadline(at(0), Timestamp::MAX), Timestamp::MAX);
}

#[test]
fn a_use_is_worth_a_write_once_less_than_the_threshold_is_left() {
    let table = [
        // threshold, last used, now, due
        (0.8, 0, 0, false),
        (0.8, 0, 19, false),
        (0.8, 0, 20, true),
        (0.8, 0, 99, true),
        (0.1, 0, 89, false),
        (0.1, 0, 90, true),
        (1.0, 0, 0, false),
        (1.0, 0, 1, true),
        // The absolute limit is near, so the deadline cannot move.
        (1.0, 900, 950, false),
        (0.8, 850, 899, true),
        (0.8, 900, 999, false),
    ];
    for (threshold, used, now, is_due) in table {
        let lifetime = limits(100, 1000).extend_on_use(threshold).build().unwrap();
        assert_eq!(
            lifetime.is_touch_due(&record(&lifetime, used), at(0), false, at(now)),
            is_due,
            "{threshold} {used} {now}"
        );
    }
    let on_change = limits(100, 1000).extend_on_change().build().unwrap();
    assert!(!on_change.is_touch_due(&record(&on_change, 0), at(0), true, at(99)));
    let on_write = limits(100, 1000).extend_on_write().build().unwrap();
    assert!(on_write.is_touch_due(&record(&on_write, 0), at(0), true, at(1)));
    assert!(!on_write.is_touch_due(&record(&on_write, 0), at(0), false, at(99)));
}

#[test]
fn a_persistent_cookie_lives_to_the_absolute_limit_and_a_browsers_at_most() {
    let max_age = |lifetime: LifetimeBuilder, now| lifetime.build().unwrap().max_age(at(0), at(now));
    assert_eq!(max_age(limits(100, 1000), 0), None);
    assert_eq!(max_age(limits(100, 1000).persistent(), 0), Some(seconds(1000)));
    assert_eq!(max_age(limits(100, 1000).persistent(), 400), Some(seconds(600)));
    assert_eq!(max_age(limits(100, 1000).persistent(), 2000), Some(seconds(0)));
    assert_eq!(max_age(limits(100, 1000).insecure_no_absolute().persistent(), 0), Some(COOKIE_LIMIT));
}

#[test]
fn a_cookie_while_used_lives_to_the_deadline() {
    let max_age =
        |lifetime: LifetimeBuilder, now| lifetime.persistent_while_used().build().unwrap().max_age(at(0), at(now));
    assert_eq!(max_age(limits(100, 1000), 0), Some(seconds(100)));
    assert_eq!(max_age(limits(100, 1000), 950), Some(seconds(50)));
    let years = COOKIE_LIMIT.as_secs() * 2;
    assert_eq!(max_age(limits(years, years), 0), Some(COOKIE_LIMIT));
}

#[test]
fn lower_limits_of_the_server_hold_for_existing_sessions() {
    let generous = limits(1000, 10_000).build().unwrap();
    let record = record(&generous, 500);
    assert_eq!(record.deadline(&generous), at(1500));
    assert_eq!(record.deadline(&limits(100, 10_000).build().unwrap()), at(600));
    assert_eq!(record.deadline(&limits(100, 300).build().unwrap()), at(300));
    // Higher limits do not bring an ended session back.
    assert_eq!(record.deadline(&limits(5000, 10_000).build().unwrap()), at(1500));
}

#[test]
fn limits_that_make_no_sense_are_refused() {
    let table = [
        (limits(0, 10), LifetimeError::NoTime),
        (limits(10, 0), LifetimeError::NoTime),
        (limits(11, 10), LifetimeError::IdleTooLong),
        (limits(10, 401 * 24 * 60 * 60).persistent(), LifetimeError::CookieTooLong),
        (limits(10, 10).extend_on_use(0.0), LifetimeError::Threshold),
        (limits(10, 10).extend_on_use(1.1), LifetimeError::Threshold),
        (limits(10, 10).extend_on_use(f64::NAN), LifetimeError::Threshold),
    ];
    for (builder, expected) in table {
        assert_eq!(builder.build(), Err(expected));
    }
}
