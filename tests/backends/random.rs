//! Random histories of a move: requests side by side, lost replies, failed calls, and calls that arrive late.

use cloakroom::{
    CookieStore, MemoryStore, SessionLayer,
    keys::SecretKey,
    testing::{FaultStore, Late, Verb},
};

use crate::support::{
    App,
    drivers::tower,
    history::{Dice, History, Went},
};

type Store = FaultStore<MemoryStore>;

/// Disturbs one call, or none. Returns the calls that were held back.
fn disturb(dice: &mut Dice, stores: &[Store]) -> Option<Late> {
    const VERBS: [Verb; 4] = [Verb::Load, Verb::Create, Verb::Replace, Verb::Delete];
    let (store, verb, nth) =
        (dice.pick(stores).clone(), *dice.pick(&VERBS), 1 + usize::try_from(dice.roll(4)).unwrap());
    let rule = store.nth(verb, nth);
    match dice.roll(8) {
        0 => rule.fails(),
        1 | 2 => rule.loses_its_reply(),
        3 | 4 => return Some(rule.arrives_late()),
        5 => return Some(rule.arrives_twice()),
        _ => {}
    }
    None
}

async fn history(seed: u64, from_cookie: bool) -> bool {
    let (new, old) = (FaultStore::new(MemoryStore::new()), FaultStore::new(MemoryStore::new()));
    let (key, sealing) = (SecretKey::generate(), SecretKey::generate());
    let cookies = || CookieStore::new(sealing.clone());
    let (before, next, moving) = if from_cookie {
        let layer = SessionLayer::cookie_store(cookies());
        let moving = SessionLayer::new(new.clone()).also(cookies()).moving(&key);
        (layer.clone(), layer.also(new.clone()).moved(&key), moving)
    } else {
        let layer = SessionLayer::new(old.clone());
        let moving = SessionLayer::new(new.clone()).also(old.clone()).moving(&key);
        (layer.clone(), layer.also(new.clone()).moved(&key), moving)
    };
    let told = format!("seed {seed} {from_cookie}");
    let mut history = History::begin(Dice(seed), &tower::app(before), "/app/login:ada", told).await;
    // A write of a node that does not move answers with a cookie of the old kind: see the guide.
    let apps: Vec<App> =
        if from_cookie { vec![tower::app(moving)] } else { vec![tower::app(next), tower::app(moving)] };
    let stores = [new.clone(), old.clone()];
    let (mut late, mut is_out) = (Vec::new(), false);
    for _ in 0..8 {
        (0..history.dice.roll(3)).for_each(|_| late.extend(disturb(&mut history.dice, &stores)));
        let went = history.step(&apps).await;
        stores.iter().for_each(Store::heal);
        match went {
            Went::On => {}
            Went::Out => is_out = true,
            Went::Unknown => return false,
        }
        if is_out {
            break;
        }
        if history.dice.roll(3) == 0 && !late.is_empty() {
            arrive(&late.remove(0)).await;
        }
        history.check(&apps).await;
    }
    for calls in &late {
        arrive(calls).await;
    }
    if is_out {
        history.check_ended(&apps).await;
    }
    is_out
}

/// Lets the calls arrive that were held back.
async fn arrive(calls: &Late) {
    for _ in 0..calls.held_back() {
        calls.arrives().await;
    }
}

#[tokio::test]
async fn acknowledged_writes_stay_and_what_was_purged_stays_ended() {
    for from_cookie in [false, true] {
        let mut purged = 0;
        for seed in 0..700 {
            purged += u64::from(history(seed, from_cookie).await);
        }
        assert!(purged > 70, "{purged}");
    }
}
