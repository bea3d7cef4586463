//! One request of a world.

use crate::{
    SessionId,
    model::{
        does::Does,
        kept::{Cookie, Kept},
        replay::Step,
        request::{Answer, Next, Reply},
    },
    store::Timestamp,
};

#[allow(clippy::struct_excessive_bools)] // facts, and none excludes another
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(in crate::model) struct Request {
    pub(in crate::model) number: u8,
    pub(in crate::model) does: Does,
    pub(in crate::model) is_attack: bool,
    /// The token that it presented.
    pub(in crate::model) cookie: Option<Cookie>,
    pub(in crate::model) stage: Stage,
    pub(in crate::model) opened: Opened,
    /// The record on which its handle is open: as it was loaded, or as the request wrote it.
    pub(in crate::model) seat: Option<Kept>,
    /// The session that it opened or created.
    pub(in crate::model) target: Option<SessionId>,
    /// The time of its load, or of the last time at which its handler continued.
    pub(in crate::model) begun: Timestamp,
    pub(in crate::model) acknowledged: Vec<u8>,
    pub(in crate::model) is_dropped: bool,
    /// The number of its renewal among all. 0 if there is none.
    pub(in crate::model) order: u8,
    /// The number of renewals that were stored when it was answered.
    pub(in crate::model) committed: u8,
    /// True if the presented cookie could be another one than a login's.
    pub(in crate::model) is_excused: bool,
    /// True if it was sent before a login's answer arrived, and was not answered by then.
    pub(in crate::model) is_early: bool,
    /// True if its load has asked for the epoch.
    pub(in crate::model) is_judged: bool,
    /// True if the password was checked before "log out everywhere" began.
    pub(in crate::model) is_checked_before: bool,
    /// True if a delete of its own has failed, so that the sessions that it drew may stay.
    pub(in crate::model) is_littered: bool,
    /// The delete that a seeded bug has put off.
    pub(in crate::model) put_off: Option<SessionId>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(in crate::model) enum Stage {
    Unsent,
    Running(Step),
    /// Its answer is on the way.
    Answered(Answer),
    Over {
        is_ok: bool,
        sets_cookie: bool,
    },
    Crashed,
}

/// The outcome of the load.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in crate::model) enum Opened {
    NotYet,
    Failed,
    Nothing,
    Current(SessionId),
    Superseded(SessionId),
    /// The session is bound to a device, and the request brought no live proof.
    Unproven,
}

impl Request {
    pub(in crate::model) fn new(number: u8, does: Does, is_attack: bool) -> Self {
        Self {
            number,
            does,
            is_attack,
            cookie: None,
            stage: Stage::Unsent,
            opened: Opened::NotYet,
            seat: None,
            target: None,
            begun: Timestamp::default(),
            acknowledged: Vec::new(),
            is_dropped: false,
            order: 0,
            committed: 0,
            is_excused: false,
            is_early: false,
            is_judged: false,
            is_checked_before: false,
            is_littered: false,
            put_off: None,
        }
    }

    pub(in crate::model) fn next(&self) -> Option<&Next> {
        match &self.stage {
            Stage::Running(step) => Some(step.next()),
            _ => None,
        }
    }

    pub(in crate::model) fn last_reply(&self) -> Option<&Reply> {
        match &self.stage {
            Stage::Running(step) => step.run.replies.last().map(|(_, reply)| reply),
            _ => None,
        }
    }

    /// Returns true if a renewal of its own was stored.
    pub(in crate::model) fn is_renewal(&self) -> bool {
        self.order != 0
    }

    /// Returns the renewal that its answer belongs to, or comes after.
    pub(in crate::model) fn place(&self) -> u8 {
        if self.is_renewal() { self.order } else { self.committed }
    }

    pub(in crate::model) fn is_sent(&self) -> bool {
        self.stage != Stage::Unsent
    }

    /// Returns true if the server has answered. A crashed server never does.
    pub(in crate::model) fn is_answered(&self) -> bool {
        matches!(self.stage, Stage::Answered(_) | Stage::Over { .. })
    }

    /// Returns true if the server answered with success.
    pub(in crate::model) fn is_acknowledged(&self) -> bool {
        match &self.stage {
            Stage::Answered(answer) => answer.is_ok,
            Stage::Over { is_ok, .. } => *is_ok,
            Stage::Unsent | Stage::Running(_) | Stage::Crashed => false,
        }
    }
}
