//! Every case of the plan, checked against the promises of the design.

use super::*;

/// Checks the rules that every row must keep, over all cases.
#[test]
fn no_plan_breaks_a_promise() {
    let mut count = 0;
    for (loaded, stored, asked) in every_case() {
        let case = format!("{loaded:?} {stored:?} {asked:?}");
        let owner_at_load = owner_of(&loaded);
        let is_login = asked.act == Login || matches!(asked.owner, OwnerEdit::Set(_));
        let renews = is_login || asked.act == Renew || asked.owner == OwnerEdit::Remove;
        let ends = matches!(asked.act, Purge | Restart);
        let decided = decide(&loaded, stored, asked);
        match decided {
            Replace(change) => {
                assert!(matches!(loaded, Loaded::Current(_)) && !ends, "{case}: replaces what it did not open");
                match (change, stored) {
                    (Change::Renew, Stored::Current) => assert!(renews, "{case}"),
                    (Write, Stored::Current) => assert!(!renews && asked.writes, "{case}"),
                    (Touch, Stored::Current) => assert!(!renews && !asked.writes && asked.upkeep, "{case}"),
                    (Merge, Stored::Renewed(owner)) => {
                        assert!(asked.writes && !is_login, "{case}: merges a login, or nothing");
                        let is_own = owner == owner_at_load || owner_at_load.is_none();
                        assert!(is_own, "{case}: enters the session of another owner");
                        assert!(!renews || owner == owner_at_load, "{case}: a renewal enters a login");
                    }
                    _ => panic!("{case}: {change:?} by a token of another standing"),
                }
            }
            Create => {
                assert!(!ends, "{case}");
                assert!(renews || loaded == Loaded::Nothing, "{case}: a plain write begins a session");
                assert!(is_login || owner_at_load.is_none(), "{case}: an owner's session begins again");
                assert!(is_login || !matches!(loaded, Loaded::Superseded(_) | Loaded::Ended), "{case}");
                assert!(loaded != Loaded::Ended || asked.act == Login, "{case}: an ended session begins again");
                assert!(loaded != Loaded::Unavailable, "{case}");
            }
            Plan::Purge => assert_eq!(asked.act, Purge, "{case}"),
            Plan::Restart => assert_eq!(asked.act, Restart, "{case}"),
            DeleteFound => {
                assert_eq!(asked.owner, OwnerEdit::Remove, "{case}");
                assert_eq!(stored, Stored::Renewed(static_owner(owner_at_load)), "{case}");
                assert!(owner_at_load.is_some(), "{case}");
            }
            Drop(_) => assert!((asked.writes || renews) && !is_login && !ends, "{case}: drops a login"),
            Fail => {
                assert!(matches!(loaded, Loaded::Unavailable | Loaded::Undecodable), "{case}");
                assert!(asked.writes || renews || ends, "{case}: fails a request that only reads");
            }
            Nothing => assert!(!ends, "{case}"),
        }
        // A login ends with a session, or with an error.
        let is_ended = loaded == Loaded::Ended && asked.act != Login;
        if is_login && !ends && !is_ended {
            assert!(matches!(decided, RENEW | Create | Fail), "{case}: {decided:?}");
            assert_eq!(decided == Fail, loaded == Loaded::Unavailable, "{case}");
        }
        // Writes are never dropped without a report, with two exceptions: an ended session takes no writes, and a
        // session whose owner is removed is deleted.
        let is_told = ends || loaded == Loaded::Ended || asked.owner == OwnerEdit::Remove;
        assert!(decided != Nothing || !asked.writes || is_told, "{case}: says nothing of its writes");
        count += 1;
    }
    assert!(count > 1000, "{count}");
}

fn static_owner(owner: Option<&str>) -> Option<&'static str> {
    OWNERS.into_iter().find(|known| *known == owner).flatten()
}
