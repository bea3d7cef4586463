//! What commands travel over.

use ::redis::{Cmd, Value};
use tokio::time::Instant;

#[cfg(feature = "redis-cluster")]
use super::cluster::Cluster;
use super::{
    failure::Failure,
    line::{Again, Line, Timeouts},
    own::Own,
    script::Call,
    turns::Turns,
};

/// What commands travel over.
#[derive(Debug)]
pub(super) struct Link {
    way: Way,
    timeouts: Timeouts,
    pub(super) turns: Turns,
}

#[derive(Debug)]
pub(super) enum Way {
    /// One connection: to a server, or to the master that sentinels name.
    Line(Box<Line>),
    /// A connection to each master.
    #[cfg(feature = "redis-cluster")]
    Cluster(Box<Cluster>),
    /// The application's own.
    Own(Own),
}

impl Link {
    pub(super) fn new(way: Way, timeouts: Timeouts) -> Self {
        Self { way, timeouts, turns: Turns::default() }
    }

    /// When a call that begins now is over, whatever happens.
    pub(super) fn deadline(&self) -> Instant {
        self.timeouts.deadline()
    }

    /// Sends a command on one key.
    pub(super) async fn send(
        &self,
        #[cfg_attr(not(feature = "redis-cluster"), allow(unused_variables))] key: &[u8],
        command: &Cmd,
        again: Again,
        deadline: Instant,
    ) -> Result<Value, Failure> {
        match &self.way {
            Way::Line(line) => line.send(command, again, deadline).await,
            #[cfg(feature = "redis-cluster")]
            Way::Cluster(cluster) => Box::pin(cluster.send(key, command, again, deadline)).await,
            Way::Own(own) => own.send(command, again, deadline).await,
        }
    }

    /// Calls the script by its hash, and brings it along where the server does not know it: a new one, a promoted
    /// replica, one whose scripts were flushed.
    pub(super) async fn call(&self, call: &Call<'_>, again: Again, deadline: Instant) -> Result<Value, Failure> {
        match self.send(call.key, call.by_hash(), again, deadline).await {
            Err(failure) if failure.says("NOSCRIPT") => {
                Box::pin(async { self.send(call.key, &call.by_source(), again, deadline).await }).await
            }
            done => done,
        }
    }

    /// Asks for a sign of life: of every master, in a cluster.
    pub(super) async fn ping(&self) -> Result<(), Failure> {
        let (ping, deadline) = (::redis::cmd("PING"), self.deadline());
        match &self.way {
            #[cfg(feature = "redis-cluster")]
            Way::Cluster(cluster) => cluster.ping(&ping, deadline).await,
            _ => self.send(&[], &ping, Again::Yes, deadline).await.map(drop),
        }
    }
}
