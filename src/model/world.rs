//! A state of the model: the store, a browser, an attacker, and the requests of both.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use super::{
    dice,
    invariants::is_users,
    kept::{Cookie, Kept},
    request::{Answer, Does, Next, Step},
};
use crate::{
    Credentials, OnStoreError, Record, SessionId, Standing, State, Timestamp,
    token::{Secret, Token},
};

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct World {
    pub(super) now: Timestamp,
    pub(super) store: BTreeMap<SessionId, Kept>,
    /// The browser's one cookie slot.
    pub(super) jar: Option<Cookie>,
    /// What the attacker has ever known.
    pub(super) known: Vec<Cookie>,
    pub(super) requests: Vec<Request>,
    pub(super) left: Budget,
    /// For the invariants: what was ever deleted.
    pub(super) deleted: BTreeSet<SessionId>,
    /// For the invariants: the secrets of renewals whose answers were lost.
    pub(super) lost: BTreeSet<[u8; 32]>,
    /// For the invariants: whether the browser was told of a login, and nothing since may undo it.
    pub(super) is_promised: bool,
    /// For the invariants: whether the cookie in the jar rightly replaced a login's, or may have.
    pub(super) is_undone: bool,
}

/// What may still go wrong.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Budget {
    /// Store errors, before or after the store did it, and crashes.
    pub(super) faults: u8,
    /// Replies that are lost on the way to a store's client, which then asks again.
    pub(super) retries: u8,
    /// How often the superseded window passes.
    pub(super) windows: u8,
}

#[allow(clippy::struct_excessive_bools)] // four facts, and none excludes another
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Request {
    pub(super) number: u8,
    pub(super) does: Does,
    pub(super) is_attack: bool,
    pub(super) policy: OnStoreError,
    /// What it presented.
    pub(super) cookie: Option<Cookie>,
    pub(super) stage: Stage,
    pub(super) opened: Opened,
    /// The session it opened, or the one it has created.
    pub(super) target: Option<SessionId>,
    /// Whether it was committed before a login was, and not yet delivered.
    pub(super) is_older: bool,
    /// Whether it was sent before a login's answer arrived, and not yet delivered then.
    pub(super) is_early: bool,
    /// Whether the store's client asks for the same again.
    pub(super) is_retried: bool,
    /// What a seeded bug has put off.
    pub(super) owed: Option<SessionId>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Stage {
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

/// What the load found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Opened {
    NotYet,
    Failed,
    Nothing,
    Current(SessionId),
    Superseded(SessionId),
}

/// How the browser's session began.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Start {
    Empty,
    Anonymous,
    LoggedIn,
}

impl World {
    /// The attacker knows the token of an anonymous session: that is fixation.
    pub(super) fn new(start: Start, left: Budget, browser: &[Does], attacker: &[Does]) -> Self {
        let cookie = dice::with(0, || Cookie::of(&Token { id: SessionId::random(), secret: Secret::random() }));
        let mut record = Record::new(
            Credentials::new(cookie.hash),
            State::default(),
            Timestamp::from_millis(0),
            Timestamp::from_millis(60 * 60 * 1000),
        );
        if start == Start::LoggedIn {
            record.body_mut().rest.owner = Some("alice".into());
        }
        let is_there = start != Start::Empty;
        let who = browser.iter().map(|does| (*does, false)).chain(attacker.iter().map(|does| (*does, true)));
        let requests = who.zip(1..).map(|((does, is_attack), number)| Request::new(number, does, is_attack));
        Self {
            now: Timestamp::from_millis(1000),
            store: is_there.then(|| (cookie.id, Kept::of(record))).into_iter().collect(),
            jar: is_there.then_some(cookie),
            known: (start == Start::Anonymous && !attacker.is_empty()).then_some(cookie).into_iter().collect(),
            requests: requests.collect(),
            left,
            deleted: BTreeSet::new(),
            lost: BTreeSet::new(),
            is_promised: false,
            is_undone: false,
        }
    }

    /// The record that a cookie names, and what the cookie is to it.
    pub(super) fn look(&self, cookie: Option<&Cookie>) -> Option<(&Record, Standing)> {
        let cookie = cookie?;
        let record = &*self.store.get(&cookie.id)?.record;
        Some((record, record.standing(&cookie.hash, self.now)))
    }

    pub(super) fn opens(&self, cookie: Option<&Cookie>) -> Option<&Record> {
        self.look(cookie).filter(|(_, standing)| *standing == Standing::Current).map(|(record, _)| record)
    }

    /// Whether nothing of the browser's is under way.
    pub(super) fn is_quiet(&self) -> bool {
        let is_under_way = |stage: &Stage| matches!(stage, Stage::Running(_) | Stage::Answered(_));
        !self.requests.iter().any(|request| !request.is_attack && is_under_way(&request.stage))
    }

    /// Whether a cookie that comes with this answer may rightly replace a login's.
    ///
    /// There is one slot, and the server does not see what is on the way. So there are three cases: the answer was made
    /// before the login's; its request had no session, and began one; its request was sent before the login's answer
    /// arrived, and renewed a session that nobody logged in to.
    pub(super) fn may_undo_login(&self, at: usize) -> bool {
        let request = &self.requests[at];
        let is_users = request.target.and_then(|id| self.store.get(&id)).is_some_and(|kept| is_users(&kept.record));
        request.is_older || request.opened == Opened::Nothing || (request.is_early && !is_users)
    }

    pub(super) fn pass_window(&mut self) {
        self.now = self.now.plus(Duration::from_secs(11));
    }
}

impl Request {
    pub(super) fn new(number: u8, does: Does, is_attack: bool) -> Self {
        Self {
            number,
            does,
            is_attack,
            policy: OnStoreError::Fail,
            cookie: None,
            stage: Stage::Unsent,
            opened: Opened::NotYet,
            target: None,
            is_older: false,
            is_early: false,
            is_retried: false,
            owed: None,
        }
    }

    pub(super) fn key(&self) -> Option<&'static str> {
        self.does.key(self.number)
    }

    pub(super) fn next(&self) -> Option<&Next> {
        match &self.stage {
            Stage::Running(step) => Some(&step.next),
            _ => None,
        }
    }

    pub(super) fn is_sent(&self) -> bool {
        self.stage != Stage::Unsent
    }

    pub(super) fn is_over(&self) -> bool {
        matches!(self.stage, Stage::Over { .. } | Stage::Crashed)
    }

    /// Whether the server answered that all is well.
    pub(super) fn is_acknowledged(&self) -> bool {
        match &self.stage {
            Stage::Answered(answer) => answer.is_ok,
            Stage::Over { is_ok, .. } => *is_ok,
            Stage::Unsent | Stage::Running(_) | Stage::Crashed => false,
        }
    }
}
