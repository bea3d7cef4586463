//! A request, its calls and its answer.

use std::{sync::Arc, time::Duration};

use super::{
    does::Does,
    kept::{Cookie, Kept},
};
use crate::{SessionId, store::Timestamp};

/// The options of all layers of a world.
#[allow(clippy::struct_excessive_bools)] // facts, and none excludes another
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Options {
    /// True if the owner is the value under a state key.
    pub(super) owner_key: bool,
    /// True if `owner_valid_from` is set. "Log out everywhere" then moves it first.
    pub(super) epochs: bool,
    /// The time by which the clocks of requests with odd numbers are ahead.
    pub(super) skew: Duration,
    /// True if requests go on without the store.
    pub(super) anonymous: bool,
    /// True if sessions are bound to devices.
    pub(super) devices: bool,
}

/// The values of a bound session that a client has beside its token.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct DeviceValues {
    /// The value of the proof cookie.
    pub(super) proof: Option<Arc<str>>,
    /// The newest challenge.
    pub(super) challenge: Option<Arc<str>>,
}

impl DeviceValues {
    /// Takes over the values of an answer.
    pub(super) fn learn(&mut self, answer: &Self) {
        for (own, new) in [(&mut self.proof, &answer.proof), (&mut self.challenge, &answer.challenge)] {
            if new.is_some() {
                own.clone_from(new);
            }
        }
    }
}

/// A request so far: everything that decides its next step.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Run {
    pub(super) number: u8,
    pub(super) does: Does,
    pub(super) options: Options,
    pub(super) cookie: Option<Cookie>,
    pub(super) values: DeviceValues,
    pub(super) sent: Timestamp,
    /// The replies of the store so far, with their times by the request's own clock.
    pub(super) replies: Vec<(Timestamp, Reply)>,
}

/// The call for whose reply a request waits.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Call {
    Load(SessionId),
    Create(SessionId, Kept),
    /// The number is the nonce of the base.
    Replace(SessionId, u64, Kept),
    Delete(SessionId, Option<u64>),
    List,
    /// The layer asks for `owner_valid_from`.
    Epoch(String),
    /// The handler asks for `owner_valid_from`, before it checks the password.
    Check,
    MoveEpoch,
    /// The handler holds its session for a while.
    Hold,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Reply {
    Found(Kept),
    Missing,
    Done,
    Taken,
    Changed(Kept),
    /// The second record, as a seeded bug changes it.
    Forged(Kept, Kept),
    Gone,
    Listed(Vec<(SessionId, Kept)>),
    Epoch(Option<Timestamp>),
    /// The outcome is unknown.
    Unknown,
    /// It was not done, and never will be.
    NotDone,
}

/// Shows calls in counterexamples.
impl Call {
    pub(super) fn brief(&self) -> String {
        match self {
            Self::Create(id, kept) => format!("create {id} {}", kept.brief()),
            Self::Replace(id, base, kept) => format!("replace {id} {base:x} by {}", kept.brief()),
            other => format!("{other:?}"),
        }
    }
}

impl Reply {
    pub(super) fn brief(&self) -> String {
        match self {
            Self::Found(kept) => format!("found {}", kept.brief()),
            Self::Changed(kept) => format!("changed {}", kept.brief()),
            Self::Listed(listed) => format!("listed {}", listed.len()),
            other => format!("{other:?}"),
        }
    }
}

/// A request's progress so far, and its next step.
#[allow(clippy::struct_excessive_bools)] // facts, and none excludes another
#[derive(Clone, Debug)]
pub(super) struct Progress {
    pub(super) next: Next,
    /// The marks of changes that were reported as stored.
    pub(super) acknowledged: Vec<u8>,
    /// True if the handle has shown a state that its token did not open.
    pub(super) has_shown: bool,
    /// True if a closure has run on such a state.
    pub(super) has_run: bool,
    /// True if writes of the last commit were dropped.
    pub(super) is_dropped: bool,
    /// True if the layer missed the proof of the device.
    pub(super) is_unproven: bool,
    /// The time of the request, if its handler got a session of [`ALICE`](super::does::ALICE).
    pub(super) opened_at: Option<Timestamp>,
}

#[derive(Clone, Debug)]
pub(super) enum Next {
    Call(Call),
    Answer(Answer),
}

/// The answer that the client gets.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Answer {
    pub(super) is_ok: bool,
    pub(super) cookie: SetCookie,
    pub(super) values: DeviceValues,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum SetCookie {
    Nothing,
    Set(Cookie),
    Remove,
}
