//! A request's session: the record that was loaded, and the operations on it so far.

use std::{collections::BTreeMap, sync::Arc};

#[cfg(feature = "device-bound")]
use http::HeaderValue;
use smallvec::SmallVec;

use crate::{
    error::Error,
    request::{Act, Commit, Dropped, Loaded, Opening, PendingEdits, Replay, SharedEdits, Ticket},
    store::{Raw, Record, State, StoreError, Timestamp},
};
#[cfg(feature = "device-bound")]
use crate::{request::device::DeviceProof, store::BoundDevice};

/// A loaded session.
pub(crate) struct LoadedSession {
    pub(crate) opening: Opening,
    pub(crate) edits: PendingEdits,
    /// The progress of the last commit.
    pub(super) attempt: Attempt,
    pub(super) ticket: Ticket,
    /// True if the token must be sent again with the response's head, because of an earlier `save`.
    pub(super) resends: bool,
    /// Asks the browser for its device's key, after a login.
    #[cfg(feature = "device-bound")]
    registration: Option<Box<HeaderValue>>,
    pub(crate) was_presented: bool,
    pub(super) usage: Usage,
    /// The closures of updates. They are kept so that none is dropped under the lock: an application's `Drop` may use
    /// the session.
    pub(super) closures: SmallVec<[Replay; 1]>,
    /// True if a change after the session's end was reported.
    pub(crate) is_end_told: bool,
}

/// The use that handlers made of a session.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Usage {
    /// It was only loaded: Actix Web loads before the handler.
    Loaded,
    /// A handler read or wrote it, so the response may depend on it.
    Used,
}

/// The progress of a commit of the pending operations.
pub(super) enum Attempt {
    /// No commit was begun, or the last one succeeded.
    None,
    /// A commit was begun, and has not ended.
    Running,
    /// The commit failed, and stored nothing.
    Failed,
    /// The commit's outcome stays unknown, so its operations are never applied again.
    Unknown(StoreError),
}

/// A raw value that a handler has read.
pub(crate) struct Seen {
    pub(crate) raw: Option<Raw>,
    /// As long as the operations have this version, the request sees the same value.
    version: u64,
}

/// See [`LoadedSession::owner_edits`].
type OwnerEdits = (Option<Option<Arc<str>>>, Option<String>, Option<(SharedEdits, State)>);

impl LoadedSession {
    /// Makes a session of which nothing is loaded. The load opens it in its place, because it is large to move.
    pub(crate) fn empty() -> Box<Self> {
        Box::new(Self {
            opening: Opening::of(Loaded::Nothing),
            edits: PendingEdits::default(),
            attempt: Attempt::None,
            ticket: Ticket::Keep,
            resends: false,
            #[cfg(feature = "device-bound")]
            registration: None,
            was_presented: false,
            usage: Usage::Loaded,
            closures: SmallVec::new(),
            is_end_told: false,
        })
    }

    pub(crate) fn raw(&self, key: &str) -> Option<&str> {
        self.edits.seen(key, self.opening.state())
    }

    pub(crate) fn entries(&self) -> BTreeMap<&str, &str> {
        self.edits.entries(self.opening.state())
    }

    pub(crate) fn insert(&mut self, key: &str, value: Raw) {
        self.edits.insert(key, value, self.opening.state());
    }

    /// Returns the raw value of a key, and the version of the operations that the request has seen.
    pub(crate) fn see(&self, key: &str) -> Seen {
        Seen { raw: self.raw(key).map(Raw::new), version: self.edits.version() }
    }

    /// Adds a step to another raw value if the request still sees what it has `seen`. Returns true if it does.
    pub(crate) fn update(&mut self, key: &str, seen: Seen, made: Option<Raw>, replay: Replay) -> bool {
        if self.edits.version() != seen.version && self.raw(key) != seen.raw.as_deref() {
            return false;
        }
        if matches!(replay, Replay::With(_)) {
            self.closures.push(replay.clone());
        }
        self.edits.update(key, seen.raw, made, replay);
        true
    }

    /// Returns true if the response needs a commit. A deadline that must move on is not counted.
    pub(super) fn must_commit(&self) -> bool {
        !self.edits.is_empty()
            || matches!(self.attempt, Attempt::Unknown(_))
            || self.resends
            || self.opening.is_reissue_due()
    }

    /// Begins a commit of the pending operations, and returns them.
    ///
    /// # Errors
    ///
    /// The outcome of an earlier commit stays unknown, so its operations must not be applied again. A purge does not
    /// depend on them.
    pub(super) fn begin_commit(&mut self) -> Result<SharedEdits, Error> {
        if let Attempt::Running = self.attempt {
            // The commit was dropped before its end, outside of a runtime in which it could go on.
            self.attempt = Attempt::Unknown(StoreError::new("an earlier commit was dropped before its end"));
        }
        if let Attempt::Unknown(error) = &self.attempt
            && !self.edits.hides_session()
        {
            return Err(error.clone().into());
        }
        self.attempt = Attempt::Running;
        Ok(self.edits.share())
    }

    /// Takes over the outcome of a commit.
    pub(super) fn end_commit(
        &mut self,
        commit: &mut Commit<'_>,
        result: Result<(), Error>,
    ) -> Result<Option<Dropped>, Error> {
        match std::mem::take(&mut commit.ticket) {
            Ticket::Keep => {}
            ticket => self.ticket = ticket,
        }
        if let Err(error) = result {
            self.attempt = commit.lost.take().map_or(Attempt::Failed, Attempt::Unknown);
            return Err(error);
        }
        if !commit.waits {
            self.edits.settle(&commit.asked, commit.opening.state());
        }
        self.attempt = Attempt::None;
        self.resends = commit.resends;
        #[cfg(feature = "device-bound")]
        if let Some(registration) = commit.registration.take() {
            self.registration = Some(registration);
        }
        if commit.dropped == Some(Dropped::Gone) && matches!(self.ticket, Ticket::Give(..)) {
            self.ticket = Ticket::Keep;
        }
        std::mem::swap(&mut self.opening, &mut commit.opening);
        Ok(commit.dropped)
    }

    /// Removes and returns the header that asks the browser for its device's key, if the session still waits for a device.
    #[cfg(feature = "device-bound")]
    pub(super) fn take_registration(&mut self) -> Option<Box<HeaderValue>> {
        let registration = self.registration.take()?;
        let binding = self.opening.record().and_then(Record::binding)?;
        binding.device.is_none().then_some(registration)
    }

    /// Returns the device that the request comes from: the session is bound to it, and the request has its proof.
    #[cfg(feature = "device-bound")]
    pub(crate) fn device(&self) -> Option<&BoundDevice> {
        let is_proven = self.opening.proof == DeviceProof::Live;
        self.visible().filter(|_| is_proven)?.binding()?.device.as_ref()
    }

    /// Takes over a record that was loaded again, unless there were operations since `version`. Returns true if it did.
    pub(super) fn adopt(&mut self, version: u64, rebased: SharedEdits, record: Record, now: Timestamp) -> bool {
        let is_current = self.edits.version() == version;
        if is_current {
            self.edits.adopt(rebased);
            self.opening.loaded = Loaded::Current(record);
            (self.opening.behind, self.opening.opened_at) = (None, now);
        }
        is_current
    }

    /// Removes and returns the closures if a commit has stored all operations. The caller drops them after the lock is
    /// released. `None` if there are operations left, some of which may need their closures.
    pub(super) fn settled_closures(&mut self) -> Option<SmallVec<[Replay; 1]>> {
        self.edits.is_settled().then(|| std::mem::take(&mut self.closures))
    }

    /// Removes and returns the closures that no update needs any more, after the commit is dropped.
    pub(super) fn spent_closures(&mut self) -> SmallVec<[Replay; 1]> {
        let mut spent = SmallVec::new();
        self.closures.retain(|closure| {
            let is_spent = closure.is_last();
            if is_spent {
                spent.push(closure.clone());
            }
            !is_spent
        });
        spent
    }

    /// Logs the user in. If the session has ended, the login begins a new one.
    pub(crate) fn log_in(&mut self, owner: Arc<str>, admitted: Option<Option<Timestamp>>) {
        let now = match &self.edits.owner {
            Some(owner) => owner.as_deref(),
            None => self.opening.record().and_then(|record| record.owner()),
        };
        if self.edits.act == Act::Purge {
            self.edits.end(Act::Restart);
        } else if now.is_some_and(|now| *now != *owner) && self.edits.act != Act::Restart {
            self.edits.start_over();
        }
        if self.edits.act != Act::Restart {
            self.edits.act = Act::Login;
        }
        (self.edits.owner, self.edits.admitted) = (Some(Some(owner)), admitted);
    }

    /// Returns the record, unless the request has purged the session.
    pub(crate) fn visible(&self) -> Option<&Record> {
        self.opening.record().filter(|_| !self.edits.hides_session())
    }

    /// Returns the owner that the request set and the owner that was loaded. With `has_key`, also returns the operations
    /// and the state, which may name another owner.
    pub(crate) fn owner_edits(&mut self, has_key: bool) -> OwnerEdits {
        let loaded = self.visible().and_then(Record::owner).map(str::to_owned);
        let written = has_key.then(|| (self.edits.share(), self.opening.state().clone()));
        (self.edits.owner.clone(), loaded, written)
    }

    /// Returns true if a commit found the session gone, and the request neither purged nor restarted it.
    pub(super) fn is_gone(&self) -> bool {
        self.opening.loaded == Loaded::Gone && matches!(self.edits.act, Act::Keep | Act::Renew)
    }

    /// Returns true if writes have no effect any more: the session is purged, and no other one has begun.
    pub(crate) fn has_ended(&self) -> bool {
        let begins_another = matches!(self.edits.act, Act::Restart | Act::Login);
        let has_ended = matches!(self.opening.loaded, Loaded::Ended | Loaded::Gone);
        self.edits.act == Act::Purge || (has_ended && !begins_another)
    }
}
