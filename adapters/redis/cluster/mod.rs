//! A connection to each master of a cluster.
//!
//! Every command works on one key, so it goes to the master of that key's slot. The store follows both kinds of
//! redirection. The cluster connection of the redis crate is not used: it may repeat a write whose reply was lost.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use ::redis::{Cmd, ConnectionAddr, ConnectionInfo, ErrorKind, RedisError, Value};
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use tokio::time::timeout_at;

use self::slots::{Slots, slot};
use super::{
    address::{Certificates, client, elsewhere, split},
    connection::Access,
    credentials::CredentialsSource,
    failure::{Failure, Fate},
    limits::{Budget, Timeouts},
    server::ServerConnection,
    target::Target,
};

mod slots;

/// The most times that one command is sent.
const HOPS: u32 = 6;

/// The known nodes of a cluster.
#[derive(Debug)]
pub(super) struct Cluster {
    seeds: Vec<Node>,
    /// The login and the TLS settings of every node. Its address is not used.
    model: ConnectionInfo,
    certificates: Certificates,
    credentials: Option<CredentialsSource>,
    timeouts: Timeouts,
    known: Mutex<Known>,
    /// Held by the call that asks the nodes. The waiting calls share the answer.
    turn: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct Known {
    slots: Slots,
    /// The number of answers to `CLUSTER SLOTS`.
    version: u64,
    connections: HashMap<Node, Arc<ServerConnection>>,
}

type Node = (String, u16);

/// The node that a command goes to next.
enum Next {
    /// The master of its slot.
    Master,
    /// The node that the answer named, even if the slots name another one.
    Moved(Node),
    /// The node that the answer named, for this command only: the slot is moving there.
    Ask(Node),
}

/// The next step after a failure.
enum Verdict {
    Go(Next),
    /// Asks for the slot's master, and sends the command there. With `only_elsewhere`, only if it is another node.
    Refresh {
        only_elsewhere: bool,
    },
    Fail,
}

impl Cluster {
    pub(super) fn new(
        infos: Vec<ConnectionInfo>,
        certificates: Certificates,
        credentials: Option<CredentialsSource>,
        timeouts: Timeouts,
    ) -> Result<Self, RedisError> {
        let refused = |why| RedisError::from((ErrorKind::InvalidClientConfig, why));
        let seeds = infos.iter().map(node).collect::<Option<_>>();
        let seeds = seeds.ok_or_else(|| refused("a cluster's nodes have hosts and ports"))?;
        let model = infos.into_iter().next().ok_or_else(|| refused("a cluster needs a node to ask"))?;
        // This fails for certificates that cannot be read.
        client(model.clone(), &certificates)?;
        let (known, turn) = (Mutex::default(), tokio::sync::Mutex::default());
        Ok(Self { seeds, model, certificates, credentials, timeouts, known, turn })
    }

    /// Sends a command to the master that keeps `key`, and follows the slot if it moves.
    pub(super) async fn send(
        &self,
        key: &[u8],
        command: &Cmd,
        access: Access,
        budget: Budget,
    ) -> Result<Value, Failure> {
        let slot = slot(key);
        let mut next = Next::Master;
        let mut failure = Failure::no_connection(self.timeouts.connection);
        for hop in 0..HOPS {
            let budget = if hop == 0 { budget } else { budget.next() };
            if budget.is_spent() {
                break;
            }
            let (version, node) = self.master(slot, budget).await?;
            // The node is asked once. The code below decides what to do next.
            let sent = match next {
                Next::Master => self.connection(&node)?.send(command, Access::Write, budget).await,
                Next::Moved(node) => self.connection(&node)?.send(command, Access::Write, budget).await,
                Next::Ask(node) => self.connection(&node)?.send_asking(command, budget).await,
            };
            failure = match sent {
                Ok(reply) => return Ok(reply),
                Err(failure) => failure,
            };
            next = match verdict(&failure, access, &node) {
                Verdict::Fail => return Err(failure),
                Verdict::Go(Next::Moved(node)) => {
                    self.refresh(version, budget).await?;
                    Next::Moved(node)
                }
                Verdict::Go(next) => next,
                Verdict::Refresh { only_elsewhere } => {
                    self.refresh(version, budget).await?;
                    if only_elsewhere && self.master(slot, budget).await?.1 == node {
                        return Err(failure);
                    }
                    Next::Master
                }
            };
        }
        Err(failure)
    }

    /// Sends `PING` to every master.
    pub(super) async fn ping(&self, ping: &Cmd, budget: Budget) -> Result<(), Failure> {
        let version = self.known().version;
        self.refresh(version, budget).await?;
        let masters: Vec<_> = self.known().slots.masters().collect();
        let masters = masters.iter().map(|node| self.connection(node)).collect::<Result<Vec<_>, _>>()?;
        let mut pings: FuturesUnordered<_> =
            masters.iter().map(|master| master.send(ping, Access::Read, budget)).collect();
        while let Some(pong) = pings.next().await {
            pong?;
        }
        Ok(())
    }

    /// Returns the master of a slot, and the version of the slots that name it.
    async fn master(&self, slot: u16, budget: Budget) -> Result<(u64, Node), Failure> {
        for _ in 0..2 {
            let version = {
                let known = self.known();
                if let Some(node) = known.slots.master(slot) {
                    return Ok((known.version, node));
                }
                known.version
            };
            self.refresh(version, budget).await?;
        }
        Err(Failure::not_done((ErrorKind::ClusterConnectionNotFound, "no master keeps the slot").into()))
    }

    /// Asks all nodes at once for the slots, and takes the first answer, unless another call did so after `version`.
    async fn refresh(&self, version: u64, budget: Budget) -> Result<(), Failure> {
        let mut failure = Failure::no_connection(self.timeouts.connection);
        let Ok(_turn) = timeout_at(budget.ends, self.turn.lock()).await else { return Err(failure) };
        let mut nodes = self.seeds.clone();
        {
            let known = self.known();
            if known.version > version {
                return Ok(());
            }
            nodes.extend(known.connections.keys().cloned());
        }
        nodes.sort();
        nodes.dedup();
        let mut asked: FuturesUnordered<_> = nodes.iter().map(|node| self.ask(node, budget)).collect();
        while let Some(answer) = asked.next().await {
            match answer {
                Ok(slots) => {
                    let mut known = self.known();
                    known.connections.retain(|node, _| slots.masters().any(|master| master == *node));
                    known.slots = slots;
                    known.version += 1;
                    return Ok(());
                }
                Err(failed) => failure = failed,
            }
        }
        Err(failure)
    }

    async fn ask(&self, node: &Node, budget: Budget) -> Result<Slots, Failure> {
        let mut question = ::redis::cmd("CLUSTER");
        question.arg("SLOTS");
        let answer = self.connection(node)?.send(&question, Access::Read, budget).await?;
        let nothing = || RedisError::from((ErrorKind::Parse, "the node knows of no slots"));
        Slots::read(answer, &node.0).ok_or_else(|| Failure::not_done(nothing()))
    }

    fn connection(&self, node: &Node) -> Result<Arc<ServerConnection>, Failure> {
        let mut known = self.known();
        if let Some(connection) = known.connections.get(node) {
            return Ok(Arc::clone(connection));
        }
        let client = client(elsewhere(&self.model, &node.0, node.1), &self.certificates).map_err(Failure::not_done)?;
        let connection =
            Arc::new(ServerConnection::new(Target::Server(client), self.credentials.clone(), self.timeouts));
        known.connections.insert(node.clone(), Arc::clone(&connection));
        Ok(connection)
    }

    /// Locks the known nodes. The lock is never held across an await.
    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn verdict(failure: &Failure, access: Access, asked: &Node) -> Verdict {
    let named = failure.redirect().and_then(split).map(|(host, port)| {
        // A node that does not know its own name means the address at which it was asked.
        let host = if host.is_empty() { &asked.0 } else { host };
        (host.to_owned(), port)
    });
    match (failure.fate, named) {
        (Fate::NotDone, Some(node)) if failure.says("ASK") => Verdict::Go(Next::Ask(node)),
        (Fate::NotDone, Some(node)) => Verdict::Go(Next::Moved(node)),
        (Fate::NotDone, None) if failure.says("READONLY") => Verdict::Refresh { only_elsewhere: true },
        (Fate::NotDone, None) if failure.is_answer() => Verdict::Fail,
        (Fate::NotDone, None) => Verdict::Refresh { only_elsewhere: true },
        (Fate::ReplyLost | Fate::TimedOut, _) if access == Access::Read => Verdict::Refresh { only_elsewhere: false },
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
