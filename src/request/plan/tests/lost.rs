//! Renewals that lost their race: the five lines of DESIGN.md section 4.

use super::*;

/// Line 1: the request sets another owner than the loaded one.
#[test]
fn a_lost_change_of_owner_is_a_login() {
    check(&[
        (current(None), Stored::Renewed(Some("alice")), set("alice"), Create),
        (current(None), Stored::Renewed(None), set("alice"), Create),
        (current(Some("alice")), Stored::Renewed(Some("alice")), set("bob"), Create),
        (current(Some("alice")), Stored::Unknown(Some("alice")), set("bob"), Create),
        (current(Some("alice")), Stored::Gone, set("bob"), Create),
        (Loaded::Superseded(record(Some("alice"))), Stored::Gone, set("alice"), Create),
    ]);
}

/// Line 2: the token was superseded at the load, or is unknown now.
#[test]
fn a_lost_renewal_of_a_dead_token_is_dropped() {
    check(&[
        (Loaded::Superseded(record(None)), Stored::Gone, asked(Renew), Drop(Superseded)),
        (Loaded::Superseded(record(None)), Stored::Renewed(None), writes(Renew), Drop(Superseded)),
        (Loaded::Superseded(record(Some("alice"))), Stored::Renewed(Some("alice")), writes(Renew), Drop(Superseded)),
        (current(None), Stored::Unknown(None), asked(Renew), Drop(Gone)),
        (current(None), Stored::Unknown(None), writes(Renew), Drop(Gone)),
        (current(Some("alice")), Stored::Unknown(Some("alice")), writes(Renew), Drop(Gone)),
        (current(Some("alice")), Stored::Unknown(Some("alice")), REMOVE, Drop(Gone)),
    ]);
}

/// Line 3: the request removes the owner.
#[test]
fn a_lost_removal_of_the_owner_ends_that_owners_session_only() {
    let removal = Asked { act: Renew, ..REMOVE };
    check(&[
        (current(Some("alice")), Stored::Renewed(Some("alice")), REMOVE, DeleteFound),
        (current(Some("alice")), Stored::Renewed(Some("alice")), removal, DeleteFound),
        (current(Some("alice")), Stored::Renewed(Some("bob")), REMOVE, Nothing),
        (current(Some("alice")), Stored::Renewed(None), REMOVE, Nothing),
        (current(Some("alice")), Stored::Gone, REMOVE, Nothing),
    ]);
}

/// Line 4: the session had an owner.
#[test]
fn a_lost_renewal_joins_its_owners_session_or_is_gone() {
    let alice = || current(Some("alice"));
    check(&[
        (alice(), Stored::Renewed(Some("alice")), asked(Renew), Nothing),
        (alice(), Stored::Renewed(Some("alice")), writes(Renew), Replace(Merge)),
        (alice(), Stored::Renewed(Some("bob")), asked(Renew), Drop(Gone)),
        (alice(), Stored::Renewed(Some("bob")), writes(Renew), Drop(Gone)),
        (alice(), Stored::Renewed(None), writes(Renew), Drop(Gone)),
        (alice(), Stored::Gone, asked(Renew), Drop(Gone)),
        (alice(), Stored::Gone, writes(Renew), Drop(Gone)),
    ]);
}

/// Line 5: the session had no owner.
#[test]
fn a_lost_renewal_of_a_session_without_owner_never_enters_a_login() {
    check(&[
        (current(None), Stored::Renewed(Some("alice")), asked(Renew), Drop(Overtaken)),
        (current(None), Stored::Renewed(Some("alice")), writes(Renew), Drop(Overtaken)),
        (current(None), Stored::Renewed(None), asked(Renew), Nothing),
        (current(None), Stored::Renewed(None), writes(Renew), Replace(Merge)),
        (current(None), Stored::Gone, asked(Renew), Create),
        (current(None), Stored::Gone, writes(Renew), Create),
    ]);
}
