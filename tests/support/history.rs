//! Random histories of one browser: requests side by side, renewals, lost responses and, in the end, a logout.

use std::collections::BTreeSet;

use super::{App, Browser, Page, all};

/// A generator with a seed, so that a failure can be seen again.
pub struct Dice(pub u64);

impl Dice {
    pub fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }

    pub fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        let sides = u64::try_from(of.len()).unwrap();
        &of[usize::try_from(self.roll(sides)).unwrap()]
    }
}

/// The browser of the user `ada`, and what it knows.
pub struct History {
    pub dice: Dice,
    browser: Browser,
    /// The keys of acknowledged writes.
    written: BTreeSet<String>,
    /// The browser as it was after each step.
    before: Vec<Browser>,
    count: u64,
    told: String,
}

/// The outcome of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Went {
    On,
    /// The user has logged out.
    Out,
    /// The outcome of a renewal or a logout is unknown: its token may be lost, or it may be made again with the old one.
    Unknown,
}

impl History {
    /// Logs `ada` in by this page. `told` names the history if it fails.
    pub async fn begin(dice: Dice, app: &App, page: &str, told: String) -> Self {
        let browser = Browser::new();
        browser.get(app, page).await;
        Self { dice, before: vec![browser.copied()], browser, written: BTreeSet::new(), count: 0, told }
    }

    /// Makes one to three requests side by side, each to any of these applications.
    pub async fn step(&mut self, apps: &[App]) -> Went {
        let op = self.dice.roll(10);
        let (paths, is_alone): (Vec<String>, _) = match op {
            0 => (vec!["/app/purge".to_owned()], true),
            1 => (vec!["/app/renew".to_owned()], true),
            _ => {
                let keys = self.count..=self.count + self.dice.roll(2);
                (keys.map(|n| format!("/app/presented/insert:k{n}:1")).collect(), false)
            }
        };
        let on: Vec<&App> = paths.iter().map(|_| self.dice.pick(apps)).collect();
        let requests = paths.iter().zip(&on).map(|(path, app)| Box::pin(self.browser.peek(app, path)) as _);
        let pages = all::<Page>(requests).await;
        for (page, n) in pages.iter().zip(self.count..) {
            if !is_alone && page.status.is_success() && page.body == "true" {
                self.written.insert(format!("k{n}"));
            }
            // A lost response: the browser keeps its token.
            if is_alone || self.dice.roll(3) > 0 {
                self.browser.keep(page);
            }
        }
        self.count += 10;
        self.before.push(self.browser.copied());
        match op {
            0 | 1 if !pages[0].status.is_success() => Went::Unknown,
            0 => Went::Out,
            _ => Went::On,
        }
    }

    /// Checks that the user is logged in, and that the session has all acknowledged writes.
    pub async fn check(&mut self, apps: &[App]) {
        let page = self.browser.peek(self.dice.pick(apps), "/app/whose/keys").await;
        let (whose, keys) = page.body.split_once(' ').unwrap_or((&page.body, ""));
        let keys: BTreeSet<String> = keys.split('+').map(str::to_owned).collect();
        assert_eq!(whose, "ada", "{}: nobody logged out", self.told);
        assert!(self.written.is_subset(&keys), "{}: written {:?}, found {keys:?}", self.told, self.written);
    }

    /// Checks that no token opens the session after a logout.
    pub async fn check_ended(&self, apps: &[App]) {
        for browser in &self.before {
            for app in apps {
                for path in ["/app/whose", "/app/insert:x:1/whose", "/app/whose"] {
                    assert_eq!(browser.peek(app, path).await.body, "nobody", "{}: logged out", self.told);
                }
            }
        }
    }
}
