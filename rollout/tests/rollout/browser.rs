//! A browser that knows what its session must have.

use cloakroom::testing::CookieJar;
use rand::{RngExt as _, rngs::StdRng, seq::IndexedRandom as _};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::{
    app::{KEYS, Op, USER, Values},
    node::Node,
    request::{Answer, Request},
};

/// The place to which all cookies belong: browsers do not tell ports apart.
const SITE: &str = "http://127.0.0.1/";

/// A browser with one user. It is logged out only if it asks for it, and its values change only if it changes them.
pub struct Browser {
    number: u64,
    name: String,
    client: reqwest::Client,
    jar: CookieJar,
    values: Values,
    /// Cookies that must open nothing: they were replaced by a login, or a logout ended their session.
    ended: Vec<String>,
    dice: StdRng,
    manner: Manner,
    log: Vec<String>,
}

/// The manner in which a browser uses its session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// With several requests at once, lost responses, and cookies that have ended.
    Lively,
    /// With one request after the other, and every response.
    Calm,
    /// The same, and without cookies that have ended: they hold their session, and no server ends that.
    InCookie,
}

impl Browser {
    pub fn new(number: u64, client: reqwest::Client, dice: StdRng, manner: Manner) -> Self {
        let (jar, values, name) = (CookieJar::new(), Values::new(), format!("browser {number}"));
        Self { number, name, client, jar, values, ended: Vec::new(), dice, manner, log: Vec::new() }
    }

    /// Does something at random, on random nodes. `is_parallel` allows several requests at once that write, which the other
    /// crates' nodes do not stand.
    pub async fn act(&mut self, nodes: &[&Node], is_parallel: bool) {
        match self.dice.random_range(0..100) {
            0..20 => self.send(nodes, Op::Read).await,
            20..45 => {
                let op = self.write();
                self.send(nodes, op).await;
            }
            45..52 => {
                let key = KEYS[self.dice.random_range(0..KEYS.len() - 1)];
                self.send(nodes, Op::Remove(key.to_owned())).await;
            }
            52..65 => self.send(nodes, Op::Count).await,
            65..76 => {
                let user = format!("{} {}", ["Zoë", "Bob"][self.dice.random_range(0..2)], self.name);
                self.send(nodes, Op::Login(user)).await;
            }
            76..82 => self.send(nodes, Op::Logout).await,
            82..88 if self.manner != Manner::InCookie => self.replay(nodes).await,
            88..91 if self.manner == Manner::Lively => self.read_at_once(nodes).await,
            91..94 if self.manner == Manner::Lively && !self.values.is_empty() => self.lose(nodes).await,
            94.. if is_parallel && self.manner == Manner::Lively && !self.values.is_empty() => {
                self.write_at_once(nodes).await;
            }
            _ => self.send(nodes, Op::Read).await,
        }
    }

    /// Reads, and checks what it finds.
    pub async fn look(&mut self, nodes: &[&Node]) {
        self.send(nodes, Op::Read).await;
    }

    /// Writes, so that the session moves if it has to.
    pub async fn touch(&mut self, nodes: &[&Node]) {
        if self.cookie().is_some() {
            self.send(nodes, Op::Count).await;
        }
    }

    pub fn number(&self) -> u64 {
        self.number
    }

    pub fn is_logged_in(&self) -> bool {
        self.values.contains_key(USER)
    }

    fn write(&mut self) -> Op {
        let count = self.dice.random_range(1..4);
        Op::Write((0..count).map(|_| self.entry()).collect())
    }

    fn entry(&mut self) -> (String, Value) {
        let dice = &mut self.dice;
        let (key, value) = match dice.random_range(0..7) {
            0 => ("big", json!([u64::MAX, u64::MAX - 1, 1 << 63, 0].choose(dice))),
            1 => ("small", json!([i64::MIN, i64::MIN + 1, -1, i64::MAX].choose(dice))),
            2 => ("ratio", json!([3.0, 0.1, 1e300, -5e-324, 1.797_693_134_862_315_7e308, 1e16].choose(dice))),
            3 => (
                "text",
                json!(["", "Zoë \u{1f512}\n\"quoted\\", "1", "null", "{\"a\":\"1\"}", "\u{0}\u{7f}"].choose(dice)),
            ),
            4 => {
                let list = [i64::MIN, 0, dice.random()];
                ("nested", json!({ "list": list, "map": { "": null, "a b": 3.0, "\u{e9}\"": -0.5 } }))
            }
            5 => ("nothing", Value::Null),
            _ => ("flag", json!(dice.random::<bool>())),
        };
        (key.to_owned(), value)
    }

    async fn send(&mut self, nodes: &[&Node], op: Op) {
        let (node, request) = self.request(nodes, op.clone());
        let (is_login, is_logout) = (matches!(op, Op::Login(_)), matches!(op, Op::Logout));
        let cookie = request.cookie.clone();
        let answer = request.send().await;
        self.note(&node, &op, &answer);
        let expected = self.values.clone();
        self.is(&answer, &[&expected]);
        self.store(&answer);
        self.values = op.after(&expected);
        if is_logout || is_login {
            self.ended.extend(cookie);
        }
        if is_logout && !expected.is_empty() {
            assert_eq!(self.cookie(), None, "{}: it still has a cookie\n{}", self.name, self.history());
        }
        let has_its_cookie = self.values.is_empty() || self.cookie().is_some();
        assert!(has_its_cookie, "{}: it has no cookie\n{}", self.name, self.history());
    }

    /// Sends a cookie that has ended. It opens nothing.
    async fn replay(&mut self, nodes: &[&Node]) {
        let Some(cookie) = self.ended.choose(&mut self.dice).cloned() else { return };
        let (node, request) = self.request(nodes, Op::Read);
        let answer = Request { cookie: Some(cookie), ..request }.send().await;
        self.note(&node, &Op::Read, &answer);
        self.is(&answer, &[&Values::new()]);
    }

    /// Writes, and does not get the response.
    async fn lose(&mut self, nodes: &[&Node]) {
        let op = self.write();
        let (node, request) = self.request(nodes, op.clone());
        let answer = request.send().await;
        self.note(&format!("(lost) {node}"), &op, &answer);
        let expected = self.values.clone();
        self.is(&answer, &[&expected]);
        self.values = op.after(&expected);
    }

    /// Sends several requests that read.
    async fn read_at_once(&mut self, nodes: &[&Node]) {
        let mut calls = JoinSet::new();
        for _ in 0..3 {
            let (node, request) = self.request(nodes, Op::Read);
            calls.spawn(async move { (node, request.send().await) });
        }
        let expected = self.values.clone();
        while let Some(call) = calls.join_next().await {
            let (node, answer) = call.unwrap();
            self.note(&node, &Op::Read, &answer);
            self.is(&answer, &[&expected]);
            self.store(&answer);
        }
    }

    /// Sends two requests that write different keys, or one that logs in and one that reads.
    async fn write_at_once(&mut self, nodes: &[&Node]) {
        let expected = self.values.clone();
        let (one, other) = if self.dice.random_bool(0.7) {
            (Op::Write([self.entry()].into_iter().collect()), Op::Count)
        } else {
            (Op::Login(format!("Eve {}", self.name)), Op::Read)
        };
        let [only_one, only_other] = [one.after(&expected), other.after(&expected)];
        let both = other.after(&only_one);
        let is_login = matches!(one, Op::Login(_));
        let mut calls = JoinSet::new();
        for op in [one, other] {
            let (node, request) = self.request(nodes, op.clone());
            calls.spawn(async move { (node, op, request.send().await) });
        }
        let (old, mut answers) = (self.cookie(), Vec::new());
        while let Some(call) = calls.join_next().await {
            answers.push(call.unwrap());
        }
        if is_login {
            // A response that was committed before the login carries an older token. Here it arrives first.
            answers.sort_by_key(|(_, op, answer)| {
                matches!(op, Op::Login(_)) || !answer.before.as_ref().is_ok_and(|before| *before == expected)
            });
        }
        // A request that comes behind the login has a token that opens nothing any more.
        let nothing = Values::new();
        for (node, op, answer) in answers {
            self.note(&node, &op, &answer);
            if is_login && matches!(op, Op::Read) {
                self.is(&answer, &[&expected, &only_one, &nothing]);
            } else {
                self.is(&answer, &[&expected, &only_one, &only_other]);
            }
            self.store(&answer);
        }
        if is_login {
            self.ended.extend(old);
        }
        self.values = both;
    }

    fn request(&mut self, nodes: &[&Node], op: Op) -> (String, Request) {
        let node = nodes[self.dice.random_range(0..nodes.len())];
        let request = Request { client: self.client.clone(), url: node.url(), cookie: self.cookie(), op };
        (node.name.clone(), request)
    }

    fn cookie(&self) -> Option<String> {
        self.jar.header(SITE).map(|cookie| cookie.to_str().unwrap().to_owned())
    }

    fn store(&mut self, answer: &Answer) {
        let refused = self.jar.store(&answer.headers, SITE);
        assert!(refused.is_empty(), "{}: {refused:?}\n{}", self.name, self.history());
    }

    fn is(&self, answer: &Answer, expected: &[&Values]) {
        let is_expected = |before: &Values| expected.contains(&before);
        if !answer.before.as_ref().is_ok_and(is_expected) {
            let expected: Vec<_> = expected.iter().map(|values| json!(values).to_string()).collect();
            panic!("{}: expected {}\n{}", self.name, expected.join(" or "), self.history());
        }
    }

    fn note(&mut self, node: &str, op: &Op, answer: &Answer) {
        let cookies: Vec<_> = answer.headers.get_all(http::header::SET_COOKIE).iter().collect();
        let before = answer.before.as_ref().map(|values| json!(values).to_string());
        let had = answer.cookie.as_deref().unwrap_or_default();
        self.log.push(format!("{node}: {op:?} with {had}\n    -> {before:?} {cookies:?}"));
    }

    /// Returns the last requests.
    fn history(&self) -> String {
        self.log[self.log.len().saturating_sub(12)..].join("\n")
    }
}
