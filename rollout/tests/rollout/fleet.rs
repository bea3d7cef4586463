//! The nodes of all steps, and the browsers on them.

use std::sync::Arc;

use rand::{RngExt as _, rngs::StdRng};
use tokio::task::JoinSet;

use crate::{
    browser::{Browser, Manner},
    node::Node,
    seed::{dice, seed},
    steps::Step,
};

/// A fleet of which, at each time, the nodes of one or two steps run.
pub struct Fleet {
    nodes: Arc<Vec<(Step, Node)>>,
    browsers: Vec<Browser>,
    dice: StdRng,
    pub manner: Manner,
}

impl Fleet {
    pub fn new(nodes: Vec<(Step, Node)>, browsers: u64, manner: Manner) -> Self {
        let (seed, client) = (seed(), reqwest::Client::new());
        let browser = |number| Browser::new(number, client.clone(), dice(seed, number), manner);
        Self { nodes: nodes.into(), browsers: (0..browsers).map(browser).collect(), dice: dice(seed, browsers), manner }
    }

    /// Lets the browsers work for a while on the nodes of these steps. Some of them do nothing.
    pub async fn phase(&mut self, steps: &[Step]) {
        self.run(steps, false).await;
    }

    /// Lets every browser write, so that every session has moved that moves. Then looks again.
    pub async fn all_move(&mut self, steps: &[Step]) {
        self.run(steps, true).await;
    }

    /// Returns the number of browsers that are logged in.
    pub fn logged_in(&self) -> usize {
        self.browsers.iter().filter(|browser| browser.is_logged_in()).count()
    }

    async fn run(&mut self, steps: &[Step], is_move: bool) {
        let is_parallel = !steps.contains(&Step::Old);
        let mut work = JoinSet::new();
        for mut browser in self.browsers.drain(..) {
            let (all, steps) = (Arc::clone(&self.nodes), steps.to_vec());
            let requests = if self.dice.random_bool(0.2) { 0 } else { self.dice.random_range(1..8) };
            work.spawn(async move {
                let nodes: Vec<&Node> =
                    all.iter().filter(|(step, _)| steps.contains(step)).map(|(_, node)| node).collect();
                if is_move {
                    browser.touch(&nodes).await;
                    browser.look(&nodes).await;
                } else {
                    for _ in 0..requests {
                        browser.act(&nodes, is_parallel).await;
                    }
                }
                browser
            });
        }
        while let Some(browser) = work.join_next().await {
            self.browsers.push(browser.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic())));
        }
        // The order in which they ended is of no importance for the next choices.
        self.browsers.sort_by_key(Browser::number);
    }
}
