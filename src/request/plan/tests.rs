use super::{
    Act::{Keep, Login, Purge, Renew, Restart},
    Change::{Merge, Touch, Write},
    Dropped::{Gone, Overtaken, Superseded, Unavailable, Unproven},
    Plan::{Create, DeleteFound, Drop, Fail, Nothing, Replace},
    *,
};
use crate::store::{Credentials, SecretHash, State, Timestamp};

mod lost;
mod promises;

const OWNERS: [Option<&str>; 3] = [None, Some("alice"), Some("bob")];
const RENEW: Plan = Replace(Change::Renew);

fn record(owner: Option<&str>) -> Record {
    let credentials = Credentials::new(SecretHash::from_bytes([1; 32]));
    let mut record = Record::new(credentials, State::default(), Timestamp::default(), Timestamp::MAX);
    record.body_mut().rest.owner = owner.map(Into::into);
    record
}

fn current(owner: Option<&str>) -> Loaded {
    Loaded::Current(record(owner))
}

/// The record as a commit finds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stored {
    Gone,
    /// The request's token is current in it, so its owner is the one that was loaded.
    Current,
    /// A renewal replaced the token; the record belongs to this owner.
    Renewed(Option<&'static str>),
    /// The record does not know the token, and belongs to this owner.
    Unknown(Option<&'static str>),
}

fn asked(act: Act) -> Asked<'static> {
    Asked { act, owner: OwnerEdit::Keep, writes: false, upkeep: false }
}

fn writes(act: Act) -> Asked<'static> {
    Asked { writes: true, ..asked(act) }
}

/// Returns a login to a session of another owner, or of none.
fn login(owner: &'static str) -> Asked<'static> {
    Asked { owner: OwnerEdit::Set(owner), ..asked(Login) }
}

fn set(owner: &'static str) -> Asked<'static> {
    Asked { owner: OwnerEdit::Set(owner), ..writes(Keep) }
}

const REMOVE: Asked<'static> = Asked { act: Keep, owner: OwnerEdit::Remove, writes: true, upkeep: false };

fn decide(loaded: &Loaded, stored: Stored, asked: Asked<'_>) -> Plan {
    let (owner, standing) = match stored {
        Stored::Gone => return plan(loaded, Found::Gone, asked),
        Stored::Current => (owner_of(loaded), Standing::Current),
        Stored::Renewed(owner) => (owner, Standing::Superseded),
        Stored::Unknown(owner) => (owner, Standing::Unknown),
    };
    plan(loaded, Found::Record(&record(owner), standing), asked)
}

fn owner_of(loaded: &Loaded) -> Option<&str> {
    match loaded {
        Loaded::Current(record) => record.owner(),
        _ => None,
    }
}

#[track_caller]
fn check(rows: &[(Loaded, Stored, Asked<'static>, Plan)]) {
    for (at, (loaded, stored, asked, expected)) in rows.iter().enumerate() {
        assert_eq!(decide(loaded, *stored, *asked), *expected, "row {at}: {loaded:?} {stored:?} {asked:?}");
    }
}

#[test]
fn a_login_renews_or_begins_a_new_session() {
    let alice = || current(Some("alice"));
    let again = asked(Login);
    check(&[
        // Loaded             Stored                           Asked           Plan
        (Loaded::Nothing, Stored::Gone, login("alice"), Create),
        (current(None), Stored::Current, login("alice"), RENEW),
        (alice(), Stored::Current, login("bob"), RENEW),
        (alice(), Stored::Current, again, RENEW),
        // The login lost its race.
        (current(None), Stored::Renewed(None), login("alice"), Create),
        (current(None), Stored::Renewed(Some("alice")), login("alice"), Create),
        (current(None), Stored::Renewed(Some("bob")), login("alice"), Create),
        (alice(), Stored::Renewed(Some("alice")), again, Create),
        (alice(), Stored::Renewed(Some("bob")), again, Create),
        (alice(), Stored::Unknown(Some("alice")), again, Create),
        (alice(), Stored::Gone, again, Create),
        (current(None), Stored::Gone, login("alice"), Create),
        // The token was superseded at the load.
        (Loaded::Superseded(record(None)), Stored::Gone, login("alice"), Create),
        (Loaded::Superseded(record(Some("alice"))), Stored::Renewed(Some("alice")), login("alice"), Create),
        (Loaded::Undecodable, Stored::Gone, login("alice"), Create),
        (Loaded::Ended, Stored::Gone, login("alice"), Create),
        // Nothing can be renewed, and the unreadable record may be an attacker's.
        (Loaded::Unavailable, Stored::Gone, login("alice"), Fail),
        (Loaded::Unproven, Stored::Gone, login("alice"), Create),
    ]);
}

#[test]
fn a_renewal_that_wins_replaces_the_secret() {
    check(&[
        (Loaded::Nothing, Stored::Gone, asked(Renew), Create),
        (current(None), Stored::Current, asked(Renew), RENEW),
        (current(Some("alice")), Stored::Current, writes(Renew), RENEW),
        (current(None), Stored::Current, set("alice"), RENEW),
        (current(Some("alice")), Stored::Current, set("bob"), RENEW),
        (current(Some("alice")), Stored::Current, REMOVE, RENEW),
    ]);
}

#[test]
fn plain_writes_change_the_session_that_their_token_opens() {
    let alice = || current(Some("alice"));
    check(&[
        (Loaded::Nothing, Stored::Gone, writes(Keep), Create),
        (current(None), Stored::Current, writes(Keep), Replace(Write)),
        (alice(), Stored::Current, writes(Keep), Replace(Write)),
        // A renewal overtook the writes, which count as made before it.
        (alice(), Stored::Renewed(Some("alice")), writes(Keep), Replace(Merge)),
        (current(None), Stored::Renewed(None), writes(Keep), Replace(Merge)),
        (current(None), Stored::Renewed(Some("alice")), writes(Keep), Replace(Merge)),
        (alice(), Stored::Renewed(Some("bob")), writes(Keep), Drop(Gone)),
        (alice(), Stored::Renewed(None), writes(Keep), Drop(Gone)),
        (alice(), Stored::Unknown(Some("alice")), writes(Keep), Drop(Gone)),
        (current(None), Stored::Unknown(None), writes(Keep), Drop(Gone)),
        // A session that is gone stays gone.
        (alice(), Stored::Gone, writes(Keep), Drop(Gone)),
        (current(None), Stored::Gone, writes(Keep), Drop(Gone)),
    ]);
}

#[test]
fn a_request_that_changes_nothing_does_nothing() {
    let loadeds = [
        Loaded::Nothing,
        current(None),
        current(Some("alice")),
        Loaded::Superseded(record(None)),
        Loaded::Undecodable,
        Loaded::Unavailable,
        Loaded::Ended,
    ];
    for loaded in loadeds {
        for stored in every_stored() {
            assert_eq!(decide(&loaded, stored, asked(Keep)), Nothing, "{loaded:?} {stored:?}");
        }
    }
}

#[test]
fn what_could_not_be_loaded_is_not_written() {
    let superseded = || Loaded::Superseded(record(Some("alice")));
    check(&[
        (superseded(), Stored::Gone, writes(Keep), Drop(Superseded)),
        (superseded(), Stored::Renewed(Some("alice")), writes(Keep), Drop(Superseded)),
        // The record opens nothing, and does not lock its browser out.
        (Loaded::Undecodable, Stored::Gone, writes(Keep), Fail),
        (Loaded::Undecodable, Stored::Gone, asked(Renew), Create),
        (Loaded::Undecodable, Stored::Gone, set("alice"), Create),
        (Loaded::Unproven, Stored::Gone, asked(Keep), Nothing),
        (Loaded::Unproven, Stored::Gone, writes(Keep), Drop(Unproven)),
        (Loaded::Unproven, Stored::Gone, asked(Renew), Drop(Unproven)),
        (Loaded::Unproven, Stored::Gone, set("alice"), Create),
        (Loaded::Unproven, Stored::Gone, asked(Purge), Plan::Purge),
        (Loaded::Unavailable, Stored::Gone, writes(Keep), Drop(Unavailable)),
        (Loaded::Unavailable, Stored::Gone, asked(Renew), Fail),
        (Loaded::Unavailable, Stored::Gone, set("alice"), Fail),
        (Loaded::Unavailable, Stored::Gone, asked(Purge), Fail),
        (Loaded::Unavailable, Stored::Gone, asked(Restart), Fail),
    ]);
}

#[test]
fn on_an_ended_session_only_a_restart_and_a_login_begin_another() {
    check(&[
        (Loaded::Ended, Stored::Gone, writes(Keep), Nothing),
        (Loaded::Ended, Stored::Gone, writes(Renew), Nothing),
        (Loaded::Ended, Stored::Gone, set("alice"), Nothing),
        (Loaded::Ended, Stored::Gone, asked(Purge), Plan::Purge),
        (Loaded::Ended, Stored::Gone, asked(Login), Create),
        (Loaded::Ended, Stored::Gone, login("alice"), Create),
        (Loaded::Ended, Stored::Gone, writes(Restart), Plan::Restart),
    ]);
}

#[test]
fn upkeep_is_for_the_current_token_and_stands_behind_everything_else() {
    let due = |asked| Asked { upkeep: true, ..asked };
    check(&[
        (current(None), Stored::Current, due(asked(Keep)), Replace(Touch)),
        (current(None), Stored::Current, due(writes(Keep)), Replace(Write)),
        (current(None), Stored::Current, due(asked(Renew)), RENEW),
        (current(None), Stored::Renewed(None), due(asked(Keep)), Nothing),
        (current(None), Stored::Unknown(None), due(asked(Keep)), Nothing),
        (current(None), Stored::Gone, due(asked(Keep)), Nothing),
        (Loaded::Nothing, Stored::Gone, due(asked(Keep)), Nothing),
        (Loaded::Superseded(record(None)), Stored::Gone, due(asked(Keep)), Nothing),
    ]);
}

#[test]
fn a_purge_and_a_restart_beat_everything_else() {
    for (loaded, stored, asked) in every_case() {
        let expected = match (asked.act, &loaded) {
            (Purge | Restart, Loaded::Unavailable) => Fail,
            (Purge, _) => Plan::Purge,
            (Restart, _) => Plan::Restart,
            _ => continue,
        };
        assert_eq!(decide(&loaded, stored, asked), expected, "{loaded:?} {stored:?} {asked:?}");
    }
}

fn every_stored() -> impl Iterator<Item = Stored> {
    let renewed = OWNERS.into_iter().map(Stored::Renewed);
    let unknown = OWNERS.into_iter().map(Stored::Unknown);
    [Stored::Gone, Stored::Current].into_iter().chain(renewed).chain(unknown)
}

/// Returns every case that a commit can meet.
fn every_case() -> Vec<(Loaded, Stored, Asked<'static>)> {
    let mut loadeds = vec![Loaded::Nothing, Loaded::Undecodable, Loaded::Unavailable, Loaded::Ended];
    loadeds.extend(OWNERS.into_iter().flat_map(|owner| [current(owner), Loaded::Superseded(record(owner))]));
    let edits = [OwnerEdit::Keep, OwnerEdit::Set("alice"), OwnerEdit::Set("bob"), OwnerEdit::Remove];
    let mut cases = Vec::new();
    for loaded in &loadeds {
        let owner_at_load = owner_of(loaded);
        // To write the loaded owner again is no edit.
        let is_edit = |edit: &OwnerEdit<'_>| match edit {
            OwnerEdit::Keep => true,
            OwnerEdit::Set(owner) => owner_at_load != Some(owner),
            OwnerEdit::Remove => owner_at_load.is_some(),
        };
        for stored in every_stored() {
            for act in [Keep, Renew, Login, Purge, Restart] {
                for owner in edits.into_iter().filter(is_edit) {
                    for (writes, upkeep) in [(false, false), (false, true), (true, false), (true, true)] {
                        cases.push((loaded.clone(), stored, Asked { act, owner, writes, upkeep }));
                    }
                }
            }
        }
    }
    cases
}
