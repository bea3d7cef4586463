use super::{
    Act::{Keep, Purge, Renew, Restart},
    Dropped::{Gone, Overtaken, Superseded, Unavailable},
    Plan::{Create, Delete, DeleteAndCreate, Drop, Fail, Nothing},
    *,
};
use crate::{credentials::Credentials, state::State, time::Timestamp, token::SecretHash};

const AT: Timestamp = Timestamp::from_millis(1000);

/// A record that was never renewed.
fn record(owner: Option<&str>) -> Record {
    let credentials = Credentials::new(SecretHash::from_bytes([1; 32]));
    let mut record = Record::new(credentials, State::default(), AT, Timestamp::MAX);
    record.body_mut().rest.owner = owner.map(Into::into);
    record
}

/// The same after a renewal.
fn renewed(owner: Option<&str>) -> Record {
    let mut record = record(owner);
    let rotated = record.credentials().rotated(SecretHash::from_bytes([2; 32]), AT);
    let body = record.body_mut();
    (body.current, body.rest.superseded) = rotated.into_parts();
    record
}

fn current(owner: Option<&str>) -> Loaded {
    Loaded::Current(record(owner))
}

/// The token that was presented is the one before the renewal.
fn superseded(owner: Option<&str>) -> Loaded {
    Loaded::Superseded(renewed(owner))
}

fn conflict(record: Record) -> Answer {
    Answer::Conflict(Box::new(record))
}

fn asked(act: Act) -> Asked<'static> {
    Asked { act, writes: false, owner: None, touch: false, resend: false }
}

fn writes(act: Act) -> Asked<'static> {
    Asked { writes: true, ..asked(act) }
}

fn login(owner: &'static str) -> Asked<'static> {
    Asked { owner: Some(owner), ..writes(Renew) }
}

/// What a row expects: an update's record is always the newest that is known.
fn update(rotation: Rotation) -> Plan<'static> {
    static ANY: std::sync::LazyLock<Record> = std::sync::LazyLock::new(|| record(None));
    Plan::Update(&ANY, rotation)
}

#[track_caller]
fn check(rows: &[(Loaded, Answer, Asked<'static>, Plan<'static>)]) {
    for (at, (loaded, answer, asked, expected)) in rows.iter().enumerate() {
        let found = plan(loaded, answer, *asked);
        if let (Plan::Update(record, found), Plan::Update(_, expected)) = (found, *expected) {
            let newest = match (answer, loaded) {
                (Answer::Conflict(record), _) => record,
                (_, Loaded::Current(record)) => record,
                _ => panic!("row {at} updates nothing"),
            };
            assert_eq!((record, found), (newest, expected), "row {at}: {loaded:?} {answer:?} {asked:?}");
        } else {
            assert_eq!(found, *expected, "row {at}: {loaded:?} {answer:?} {asked:?}");
        }
    }
}

#[test]
fn plain_requests_write_what_they_changed_and_nothing_else() {
    let touch = Asked { touch: true, ..asked(Keep) };
    let resend = Asked { resend: true, ..writes(Keep) };
    let same_secret = || conflict(record(Some("alice")));
    let other_secret = || conflict(renewed(None));
    check(&[
        // Loaded             Answer         Asked          Plan
        (Loaded::Nothing, Answer::None, asked(Keep), Nothing),
        (Loaded::Nothing, Answer::None, writes(Keep), Create),
        (current(None), Answer::None, asked(Keep), Nothing),
        (current(None), Answer::None, touch, update(Rotation::Keep)),
        (current(None), Answer::None, writes(Keep), update(Rotation::Keep)),
        (current(None), Answer::None, resend, update(Rotation::Resend)),
        // It is merged into whatever there is: a renewal meanwhile is no obstacle.
        (current(None), same_secret(), writes(Keep), update(Rotation::Keep)),
        (current(None), other_secret(), writes(Keep), update(Rotation::Keep)),
        // A token that is not the newest any more is not sent again.
        (current(None), same_secret(), resend, update(Rotation::Resend)),
        (current(None), other_secret(), resend, update(Rotation::Keep)),
        // Nothing brings a session back.
        (current(None), Answer::Gone, writes(Keep), Drop(Gone)),
        (current(None), Answer::Gone, touch, Nothing),
        // A superseded token opens nothing, and must not be covered by a new session's.
        (superseded(None), Answer::None, writes(Keep), Drop(Superseded)),
        (superseded(None), Answer::None, asked(Keep), Nothing),
        (Loaded::Unavailable, Answer::None, writes(Keep), Drop(Unavailable)),
        (Loaded::Unavailable, Answer::None, asked(Keep), Nothing),
        (Loaded::Ended, Answer::None, asked(Keep), Nothing),
        (Loaded::Ended, Answer::None, writes(Keep), Nothing),
    ]);
}

#[test]
fn a_renewal_that_wins_replaces_the_secret() {
    check(&[
        (Loaded::Nothing, Answer::None, asked(Renew), Create),
        (current(None), Answer::None, asked(Renew), update(Rotation::Renew)),
        (current(None), Answer::None, login("alice"), update(Rotation::Renew)),
        // Somebody changed a key that an update had read; the secret is still the same.
        (current(None), conflict(record(None)), login("alice"), update(Rotation::Renew)),
        (current(None), conflict(record(Some("bob"))), login("alice"), update(Rotation::Renew)),
        (Loaded::Ended, Answer::None, login("alice"), Nothing),
    ]);
}

#[test]
fn a_renewal_that_lost_its_race_joins_its_owner_or_starts_anew() {
    let (alices, bobs, nobodys) =
        (|| conflict(renewed(Some("alice"))), || conflict(renewed(Some("bob"))), || conflict(renewed(None)));
    let joins = || update(Rotation::Guard);
    check(&[
        // It had the owner's session open already, and the sibling's answer carries the token.
        (current(Some("alice")), alices(), asked(Renew), Nothing),
        (current(Some("alice")), alices(), writes(Renew), joins()),
        (current(Some("alice")), alices(), login("alice"), joins()),
        // Another user's login starts its own, and never from what it had loaded.
        (current(Some("alice")), alices(), login("bob"), Create),
        (current(Some("alice")), bobs(), login("alice"), Create),
        // It had an anonymous session open: that is what an attacker may have, too.
        (current(None), alices(), login("alice"), Create),
        (current(None), alices(), writes(Renew), Drop(Overtaken)),
        (current(None), alices(), asked(Renew), Nothing),
        (current(None), nobodys(), login("alice"), Create),
        (current(None), nobodys(), writes(Renew), Create),
        // A logout meanwhile: the session stays dead, the login works.
        (current(Some("alice")), Answer::Gone, login("alice"), Create),
        (current(None), Answer::Gone, asked(Renew), Create),
        // The token was superseded before it was even loaded.
        (superseded(Some("alice")), Answer::None, login("alice"), Create),
        (superseded(Some("alice")), Answer::None, writes(Renew), Drop(Overtaken)),
        (superseded(Some("alice")), Answer::None, asked(Renew), Nothing),
        (superseded(None), Answer::None, login("alice"), Create),
        (superseded(None), Answer::None, asked(Renew), Create),
    ]);
}

#[test]
fn a_purge_beats_everything() {
    for loaded in [Loaded::Nothing, current(None), current(Some("alice")), superseded(Some("alice")), Loaded::Ended] {
        for answer in [Answer::None, Answer::Gone, conflict(renewed(Some("alice")))] {
            check(&[
                (loaded.clone(), answer.clone(), asked(Purge), Delete),
                (loaded.clone(), answer.clone(), writes(Purge), Delete),
                (loaded.clone(), answer.clone(), writes(Restart), DeleteAndCreate),
            ]);
        }
    }
}

#[test]
fn what_a_user_relies_on_fails_without_the_store() {
    check(&[
        (Loaded::Unavailable, Answer::None, asked(Purge), Fail),
        (Loaded::Unavailable, Answer::None, asked(Restart), Fail),
        (Loaded::Unavailable, Answer::None, login("alice"), Fail),
    ]);
}

proptest::proptest! {
    /// The rules that no row may break, over every case there is.
    #[test]
    fn no_plan_breaks_a_promise(
        kind in 0..5_u8, before in owners(), after in owners(), answers in 0..4_u8, act in 0..4_u8,
        writes: bool, owner in owners(), touch: bool, resend: bool,
    ) {
        let loaded = match kind {
            0 => Loaded::Nothing,
            1 => current(before),
            2 => superseded(before),
            3 => Loaded::Unavailable,
            _ => Loaded::Ended,
        };
        let answer = match answers {
            0 => Answer::None,
            1 => Answer::Gone,
            2 => conflict(record(after)),
            _ => conflict(renewed(after)),
        };
        let act = [Keep, Renew, Purge, Restart][usize::from(act)];
        let asked = Asked { act, writes: writes || owner.is_some(), owner, touch, resend };
        let ends = matches!(act, Purge | Restart);
        match plan(&loaded, &answer, asked) {
            Plan::Update(record, rotation) => {
                // Only what the token opened is written to, only for what was asked, and nothing that is gone.
                assert!(matches!(loaded, Loaded::Current(_)) && !ends && answer != Answer::Gone);
                assert!(asked.writes || touch || act == Renew);
                let Loaded::Current(loaded) = &loaded else { return Ok(()) };
                let is_untouched = record.credentials() == loaded.credentials();
                match rotation {
                    Rotation::Renew | Rotation::Resend => assert!(is_untouched),
                    // Another one's session is not entered.
                    Rotation::Guard => assert!(record.owner().is_some() && record.owner() == loaded.owner()),
                    Rotation::Keep => assert_eq!(act, Keep),
                }
                assert_eq!(rotation == Rotation::Renew, act == Renew && is_untouched);
            }
            Plan::Create => assert!(act == Renew || matches!(loaded, Loaded::Nothing), "a plain write began a session"),
            Plan::Delete | Plan::DeleteAndCreate => assert!(ends),
            Plan::Drop(_) => assert!(asked.writes && !ends && (act == Keep || owner.is_none()), "a login was dropped"),
            Plan::Fail => assert!(matches!(loaded, Loaded::Unavailable) && act != Keep),
            Plan::Nothing => assert!(!ends),
        }
    }
}

fn owners() -> impl proptest::strategy::Strategy<Value = Option<&'static str>> {
    proptest::sample::select(vec![None, Some("alice"), Some("bob")])
}
