//! Random histories of a move: requests side by side, lost replies, failed calls, and calls that arrive late.

use std::collections::BTreeSet;

use cloakroom::{
    CookieStore, MemoryStore, SessionLayer,
    keys::SecretKey,
    testing::{FaultStore, Late, Verb},
};

use crate::support::{App, Browser, Page, all, drivers::tower};

type Store = FaultStore<MemoryStore>;

/// A generator with a seed, so that a failure can be seen again.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }

    fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        let sides = u64::try_from(of.len()).unwrap();
        &of[usize::try_from(self.roll(sides)).unwrap()]
    }
}

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
    let mut dice = Dice(seed);
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
    let browser = Browser::new();
    browser.get(&tower::app(before), "/app/login:ada").await;
    // A write of a node that does not move answers with a cookie of the old kind: see the guide.
    let apps: Vec<App> =
        if from_cookie { vec![tower::app(moving)] } else { vec![tower::app(next), tower::app(moving)] };
    let stores = [new.clone(), old.clone()];
    let (mut late, mut written, mut tokens, mut count) = (Vec::new(), BTreeSet::new(), vec![browser.copied()], 0);
    let mut is_purged = false;
    for _ in 0..8 {
        (0..dice.roll(3)).for_each(|_| late.extend(disturb(&mut dice, &stores)));
        let op = dice.roll(10);
        let (paths, is_alone): (Vec<String>, _) = match op {
            0 => (vec!["/app/purge".to_owned()], true),
            1 => (vec!["/app/renew".to_owned()], true),
            _ => ((0..=dice.roll(2)).map(|n| format!("/app/presented/insert:k{}:1", count + n)).collect(), false),
        };
        let on: Vec<&App> = paths.iter().map(|_| dice.pick(&apps)).collect();
        let requests = paths.iter().zip(&on).map(|(path, app)| Box::pin(browser.peek(app, path)) as _);
        let pages = all::<Page>(requests).await;
        for (page, n) in pages.iter().zip(count..) {
            if !is_alone && page.status.is_success() && page.body == "true" {
                written.insert(format!("k{n}"));
            }
            // A lost response: the browser keeps its token.
            if is_alone || dice.roll(3) > 0 {
                browser.keep(page);
            }
        }
        count += 10;
        stores.iter().for_each(Store::heal);
        if op == 1 && !pages[0].status.is_success() {
            // The outcome of this renewal is unknown: its token may be lost, as the documentation says.
            return false;
        }
        if op == 0 {
            // A purge that failed removes the cookie, and may be made again with the old one.
            if !pages[0].status.is_success() {
                return false;
            }
            is_purged = true;
            break;
        }
        tokens.push(browser.copied());
        if dice.roll(3) == 0 && !late.is_empty() {
            let calls = late.remove(0);
            for _ in 0..calls.held_back() {
                calls.arrives().await;
            }
        }
        let page = browser.peek(dice.pick(&apps), "/app/whose/keys").await;
        let (whose, keys) = page.body.split_once(' ').unwrap_or((&page.body, ""));
        let keys: BTreeSet<String> = keys.split('+').map(str::to_owned).collect();
        assert_eq!(whose, "ada", "seed {seed} {from_cookie}: nobody logged out");
        assert!(written.is_subset(&keys), "seed {seed} {from_cookie}: written {written:?}, found {keys:?}");
    }
    for calls in &late {
        for _ in 0..calls.held_back() {
            calls.arrives().await;
        }
    }
    for browser in tokens.iter().filter(|_| is_purged) {
        for app in &apps {
            for path in ["/app/whose", "/app/insert:x:1/whose", "/app/whose"] {
                assert_eq!(browser.peek(app, path).await.body, "nobody", "seed {seed} {from_cookie}: purged");
            }
        }
    }
    is_purged
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
