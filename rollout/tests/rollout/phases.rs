//! The phases of a roll-out.

use std::time::Instant;

use crate::{browser::Manner, fleet::Fleet, steps::Step};

/// Takes a fleet through all phases and back. Each has the nodes of one step, or of two neighbours. `remaining` counts the
/// records of ours that hold a session, and theirs.
pub async fn there_and_back(mut fleet: Fleet, remaining: impl AsyncFn() -> (usize, usize)) {
    use Step::{Back, Four, Old, One, Three, Two};

    let manner = fleet.manner;
    let started = Instant::now();
    let report = |what: &str, fleet: &Fleet| {
        println!("{:>6} ms  {what:<14} {} logged in", started.elapsed().as_millis(), fleet.logged_in());
    };
    for steps in [[Old, Old], [Old, One], [One, One], [One, Two], [Two, Two], [Two, Three], [Three, Three]] {
        fleet.phase(&steps).await;
        report(&format!("{steps:?}"), &fleet);
    }
    fleet.all_move(&[Three]).await;
    let (ours, theirs) = remaining().await;
    assert!(ours > 0 && theirs == 0, "{theirs} records are left in their format");
    for steps in [[Three, Four], [Four, Four], [Four, Three], [Three, Three], [Three, Two], [Two, Two]] {
        fleet.phase(&steps).await;
        report(&format!("{steps:?}"), &fleet);
    }
    for steps in [[Two, Back], [Back, Back]] {
        fleet.phase(&steps).await;
        report(&format!("{steps:?}"), &fleet);
    }
    fleet.all_move(&[Back]).await;
    let (ours, theirs) = remaining().await;
    // A record that moves into a cookie stays for 60 s, for requests with the old token.
    assert!(manner == Manner::InCookie || (theirs > 0 && ours == 0), "{ours} records are left in our format");
    for steps in [[Back, One], [One, One], [One, Old], [Old, Old]] {
        fleet.phase(&steps).await;
        report(&format!("{steps:?}"), &fleet);
    }
    assert!(fleet.logged_in() > 5, "too few for a proof");
}
