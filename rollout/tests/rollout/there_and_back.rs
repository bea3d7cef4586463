//! All steps and back, with old nodes beside new ones.

use std::time::Instant;

use cloakroom::{
    ForeignSessions,
    formats::{ActixSession, TowerSessions},
    keys::SecretKey,
    redis::RedisStore,
};

use crate::{
    fleet::Fleet,
    nodes::{self, Node, actix},
    redis_server::Server,
    steps::Step,
};

/// The master key of the old cookies.
fn master() -> Vec<u8> {
    (0..64).collect()
}

/// The steps of cloakroom's nodes.
const NEW: [Step; 5] = [Step::One, Step::Two, Step::Back, Step::Three, Step::Four];

/// The old nodes by themselves do what the browsers expect.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn old_nodes_alone() {
    let (redis, settings) = (Server::launch(), actix::Settings { is_signed: false, prefix: "" });
    let node = |name: &str| (Step::Old, actix::old(name, &redis.url(), &master(), settings));
    let mut fleet = Fleet::new(vec![node("old 1"), node("old 2")]);
    fleet.phase(&[Step::Old]).await;
    fleet.phase(&[Step::Old]).await;
    let redis = Server::launch();
    let nodes = [
        nodes::axum::old_014("old 0.14", &redis.url(), None).await,
        nodes::axum::old_015("old 0.15", &redis.url(), None).await,
    ];
    let mut fleet = Fleet::new(nodes.into_iter().map(|node| (Step::Old, node)).collect());
    fleet.phase(&[Step::Old]).await;
    fleet.phase(&[Step::Old]).await;
}

/// The phases of a roll-out. Each has the nodes of one step, or of two neighbours.
async fn there_and_back(fleet: &mut Fleet) {
    use Step::{Back, Four, Old, One, Three, Two};

    let there: [&[Step]; 7] = [&[Old], &[Old, One], &[One], &[One, Two], &[Two], &[Two, Three], &[Three]];
    let to_theirs: [&[Step]; 4] = [&[Three, Two], &[Two], &[Two, Back], &[Back]];
    let back: [&[Step]; 4] = [&[Back, One], &[One], &[One, Old], &[Old]];
    let started = Instant::now();
    for steps in there {
        fleet.phase(steps).await;
        println!("{:>5} ms {steps:?}: {} logged in", started.elapsed().as_millis(), fleet.logged_in());
    }
    fleet.all_move(&[Three]).await;
    for steps in [&[Three, Four], [Four, Four].as_slice(), &[Four, Three], &[Three]] {
        fleet.phase(steps).await;
        println!("{:>5} ms {steps:?}: {} logged in", started.elapsed().as_millis(), fleet.logged_in());
    }
    for steps in to_theirs {
        fleet.phase(steps).await;
        println!("{:>5} ms {steps:?}: {} logged in", started.elapsed().as_millis(), fleet.logged_in());
    }
    fleet.all_move(&[Back]).await;
    for steps in back {
        fleet.phase(steps).await;
        println!("{:>5} ms {steps:?}: {} logged in", started.elapsed().as_millis(), fleet.logged_in());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn actix_session() {
    let (redis, settings) = (Server::launch(), actix::Settings { is_signed: false, prefix: "" });
    let ours = RedisStore::connect(redis.url()).await.unwrap();
    let key = SecretKey::generate();
    let mut nodes: Vec<(Step, Node)> = Vec::new();
    for number in 1..3 {
        nodes.push((Step::Old, actix::old(&format!("old {number}"), &redis.url(), &master(), settings)));
        for step in NEW {
            let theirs = ActixSession::new(ours.bytes(), &master()).unwrap();
            nodes.push((step, actix::new(&format!("{step:?} {number}"), step.layer(theirs, &ours, &key))));
        }
    }
    there_and_back(&mut Fleet::new(nodes)).await;
}

async fn tower_sessions<F: ForeignSessions>(private: Option<&[u8]>, theirs: impl Fn(&RedisStore) -> F) {
    let redis = Server::launch();
    let ours = RedisStore::connect(redis.url()).await.unwrap();
    let key = SecretKey::generate();
    let mut nodes: Vec<(Step, Node)> = Vec::new();
    nodes.push((Step::Old, nodes::axum::old_014("old 0.14", &redis.url(), private).await));
    nodes.push((Step::Old, nodes::axum::old_015("old 0.15", &redis.url(), private).await));
    for number in 1..3 {
        for step in NEW {
            let layer = step.layer(theirs(&ours), &ours, &key);
            nodes.push((step, nodes::axum::new(&format!("{step:?} {number}"), layer).await));
        }
    }
    there_and_back(&mut Fleet::new(nodes)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tower_sessions_plain() {
    tower_sessions(None, |ours| TowerSessions::new(ours.bytes())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tower_sessions_private() {
    tower_sessions(Some(&master()), |ours| TowerSessions::new(ours.bytes()).private(&master()).unwrap()).await;
}
