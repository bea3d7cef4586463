//! What a request has loaded, and done to it so far.

use std::collections::BTreeMap;

use crate::{
    commit::Ticket,
    open::Visit,
    ops::{Act, Attempts, Pending, Replay},
    plan::Loaded,
    raw::Raw,
};

/// A loaded session.
pub(crate) struct Inner {
    pub(crate) visit: Visit,
    pub(crate) ops: Pending,
    pub(super) attempts: Attempts,
    pub(super) ticket: Ticket,
    /// Whether the token is to be sent again when the head leaves, for what a save did.
    pub(super) resends: bool,
    pub(crate) was_presented: bool,
}

impl Inner {
    pub(super) fn of(visit: Visit) -> Self {
        let was_presented = visit.record().is_some();
        Self {
            visit,
            ops: Pending::default(),
            attempts: Attempts::default(),
            ticket: Ticket::Keep,
            resends: false,
            was_presented,
        }
    }

    pub(crate) fn raw(&self, key: &str) -> Option<&str> {
        self.ops.view(key, self.visit.state()).value()
    }

    pub(crate) fn entries(&self) -> BTreeMap<&str, &str> {
        self.ops.entries(self.visit.state())
    }

    pub(crate) fn insert(&mut self, key: &str, value: Raw) {
        self.ops.insert(key, value, self.visit.state());
    }

    pub(crate) fn update(&mut self, key: &str, seen: Option<Raw>, made: Option<Raw>, replay: Replay) -> bool {
        self.ops.update(key, self.visit.state(), seen, made, replay)
    }

    /// Whether writes have no effect any more: the session is purged, and no other one begun.
    pub(crate) fn has_ended(&self) -> bool {
        self.ops.act == Act::Purge || (self.visit.loaded == Loaded::Ended && self.ops.act != Act::Restart)
    }
}
