//! A state of the model: the store, a browser, an attacker, and the requests of both.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use super::{
    does::{ALICE, Does},
    kept::{Cookie, Kept},
    request::{Call, DeviceValues, Options},
    store::{Owed, Store},
};
use crate::{
    SessionId,
    store::{Credentials, Record, Secret, Standing, State, Timestamp, Token, dice},
};

mod request;

pub(super) use self::request::{Opened, Request, Stage};

/// The time at which a world begins, and at which a thief makes the copy.
const START: Timestamp = Timestamp::from_millis(1000);

#[allow(clippy::struct_excessive_bools)] // facts, and none excludes another
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct World {
    pub(super) options: Options,
    pub(super) now: Timestamp,
    pub(super) store: Store,
    /// Writes that may take effect at any time, because their senders gave up or the network repeats them.
    pub(super) packets: Vec<Packet>,
    /// The browser's one cookie slot.
    pub(super) jar: Option<Cookie>,
    /// All tokens that the attacker has known.
    pub(super) known: Vec<Cookie>,
    /// The browser's values of its bound session.
    pub(super) values: DeviceValues,
    /// The values that the attacker copied, or got.
    pub(super) copied: DeviceValues,
    /// True if the attacker knows the token of a logged-in session, which is theft and not fixation.
    pub(super) is_theft: bool,
    pub(super) requests: Vec<Request>,
    pub(super) left: Budget,
    /// True if there was a fault so far.
    pub(super) has_failed: bool,
    /// All deleted ids. This field and the following ones are for the invariants.
    pub(super) deleted: BTreeSet<SessionId>,
    /// The sessions in which changes were stored.
    pub(super) placed: BTreeMap<u8, SessionId>,
    /// The changes that a clear, or a login of another user, removed correctly.
    pub(super) cleared: BTreeSet<u8>,
    /// The faults of single writes.
    pub(super) broken: Broken,
    /// The number of renewals that were stored.
    pub(super) order: u8,
    /// The newest renewal whose answer arrived.
    pub(super) delivered: u8,
    /// True if the cookie in the jar may be another one than a login's.
    pub(super) is_excused: bool,
    /// True if the answer to a renewal never arrives.
    pub(super) is_answer_lost: bool,
    /// True if the browser was told of a login.
    pub(super) is_in: bool,
    /// True if a logout was requested.
    pub(super) is_out: bool,
    /// The sessions that "log out everywhere" has to end.
    pub(super) everywhere: Option<BTreeSet<SessionId>>,
    /// The index entries that a seeded bug must still write or remove.
    pub(super) owed: Owed,
}

/// A write that may still arrive.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Packet {
    pub(super) sender: usize,
    pub(super) call: Call,
}

/// The faults that may still occur.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Budget {
    /// Calls that fail, are lost, are late or are repeated, and crashes.
    pub(super) faults: u8,
    /// The number of times that the superseded window may pass.
    pub(super) windows: u8,
    /// The number of times that half the lifetime of a proof may pass.
    pub(super) proofs: u8,
}

/// The faults of a single write or a single handle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Break {
    Remade,
    Foreign,
    Unknown,
    Undone,
    Lost,
    Shown,
    Ran,
    NoSession,
    NoLogout,
    Thief,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Broken(u16);

impl Broken {
    pub(super) fn set(&mut self, what: Break, is_broken: bool) {
        self.0 |= u16::from(is_broken) << what as u16;
    }

    pub(super) fn has(self, what: Break) -> bool {
        self.0 >> what as u16 & 1 == 1
    }
}

/// The start of the browser's session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Start {
    Empty,
    Anonymous,
    LoggedIn,
}

impl World {
    /// Makes a world in which the attacker knows the browser's token.
    pub(super) fn new(start: Start, options: Options, left: Budget, browser: &[Does], attacker: &[Does]) -> Self {
        let (cookie, nonce) = dice::with(0, || {
            let token = Token::new(SessionId::random(), Secret::random());
            (Cookie::of(&token), crate::store::random_nonce())
        });
        let is_in = start == Start::LoggedIn;
        let (now, then) = (START, Timestamp::from_millis(60 * 60 * 1000));
        let user = (is_in && options.owner_key).then(|| ("user", format!("\"{ALICE}\"")));
        let state: State = user.into_iter().chain([("last", "0".to_owned())]).collect();
        let mut record = Record::new(Credentials::new(cookie.hash), state, Timestamp::from_millis(0), then);
        let body = record.body_mut();
        (body.nonce, body.rest.trail) = (nonce, Some([0; 4]));
        body.rest.owner = is_in.then(|| ALICE.into());
        let is_there = start != Start::Empty;
        #[cfg(feature = "device-bound")]
        let values = if is_in && options.devices {
            let (binding, values) = dice::with(200, || super::device::bound(&cookie.id, now));
            record.body_mut().rest.binding = Some(std::sync::Arc::new(binding));
            values
        } else {
            DeviceValues::default()
        };
        #[cfg(not(feature = "device-bound"))]
        let values = DeviceValues::default();
        let mut store = Store::default();
        if is_there {
            store.put(cookie.id, Kept::of(record));
        }
        let who = browser.iter().map(|does| (*does, false)).chain(attacker.iter().map(|does| (*does, true)));
        let requests = who.zip(1..).map(|((does, is_attack), number)| Request::new(number, does, is_attack));
        Self {
            options,
            now,
            store,
            packets: Vec::new(),
            jar: is_there.then_some(cookie),
            known: (is_there && !attacker.is_empty()).then_some(cookie).into_iter().collect(),
            copied: if attacker.is_empty() { DeviceValues::default() } else { values.clone() },
            values,
            is_theft: is_in && !attacker.is_empty(),
            requests: requests.collect(),
            left,
            has_failed: false,
            deleted: BTreeSet::new(),
            placed: BTreeMap::new(),
            cleared: BTreeSet::new(),
            broken: Broken::default(),
            order: 0,
            delivered: 0,
            is_excused: false,
            is_answer_lost: false,
            is_in: false,
            is_out: false,
            everywhere: None,
            owed: Owed::new(),
        }
    }

    /// Returns the time by a request's own clock.
    pub(super) fn clock(&self, at: usize) -> Timestamp {
        let is_ahead = self.requests.get(at).is_some_and(|request| request.number % 2 == 1);
        if is_ahead { self.now.plus(self.options.skew) } else { self.now }
    }

    /// Returns the record that a cookie names, and the standing of the cookie in it.
    pub(super) fn look(&self, cookie: Option<&Cookie>) -> Option<(&Kept, Standing)> {
        let cookie = cookie?;
        let kept = self.store.get(&cookie.id).filter(|kept| !self.store.is_revoked(kept))?;
        Some((kept, kept.standing(&cookie.hash, self.now)))
    }

    pub(super) fn opens(&self, cookie: Option<&Cookie>) -> Option<&Kept> {
        self.look(cookie).filter(|(_, standing)| *standing == Standing::Current).map(|(record, _)| record)
    }

    /// Returns true if no request is in progress.
    pub(super) fn is_quiet(&self) -> bool {
        let is_under_way = |stage: &Stage| matches!(stage, Stage::Running(_) | Stage::Answered(_));
        !self.requests.iter().any(|request| is_under_way(&request.stage))
    }

    /// Returns true if a thief's copy of the proof, which was made at the start, may be live at this time.
    pub(super) fn is_copy_live(&self, time: Timestamp) -> bool {
        #[cfg(feature = "device-bound")]
        let lifetime = *super::device::LIFETIME;
        #[cfg(not(feature = "device-bound"))]
        let lifetime = Duration::MAX;
        !self.options.devices || time.since(START) < lifetime
    }

    #[cfg(feature = "device-bound")]
    pub(super) fn pass_proof(&mut self) {
        self.now = self.now.plus(*super::device::LIFETIME / 2);
    }

    pub(super) fn pass_window(&mut self) {
        self.now = self.now.plus(Duration::from_secs(61));
    }
}
