//! All steps and back, with old nodes beside new ones.

use std::time::{Duration, SystemTime};

use cloakroom::{
    formats::{ActixSession, TowerSessions},
    keys::SecretKey,
    redis::RedisStore,
};

use crate::{
    browser::Manner,
    fleet::Fleet,
    node::Node,
    nodes::{self, actix},
    phases::there_and_back,
    redis_server::Server,
    remains,
    steps::{NEW, Step},
};

/// The master key of the old cookies.
fn master() -> Vec<u8> {
    (0..64).collect()
}

/// The old nodes by themselves do what the browsers expect.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn old_nodes_alone() {
    let (redis, settings) = (Server::launch(), actix::Settings::default());
    let node = |name: &str| (Step::Old, actix::old(name, &redis.url(), &master(), settings));
    let mut fleet = Fleet::new(vec![node("old 1"), node("old 2")], 30, Manner::Lively);
    fleet.phase(&[Step::Old]).await;
    fleet.phase(&[Step::Old]).await;
    let redis = Server::launch();
    let nodes = [
        nodes::axum::old_014("old 0.14", &redis.url(), None).await,
        nodes::axum::old_015("old 0.15", &redis.url(), None).await,
    ];
    let mut fleet = Fleet::new(nodes.into_iter().map(|node| (Step::Old, node)).collect(), 30, Manner::Lively);
    fleet.phase(&[Step::Old]).await;
    fleet.phase(&[Step::Old]).await;
}

async fn actix_session(browsers: u64, settings: actix::Settings) {
    let redis = Server::launch();
    let ours = nodes::ours(&redis.url()).await;
    let key = SecretKey::generate();
    let mut nodes: Vec<(Step, Node)> = Vec::new();
    for number in 1..3 {
        nodes.push((Step::Old, actix::old(&format!("old {number}"), &redis.url(), &master(), settings)));
    }
    let theirs = || {
        let until = SystemTime::now() + Duration::from_hours(1);
        let theirs = if settings.is_in_cookie {
            ActixSession::in_cookie(&master(), until).unwrap()
        } else {
            ActixSession::new(ours.bytes(), &master()).unwrap()
        };
        let theirs = theirs.cache_keygen(move |key| format!("{}{key}", settings.prefix));
        if settings.is_signed { theirs.signed() } else { theirs }
    };
    for step in NEW {
        // One node of each kind. Tokens of ours are signed by the drop-in.
        let signing = SecretKey::from_bytes(&master()).unwrap();
        let layer = step.layer(theirs(), &ours, &key).signed(signing);
        nodes.push((step, actix::new(&format!("{step:?}"), layer)));
        let (other, kept, move_key) = (theirs(), ours.clone(), key.clone());
        let options = move |layer| step.beside(layer, Some(other), &kept, &move_key);
        let name = format!("{step:?} (drop-in)");
        let node = if step.is_theirs() {
            actix::drop_in(&name, theirs(), &master(), settings, options)
        } else {
            actix::drop_in(&name, ours.clone(), &master(), settings, options)
        };
        nodes.push((step, node));
    }
    there_and_back(Fleet::new(nodes, browsers, settings.manner()), async || remains::count(&redis.url()).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn actix_session_private() {
    actix_session(100, actix::Settings::default()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn actix_session_signed_with_other_keys() {
    actix_session(30, actix::Settings { is_signed: true, prefix: "sessions:", ..Default::default() }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn actix_session_in_the_cookie() {
    actix_session(30, actix::Settings { is_in_cookie: true, ..Default::default() }).await;
}

async fn tower_sessions(
    browsers: u64,
    private: Option<&[u8]>,
    manner: Manner,
    theirs: impl Fn(&RedisStore) -> TowerSessions + Clone + Send + Sync + 'static,
) {
    let redis = Server::launch();
    let ours = nodes::ours(&redis.url()).await;
    let key = SecretKey::generate();
    let mut nodes: Vec<(Step, Node)> = Vec::new();
    nodes.push((Step::Old, nodes::axum::old_014("old 0.14", &redis.url(), private).await));
    nodes.push((Step::Old, nodes::axum::old_015("old 0.15", &redis.url(), private).await));
    for step in NEW {
        // One node of each kind. With a key, the drop-in signs tokens of ours.
        let layer = step.layer(theirs(&ours), &ours, &key);
        let layer = match private {
            Some(key) => layer.signed(SecretKey::from_bytes(key).unwrap()),
            None => layer,
        };
        nodes.push((step, nodes::axum::new(&format!("{step:?}"), layer).await));
        let (make, kept, move_key) = (theirs.clone(), ours.clone(), key.clone());
        let options = move |layer| step.beside(layer, Some(make(&kept)), &kept, &move_key);
        let name = format!("{step:?} (drop-in)");
        let node = if step.is_theirs() {
            nodes::axum::drop_in(&name, theirs(&ours), private, options).await
        } else {
            nodes::axum::drop_in(&name, ours.clone(), private, options).await
        };
        nodes.push((step, node));
    }
    there_and_back(Fleet::new(nodes, browsers, manner), async || remains::count(&redis.url()).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tower_sessions_plain() {
    tower_sessions(100, None, Manner::Lively, |ours| TowerSessions::new(ours.bytes())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tower_sessions_private() {
    let (key, manner) = (master(), Manner::Lively);
    tower_sessions(30, Some(&key), manner, |ours| TowerSessions::new(ours.bytes()).private(&master()).unwrap()).await;
}

/// Of several requests with one token, only the first one has the session. So these browsers send one at a time.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tower_sessions_whose_tokens_are_accepted_once() {
    tower_sessions(30, None, Manner::Calm, |ours| TowerSessions::new(ours.bytes()).accept_once()).await;
}
