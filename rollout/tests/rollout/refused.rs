//! Old sessions that are no session at any step, and an old store that fails.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use cloakroom::{
    ForeignSessions, StoreError,
    formats::{ActixSession, ByteStore, Stored, TowerSessions},
    keys::SecretKey,
    redis::RedisBytes,
    store::{Created, Deleted, Replaced},
};
use redis::{AsyncCommands as _, aio::MultiplexedConnection};
use serde_json::{Value, json};
use tower_sessions::session::{Id, Record};

use crate::{
    app::{Op, Values},
    node::Node,
    nodes::{self, actix},
    redis_server::Server,
    steps::{NEW, Step},
};

/// An old store that fails while it is told to.
#[derive(Clone)]
struct Failing {
    store: RedisBytes,
    fails: Arc<AtomicBool>,
}

impl Failing {
    fn check(&self) -> Result<(), StoreError> {
        if self.fails.load(Ordering::Relaxed) { Err(StoreError::not_done("the old store is down")) } else { Ok(()) }
    }
}

impl ByteStore for Failing {
    async fn load(&self, key: &str) -> Result<Option<Stored>, StoreError> {
        self.check()?;
        self.store.load(key).await
    }

    async fn create(&self, key: &str, record: &Stored) -> Result<Created, StoreError> {
        self.check()?;
        self.store.create(key, record).await
    }

    async fn replace(&self, key: &str, base: &[u8], record: &Stored) -> Result<Replaced<Stored>, StoreError> {
        self.check()?;
        self.store.replace(key, base, record).await
    }

    async fn delete(&self, key: &str, base: Option<&[u8]>) -> Result<Deleted<Stored>, StoreError> {
        self.check()?;
        self.store.delete(key, base).await
    }
}

/// A fleet with one node of each step.
struct Rig {
    old: Node,
    new: Vec<(Step, Node)>,
    redis: MultiplexedConnection,
    fails: Arc<AtomicBool>,
    client: reqwest::Client,
    _server: Server,
}

fn master() -> Vec<u8> {
    (0..64).collect()
}

impl Rig {
    async fn actix() -> Self {
        let server = Server::launch();
        let old = actix::old("old", &server.url(), &master(), actix::Settings::default());
        Self::start(server, old, |store| ActixSession::new(store, &master()).unwrap()).await
    }

    async fn tower() -> Self {
        let server = Server::launch();
        let old = nodes::axum::old_015("old", &server.url(), None).await;
        Self::start(server, old, TowerSessions::new).await
    }

    async fn start<F: ForeignSessions>(server: Server, old: Node, theirs: impl Fn(Failing) -> F) -> Self {
        let ours = nodes::ours(&server.url()).await;
        let failing = Failing { store: ours.bytes(), fails: Arc::default() };
        let (key, mut new) = (SecretKey::generate(), Vec::new());
        for step in NEW {
            let layer = step.layer(theirs(failing.clone()), &ours, &key);
            new.push((step, nodes::axum::new(&format!("{step:?}"), layer).await));
        }
        let redis = redis::Client::open(server.url()).unwrap().get_multiplexed_async_connection().await.unwrap();
        Self { old, new, redis, fails: failing.fails, client: reqwest::Client::new(), _server: server }
    }

    fn node(&self, of: Step) -> &Node {
        self.new.iter().find(|(step, _)| *step == of).map(|(_, node)| node).unwrap()
    }

    /// Sends a request, and returns the status, the values that the session had, and the value of a new cookie.
    async fn send(&self, node: &Node, cookie: Option<&str>, op: Op) -> (u16, Option<Values>, Option<String>) {
        let mut request = self.client.post(node.url()).body(serde_json::to_string(&op).unwrap());
        if let Some(cookie) = cookie {
            request = request.header(http::header::COOKIE, format!("id={cookie}"));
        }
        let response = request.send().await.unwrap();
        let set = response.headers().get(http::header::SET_COOKIE).map(|line| line.to_str().unwrap().to_owned());
        let set = set.and_then(|line| line.strip_prefix("id=")?.split(';').next().map(str::to_owned));
        let (status, body) = (response.status().as_u16(), response.text().await.unwrap());
        (status, serde_json::from_str(&body).ok(), set)
    }

    /// Makes a session on a node, and returns its cookie.
    async fn session(&self, node: &Node) -> String {
        self.send(node, None, Op::Login("alice".to_owned())).await.2.unwrap()
    }

    /// Makes a session on the old node, and returns its cookie and its key in Redis.
    async fn old_session(&mut self) -> (String, String) {
        let before: Vec<String> = self.redis.keys("*").await.unwrap();
        let cookie = self.session(&self.old).await;
        let keys: Vec<String> = self.redis.keys("*").await.unwrap();
        (cookie, keys.into_iter().find(|key| !before.contains(key)).unwrap())
    }

    /// Checks that a cookie opens nothing at any step, that no step calls it an error, and that a session can begin.
    async fn opens_nothing(&self, cookie: &str, why: &str) {
        for (step, node) in &self.new {
            let (status, values, _) = self.send(node, Some(cookie), Op::Read).await;
            assert_eq!((status, values), (200, Some(Values::new())), "{why}, at step {step:?}");
            let op = Op::Login("bob".to_owned());
            let (status, values, set) = self.send(node, Some(cookie), op).await;
            assert_eq!((status, values), (200, Some(Values::new())), "{why}, at step {step:?}");
            let set = set.unwrap_or_else(|| panic!("{why}, at step {step:?}: no new cookie"));
            assert_ne!(set, cookie, "{why}: the client's token became a session");
            let (status, values, _) = self.send(node, Some(&set), Op::Read).await;
            assert_eq!((status, values), (200, Some(user("bob"))), "{why}, at step {step:?}");
        }
    }
}

fn user(name: &str) -> Values {
    [("user".to_owned(), json!(name))].into_iter().collect()
}

/// Changes the character in the middle.
fn forged(cookie: &str) -> String {
    let (start, rest) = cookie.split_at(cookie.len() / 2);
    format!("{start}{}{}", if rest.starts_with('A') { 'B' } else { 'A' }, &rest[1..])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_actix_session() {
    let mut rig = Rig::actix().await;
    let (cookie, key) = rig.old_session().await;
    for step in [Step::One, Step::Two, Step::Back, Step::Three] {
        let (status, values, _) = rig.send(rig.node(step), Some(&cookie), Op::Read).await;
        assert_eq!((status, values), (200, Some(user("alice"))), "{step:?}");
    }
    rig.opens_nothing(&forged(&cookie), "forged").await;
    rig.opens_nothing(&cookie[..cookie.len() - 4], "cut off").await;
    rig.opens_nothing(&key, "a key without encryption").await;
    let others: Vec<u8> = (1..65).collect();
    let server = Server::launch();
    let stranger = actix::old("stranger", &server.url(), &others, actix::Settings::default());
    rig.opens_nothing(&rig.session(&stranger).await, "under another key").await;
    for record in ["", "{", "[]", "null", "\u{0}", "{\"user\":\"alice\"}", "{\"v\":2,\"state\":{\"user\":\"alice\"}}"] {
        let _: () = rig.redis.set(&key, record).await.unwrap();
        rig.opens_nothing(&cookie, &format!("the record {record:?}")).await;
    }
    let _: () = rig.redis.del(&key).await.unwrap();
    let _: () = rig.redis.lpush(&key, "a list").await.unwrap();
    for (step, node) in &rig.new {
        let (status, values, _) = rig.send(node, Some(&cookie), Op::Read).await;
        assert_eq!((status, values), (200, Some(Values::new())), "{step:?}");
    }
    expires(&mut rig).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_tower_sessions() {
    let mut rig = Rig::tower().await;
    let (cookie, key) = rig.old_session().await;
    for step in [Step::One, Step::Two, Step::Back, Step::Three] {
        let (status, values, _) = rig.send(rig.node(step), Some(&cookie), Op::Read).await;
        assert_eq!((status, values), (200, Some(user("alice"))), "{step:?}");
    }
    rig.opens_nothing(&forged(&cookie), "forged").await;
    rig.opens_nothing(&cookie[..20], "cut off").await;
    let bytes: Vec<u8> = rig.redis.get(&key).await.unwrap();
    for record in [&b""[..], b"{}", &bytes[..bytes.len() - 1], &bytes[1..], b"\xc1"] {
        let _: () = rig.redis.set(&key, record).await.unwrap();
        rig.opens_nothing(&cookie, &format!("the record {record:?}")).await;
    }
    // A record that names an earlier time than Redis.
    let id: Id = cookie.parse().unwrap();
    let data = [("user".to_owned(), Value::from("alice"))].into_iter().collect();
    let ended = Record { id, data, expiry_date: time::OffsetDateTime::now_utc() - time::Duration::SECOND };
    let _: () = rig.redis.set(&key, rmp_serde::to_vec(&ended).unwrap()).await.unwrap();
    rig.opens_nothing(&cookie, "expired by its own date").await;
    expires(&mut rig).await;
}

/// Redis drops the record.
async fn expires(rig: &mut Rig) {
    let (cookie, key) = rig.old_session().await;
    let _: () = rig.redis.pexpire(&key, 1).await.unwrap();
    while rig.redis.exists(&key).await.unwrap() {}
    rig.opens_nothing(&cookie, "expired").await;
}

/// At the step at which ours is primary, an old store that fails is an error only for requests whose token is theirs.
async fn fails(rig: Rig, forged_is_seen: bool) {
    let node = |step| rig.new.iter().find(|(of, _)| *of == step).map(|(_, node)| node).unwrap();
    let ours = rig.session(node(Step::Four)).await;
    let theirs = rig.session(&rig.old).await;
    rig.fails.store(true, Ordering::Relaxed);
    let count = || Op::Write([("big".to_owned(), json!(1))].into_iter().collect());
    for (token, op, status, values) in [
        (Some(&ours), Op::Read, 200, Some(user("alice"))),
        (Some(&ours), count(), 200, Some(user("alice"))),
        (None, Op::Read, 200, Some(Values::new())),
        (None, count(), 200, Some(Values::new())),
        (Some(&"garbage".to_owned()), count(), 200, Some(Values::new())),
        (Some(&theirs), Op::Read, 503, None),
        (Some(&theirs), count(), 503, None),
        (Some(&theirs), Op::Logout, 503, None),
        // A token that anybody can make is theirs until their store says that it is not.
        (Some(&forged(&theirs)), Op::Read, if forged_is_seen { 200 } else { 503 }, forged_is_seen.then(Values::new)),
    ] {
        let what = format!("{op:?} with {token:?}");
        let (found_status, found, set) = rig.send(node(Step::Three), token.map(String::as_str), op).await;
        assert_eq!((found_status, found), (status, values), "{what}");
        assert!(status == 200 || set.is_none(), "{what}: a cookie is touched");
    }
    // In their format, ours is primary nowhere, and still no token of ours needs their store to be read.
    let (status, values, _) = rig.send(node(Step::Two), Some(&ours), Op::Read).await;
    assert_eq!((status, values.unwrap().get("user")), (200, Some(&json!("alice"))));
    for step in [Step::One, Step::Two, Step::Back] {
        assert_eq!(rig.send(node(step), Some(&theirs), Op::Read).await.0, 503, "{step:?}");
        assert_eq!(rig.send(node(step), None, Op::Read).await.0, 200, "{step:?}");
        assert_eq!(rig.send(node(step), None, count()).await.0, 503, "{step:?}");
    }
    // All users are still logged in.
    rig.fails.store(false, Ordering::Relaxed);
    for step in [Step::One, Step::Two, Step::Three] {
        let (status, values, _) = rig.send(node(step), Some(&theirs), Op::Read).await;
        assert_eq!((status, values), (200, Some(user("alice"))), "{step:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_of_actix_session_fails() {
    fails(Rig::actix().await, true).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_of_tower_sessions_fails() {
    fails(Rig::tower().await, false).await;
}
