//! The connection of a store.

use ::redis::{Cmd, Value};

#[cfg(feature = "redis-cluster")]
use super::cluster::Cluster;
use super::{
    failure::Failure,
    limits::{Budget, Timeouts},
    provided::ProvidedConnection,
    script::Call,
    server::ServerConnection,
};

/// The connection of a store.
#[derive(Debug)]
pub(super) struct Connection {
    route: Route,
    timeouts: Timeouts,
}

#[derive(Debug)]
pub(super) enum Route {
    /// One connection: to a server, or to the master that sentinels name.
    Server(Box<ServerConnection>),
    /// A connection to each master.
    #[cfg(feature = "redis-cluster")]
    Cluster(Box<Cluster>),
    /// A connection or a pool of the application.
    Provided(ProvidedConnection),
}

/// The kind of a command. It decides what happens after a reply was lost or late.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    /// It is sent once more.
    Read,
    /// It is never sent twice. Its outcome is then unknown, and the core finds out.
    Write,
}

impl Connection {
    pub(super) fn new(route: Route, timeouts: Timeouts) -> Self {
        Self { route, timeouts }
    }

    /// Returns the time budget of a call of the store that begins now.
    pub(super) fn budget(&self) -> Budget {
        self.timeouts.budget()
    }

    /// Returns true if the keys are spread over several servers.
    pub(super) fn is_cluster(&self) -> bool {
        !matches!(&self.route, Route::Server(_) | Route::Provided(_))
    }

    /// Sends a command on one key.
    pub(super) async fn send(
        &self,
        #[cfg_attr(not(feature = "redis-cluster"), allow(unused_variables))] key: &[u8],
        command: &Cmd,
        access: Access,
        budget: Budget,
    ) -> Result<Value, Failure> {
        match &self.route {
            Route::Server(server) => server.send(command, access, budget).await,
            #[cfg(feature = "redis-cluster")]
            Route::Cluster(cluster) => Box::pin(cluster.send(key, command, access, budget)).await,
            Route::Provided(provided) => provided.send(command, access, budget).await,
        }
    }

    /// Calls a script by its hash. Sends its source if the server does not know it, for example because it is new, was a
    /// replica, or lost its scripts to `SCRIPT FLUSH`.
    pub(super) async fn call(&self, call: &Call<'_>, budget: Budget) -> Result<Value, Failure> {
        self.run(call, Access::Write, budget).await
    }

    /// Calls a script that writes nothing with these arguments.
    #[cfg(feature = "formats")]
    pub(super) async fn read(&self, call: &Call<'_>, budget: Budget) -> Result<Value, Failure> {
        self.run(call, Access::Read, budget).await
    }

    async fn run(&self, call: &Call<'_>, access: Access, budget: Budget) -> Result<Value, Failure> {
        match self.send(call.key, call.by_hash(), access, budget).await {
            Err(failure) if failure.says("NOSCRIPT") => {
                Box::pin(async { self.send(call.key, &call.by_source(), access, budget.next()).await }).await
            }
            done => done,
        }
    }

    /// Returns whether to try the server's own compare-and-set. It is tried on connections to one server only.
    pub(super) fn tries_if_equal(&self) -> bool {
        matches!(&self.route, Route::Server(server) if server.tries_if_equal())
    }

    /// Remembers that the server has no compare-and-set.
    pub(super) fn has_no_if_equal(&self) {
        if let Route::Server(server) = &self.route {
            server.has_no_if_equal();
        }
    }

    /// Sends `PING`, in a cluster to every master.
    pub(super) async fn ping(&self) -> Result<(), Failure> {
        let (ping, budget) = (::redis::cmd("PING"), self.budget());
        match &self.route {
            #[cfg(feature = "redis-cluster")]
            Route::Cluster(cluster) => cluster.ping(&ping, budget).await,
            _ => self.send(&[], &ping, Access::Read, budget).await.map(drop),
        }
    }
}
