//! A connection to each master of a cluster.
//!
//! Every command is on one key, so routing is: its slot, the slot's master, and two kinds of "not here" to follow. The
//! redis crate's own cluster connection has retries of its own; which of them may repeat a command whose reply was lost is
//! not for us to say, and a session's counter would then count twice.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use ::redis::{Cmd, ConnectionAddr, ConnectionInfo, ErrorKind, RedisError, Value};
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use tokio::time::{Instant, timeout_at};

use self::slots::{Slots, slot};
use super::{
    address::{Certificates, client, elsewhere, split},
    failure::{Failure, Fate},
    line::{Again, Line, Timeouts},
    target::Target,
};

mod slots;

/// How often a command is sent on to where it was told to go.
const HOPS: u32 = 6;

/// The nodes of a cluster, as far as they are known.
#[derive(Debug)]
pub(super) struct Cluster {
    seeds: Vec<Node>,
    /// How to log in to any node.
    model: ConnectionInfo,
    certificates: Certificates,
    timeouts: Timeouts,
    known: Mutex<Known>,
    /// One asks the nodes, and all who wait share the answer.
    turn: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct Known {
    slots: Slots,
    /// Counts the answers to `CLUSTER SLOTS`.
    version: u64,
    lines: HashMap<Node, Arc<Line>>,
}

type Node = (String, u16);

/// Where a command goes next.
enum Next {
    /// To the master of its slot.
    Master,
    /// To the node that was named, whatever the slots say.
    Moved(Node),
    /// The same, for this once: the slot is on its way there.
    Ask(Node),
}

/// What a failure asks for.
enum Verdict {
    Go(Next),
    /// See who is the master now, and go there: in any case, or only if it is another one.
    Refresh {
        only_elsewhere: bool,
    },
    Fail,
}

impl Cluster {
    pub(super) fn new(
        infos: Vec<ConnectionInfo>,
        certificates: Certificates,
        timeouts: Timeouts,
    ) -> Result<Self, RedisError> {
        let refused = |why| RedisError::from((ErrorKind::InvalidClientConfig, why));
        let seeds = infos.iter().map(node).collect::<Option<_>>();
        let seeds = seeds.ok_or_else(|| refused("a cluster's nodes have hosts and ports"))?;
        let model = infos.into_iter().next().ok_or_else(|| refused("a cluster needs a node to ask"))?;
        // Certificates that cannot be read are found here.
        client(model.clone(), &certificates)?;
        let (known, turn) = (Mutex::default(), tokio::sync::Mutex::default());
        Ok(Self { seeds, model, certificates, timeouts, known, turn })
    }

    /// Sends a command to the master that keeps `key`, wherever that is by now.
    pub(super) async fn send(
        &self,
        key: &[u8],
        command: &Cmd,
        again: Again,
        deadline: Instant,
    ) -> Result<Value, Failure> {
        let slot = slot(key);
        let mut next = Next::Master;
        let mut failure = Failure::no_connection(self.timeouts.connection);
        for _ in 0..HOPS {
            let (version, node) = self.master(slot, deadline).await?;
            let sent = match next {
                Next::Master => self.line(&node)?.send(command, Again::No, deadline).await,
                Next::Moved(node) => self.line(&node)?.send(command, Again::No, deadline).await,
                Next::Ask(node) => self.line(&node)?.send_asking(command, deadline).await,
            };
            failure = match sent {
                Ok(reply) => return Ok(reply),
                Err(failure) => failure,
            };
            next = match verdict(&failure, again, &node) {
                Verdict::Fail => return Err(failure),
                Verdict::Go(Next::Moved(node)) => {
                    self.refresh(version, deadline).await?;
                    Next::Moved(node)
                }
                Verdict::Go(next) => next,
                Verdict::Refresh { only_elsewhere } => {
                    self.refresh(version, deadline).await?;
                    if only_elsewhere && self.master(slot, deadline).await?.1 == node {
                        return Err(failure);
                    }
                    Next::Master
                }
            };
        }
        Err(failure)
    }

    /// Asks every master for a sign of life.
    pub(super) async fn ping(&self, ping: &Cmd, deadline: Instant) -> Result<(), Failure> {
        let version = self.known().version;
        self.refresh(version, deadline).await?;
        let masters: Vec<_> = self.known().slots.masters().collect();
        let lines = masters.iter().map(|node| self.line(node)).collect::<Result<Vec<_>, _>>()?;
        let mut pings: FuturesUnordered<_> = lines.iter().map(|line| line.send(ping, Again::Yes, deadline)).collect();
        while let Some(pong) = pings.next().await {
            pong?;
        }
        Ok(())
    }

    /// The master of a slot, and the version of the slots that say so.
    async fn master(&self, slot: u16, deadline: Instant) -> Result<(u64, Node), Failure> {
        for _ in 0..2 {
            let version = {
                let known = self.known();
                if let Some(node) = known.slots.master(slot) {
                    return Ok((known.version, node));
                }
                known.version
            };
            self.refresh(version, deadline).await?;
        }
        Err(Failure::refused((ErrorKind::ClusterConnectionNotFound, "no master keeps the slot").into()))
    }

    /// Asks all nodes at once for the slots, and takes the first answer, unless somebody else did since `version`.
    async fn refresh(&self, version: u64, deadline: Instant) -> Result<(), Failure> {
        let mut failure = Failure::no_connection(self.timeouts.connection);
        let Ok(_turn) = timeout_at(deadline, self.turn.lock()).await else { return Err(failure) };
        let mut nodes = self.seeds.clone();
        {
            let known = self.known();
            if known.version > version {
                return Ok(());
            }
            nodes.extend(known.lines.keys().cloned());
        }
        nodes.sort();
        nodes.dedup();
        let mut asked: FuturesUnordered<_> = nodes.iter().map(|node| self.ask(node, deadline)).collect();
        while let Some(answer) = asked.next().await {
            match answer {
                Ok(slots) => {
                    let mut known = self.known();
                    known.lines.retain(|node, _| slots.masters().any(|master| master == *node));
                    known.slots = slots;
                    known.version += 1;
                    return Ok(());
                }
                Err(failed) => failure = failed,
            }
        }
        Err(failure)
    }

    async fn ask(&self, node: &Node, deadline: Instant) -> Result<Slots, Failure> {
        let mut question = ::redis::cmd("CLUSTER");
        question.arg("SLOTS");
        let answer = self.line(node)?.send(&question, Again::Yes, deadline).await?;
        let nothing = || RedisError::from((ErrorKind::Parse, "the node knows of no slots"));
        Slots::read(answer, &node.0).ok_or_else(|| Failure::refused(nothing()))
    }

    fn line(&self, node: &Node) -> Result<Arc<Line>, Failure> {
        let mut known = self.known();
        if let Some(line) = known.lines.get(node) {
            return Ok(Arc::clone(line));
        }
        let client = client(elsewhere(&self.model, &node.0, node.1), &self.certificates).map_err(Failure::refused)?;
        let line = Arc::new(Line::new(Target::Server(client), self.timeouts));
        known.lines.insert(node.clone(), Arc::clone(&line));
        Ok(line)
    }

    /// Never held across an await.
    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn verdict(failure: &Failure, again: Again, asked: &Node) -> Verdict {
    let named = failure.redirect().and_then(split).map(|(host, port)| {
        // A node that knows no name of its own means the one that was asked.
        let host = if host.is_empty() { &asked.0 } else { host };
        (host.to_owned(), port)
    });
    match (failure.fate, named) {
        (Fate::NotDone, Some(node)) if failure.says("ASK") => Verdict::Go(Next::Ask(node)),
        (Fate::NotDone, Some(node)) => Verdict::Go(Next::Moved(node)),
        (Fate::NotDone, None) if failure.says("READONLY") => Verdict::Refresh { only_elsewhere: true },
        (Fate::NotDone, None) if failure.is_answer() => Verdict::Fail,
        (Fate::NotDone, None) => Verdict::Refresh { only_elsewhere: true },
        (Fate::ReplyLost, _) if again == Again::Yes => Verdict::Refresh { only_elsewhere: false },
        (Fate::ReplyLost | Fate::TimedOut, _) => Verdict::Fail,
    }
}

fn node(info: &ConnectionInfo) -> Option<Node> {
    match info.addr() {
        ConnectionAddr::Tcp(host, port) => Some((host.clone(), *port)),
        ConnectionAddr::TcpTls { host, port, .. } => Some((host.clone(), *port)),
        _ => None,
    }
}
