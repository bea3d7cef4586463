//! A request's session: the record as it was loaded, and the operations on it so far.

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    request::{Act, Loaded, Pending, Replay, Ticket, Visit},
    store::{Raw, StoreError, Timestamp},
};

/// A loaded session.
pub(crate) struct Inner {
    pub(crate) visit: Visit,
    pub(crate) ops: Pending,
    /// The progress of the last commit.
    pub(super) attempt: Attempt,
    pub(super) ticket: Ticket,
    /// The token must be sent again with the response's head, because of an earlier `save`.
    pub(super) resends: bool,
    pub(crate) was_presented: bool,
    /// The closures of updates. They are kept, so that none is dropped under the lock: a user's `Drop` may use the session.
    closures: Vec<Replay>,
    /// A change after the session's end was reported.
    pub(crate) is_end_told: bool,
}

/// A commit of the pending operations.
pub(super) enum Attempt {
    /// None was begun, or the last one succeeded.
    None,
    /// It was begun, and has not ended.
    Running,
    /// It failed, and stored nothing.
    Failed,
    /// Its outcome stays unknown, so its operations are never applied again.
    Unknown(StoreError),
}

impl Inner {
    pub(super) fn of(visit: Visit) -> Self {
        let was_presented = visit.record().is_some();
        Self {
            visit,
            ops: Pending::default(),
            attempt: Attempt::None,
            ticket: Ticket::Keep,
            resends: false,
            was_presented,
            closures: Vec::new(),
            is_end_told: false,
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
        let kept = replay.clone();
        let is_taken = self.ops.update(key, self.visit.state(), seen, made, replay);
        if is_taken && matches!(kept, Replay::With(_)) {
            self.closures.push(kept);
        }
        is_taken
    }

    /// Removes and returns the closures that no update needs any more. The caller drops them without the lock.
    pub(super) fn spent_closures(&mut self) -> Vec<Replay> {
        self.closures.extract_if(.., |closure| closure.is_last()).collect()
    }

    /// Logs the user in. If the session has ended, the login begins a new one.
    pub(crate) fn log_in(&mut self, owner: Arc<str>, admitted: Option<Option<Timestamp>>) {
        let now = match &self.ops.owner {
            Some(owner) => owner.as_deref(),
            None => self.visit.record().and_then(|record| record.owner()),
        };
        if self.ops.act == Act::Purge {
            self.ops.end(Act::Restart);
        } else if now.is_some_and(|now| *now != *owner) && self.ops.act != Act::Restart {
            self.ops.start_over();
        }
        if self.ops.act != Act::Restart {
            self.ops.act = Act::Login;
        }
        (self.ops.owner, self.ops.admitted) = (Some(Some(owner)), admitted);
    }

    /// Returns whether the session was found gone, and nothing else was asked for than to change it.
    pub(super) fn is_gone(&self) -> bool {
        self.visit.loaded == Loaded::Gone && matches!(self.ops.act, Act::Keep | Act::Renew)
    }

    /// Returns whether writes have no effect any more: the session is purged, and no other one begun.
    pub(crate) fn has_ended(&self) -> bool {
        let begins_another = matches!(self.ops.act, Act::Restart | Act::Login);
        let has_ended = matches!(self.visit.loaded, Loaded::Ended | Loaded::Gone);
        self.ops.act == Act::Purge || (has_ended && !begins_another)
    }
}
