//! Opens the session that a request's tokens name.

#[cfg(feature = "device-bound")]
use super::device::{DeviceProof, proof_of};
use crate::{
    client::{KeyAge, Opened, Refused},
    config::{Config, Event, OnStoreError, Rejection, Successor, Way},
    error::Error,
    request::{
        Claim, Loaded, Presented, Verdict, judge, revoked_by_owner,
        successor::{Followed, Moved},
    },
    store::{Record, SessionId, State, StoreError, Timestamp, Token},
};

mod look;

pub(crate) use self::look::look;

/// The number of claims of one request that are looked up, not counting malformed and forged ones.
const MAX_CLAIMS: usize = 4;

/// The outcome of looking up a request's claims.
#[derive(Clone)]
pub(crate) struct Opening {
    pub(crate) loaded: Loaded,
    /// The token of the record that was loaded.
    pub(crate) token: Option<Token>,
    /// The place of its backend. A session that is not stored yet begins in the primary one.
    pub(crate) at: usize,
    /// The way by which that token came. If nothing was loaded: the way of the first well-formed claim.
    pub(crate) way: Option<Way>,
    /// The age of the key with which that token was made.
    pub(crate) key: KeyAge,
    /// The record in the store, if handlers see an older one: a renewal overtook the request, and its writes were merged
    /// into the renewed session.
    pub(crate) behind: Option<Record>,
    /// The time of the load, or of the last commit that found the token current.
    pub(crate) opened_at: Timestamp,
    /// The session that this one becomes, if it moves to another store.
    pub(crate) successor: Option<Box<Successor>>,
    /// The proof of the device to which the session is bound.
    #[cfg(feature = "device-bound")]
    pub(crate) proof: DeviceProof,
    /// Boxed, because few requests have any.
    pub(crate) beside: Option<Box<Beside>>,
    /// The number of claims that were looked at.
    tried: usize,
    /// The number of those that were neither malformed nor forged.
    counted: usize,
    /// The place of the backend that is asked next about the claim that was looked at last.
    next: usize,
}

/// A claim that was looked at.
pub(crate) struct Next<'c> {
    pub(crate) opened: Result<Opened, Refused>,
    /// The place of the backend whose form it has.
    pub(crate) at: usize,
    pub(crate) value: &'c [u8],
    /// The way by which it came.
    pub(crate) way: Way,
}

/// Other records that a request's claims name.
#[derive(Clone, Default)]
pub(crate) struct Beside {
    /// The tokens that were superseded on a record, the place of its backend, and the time of that load.
    pub(crate) superseded: Vec<(Token, usize, Timestamp)>,
    /// The records that could not be read.
    pub(crate) unreadable: Vec<(usize, Token)>,
    pub(crate) cause: Option<StoreError>,
}

impl Opening {
    pub(crate) fn of(loaded: Loaded) -> Self {
        Self {
            loaded,
            token: None,
            at: 0,
            way: None,
            key: KeyAge::Current,
            behind: None,
            opened_at: Timestamp::default(),
            successor: None,
            #[cfg(feature = "device-bound")]
            proof: DeviceProof::default(),
            beside: None,
            tried: 0,
            counted: 0,
            next: 0,
        }
    }

    /// Opens the next well-formed claim. Forged claims do not count towards the limit.
    #[inline]
    pub(crate) fn open_next<'c>(&mut self, config: &Config, claims: &'c [Claim]) -> Option<Next<'c>> {
        while self.counted < MAX_CLAIMS || self.next > 0 {
            let claim = claims.get(self.tried)?;
            let from = std::mem::take(&mut self.next);
            self.tried += 1;
            let (opened, at) = config.open(&claim.value, from);
            match opened {
                Err(Refused::Malformed) => {}
                opened => {
                    self.counted += usize::from(from == 0 && opened.is_ok());
                    self.way.get_or_insert(claim.way);
                    return Some(Next { opened, at, value: &claim.value, way: claim.way });
                }
            }
        }
        None
    }

    /// Has the last claim looked up in the backend after `at`, because the one at `at` does not know it. Returns false if
    /// no further backend can have it.
    pub(crate) fn pass_on(&mut self, config: &Config, at: usize, value: &[u8]) -> bool {
        let is_possible = at < config.others.len() && config.open(value, at + 1).0.is_ok();
        if is_possible {
            self.tried = self.tried.saturating_sub(1);
            self.next = at + 1;
        }
        is_possible
    }

    /// Notes a record that cannot be read.
    #[cold]
    fn note_unreadable(&mut self, config: &Config, at: usize, token: Token, error: StoreError) {
        let id = token.id;
        tracing::error!(%id, error = &error as &(dyn std::error::Error + 'static), "session record unreadable");
        config.emit(&Event::Rejected { id, reason: Rejection::Undecodable });
        let beside = self.beside.get_or_insert_default();
        beside.unreadable.push((at, token));
        beside.cause.get_or_insert(error);
    }

    /// Notes a token that is superseded on its record. The first one is opened as superseded.
    #[cold]
    fn note_superseded(
        &mut self,
        config: &Config,
        found: Moved,
        successor: Option<Box<Successor>>,
        way: Way,
        now: Timestamp,
    ) {
        let Moved { at, token, record } = found;
        config.emit(&Event::Rejected { id: token.id, reason: Rejection::Superseded });
        if self.token.is_none() {
            self.loaded = Loaded::Superseded(record);
            self.token = Some(token.clone());
            self.at = at;
            self.successor = successor;
            self.way = Some(way);
            self.opened_at = now;
        }
        self.beside.get_or_insert_default().superseded.push((token, at, now));
    }

    /// Goes on with the session that this one has become.
    pub(crate) fn switch(&mut self, moved: Moved) -> Record {
        let Moved { at, token, record } = moved;
        (self.at, self.token, self.key, self.successor, self.behind) = (at, Some(token), KeyAge::Previous, None, None);
        record
    }

    /// Returns the record that the store has, as far as this request knows.
    pub(crate) fn base(&self) -> Option<&Record> {
        self.behind.as_ref().or_else(|| self.record())
    }

    /// Returns the record that the session is open on.
    pub(crate) fn record(&self) -> Option<&Record> {
        match &self.loaded {
            Loaded::Current(record) => Some(record),
            Loaded::Nothing
            | Loaded::Superseded(_)
            | Loaded::Undecodable
            | Loaded::Unproven
            | Loaded::Unavailable
            | Loaded::Ended
            | Loaded::Gone => None,
        }
    }

    /// Returns the state that handlers see.
    pub(crate) fn state(&self) -> &State {
        self.record().map_or(State::empty(), Record::state)
    }

    /// Returns whether the client holds a session under a key that is not the current one.
    pub(crate) fn is_reissue_due(&self) -> bool {
        self.key != KeyAge::Current && self.record().is_some()
    }

    pub(crate) fn id(&self) -> Option<SessionId> {
        self.token.as_ref().map(|token| token.id)
    }
}

/// Looks up the claims until one opens a session. A forged, superseded, unknown or unreadable claim does not end the
/// search.
///
/// It is one flat future that writes into `opening`, because each nested future would be moved as a whole for every
/// request.
pub(crate) async fn open(config: &Config, presented: &Presented, opening: &mut Opening) -> Result<(), Error> {
    while let Some(Next { opened, at, value, way }) = opening.open_next(config, &presented.claims) {
        let Ok(Opened { token, record, key }) = opened else {
            config.emit(&Event::Forged);
            continue;
        };
        #[cfg(feature = "formats")]
        let key = config.age_at(at, key);
        let (mut at, mut id, mut token, mut key, now) = (at, token.id, token.hashed(), key, config.now());
        let mut found = match config.backend_at(at).load(&token, record).await {
            Ok(found) => found,
            Err(error) if error.is_undecodable() => {
                opening.note_unreadable(config, at, token, error);
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        if found.is_none() && opening.pass_on(config, at, value) {
            continue;
        }
        let mut successor = None;
        if config.moves.is_some() {
            let looked = Box::pin(look(config, at, &token, Some(value), found, now)).await?;
            match looked {
                (Followed::Moved(moved), _) => {
                    let Moved { at: to, token: becomes, record } = *moved;
                    // The renewal with which it moved failed, or its response was lost.
                    key = if key.is_once() { key } else { KeyAge::Previous };
                    (at, id, token, found) = (to, becomes.id, becomes, Some(record));
                }
                (Followed::Stays(stays), becomes) => (found, successor) = (stays, becomes),
                (Followed::Ended, _) => found = None,
            }
        }
        let mut verdict = judge(config, &token, found.as_ref(), now);
        if config.owner_valid_from.is_some() {
            verdict = Box::pin(revoked_by_owner(config, verdict, found.as_ref())).await?;
        }
        #[cfg(feature = "device-bound")]
        if let (Verdict::Opens, Some(record)) = (verdict, &found) {
            let proof = proof_of(config, presented, &id, record, now);
            if proof == DeviceProof::Missing {
                // The token may be the owner's own, so no other one is put in its place.
                if opening.token.is_none() {
                    (opening.loaded, opening.opened_at) = (Loaded::Unproven, now);
                    (opening.token, opening.at, opening.way) = (Some(token), at, Some(way));
                }
                continue;
            }
            opening.proof = proof;
        }
        match (verdict, found) {
            (Verdict::Opens, Some(record)) => {
                opening.loaded = Loaded::Current(record);
                opening.token = Some(token);
                opening.at = at;
                opening.way = Some(way);
                opening.key = key;
                opening.successor = successor;
                opening.opened_at = now;
                return Ok(());
            }
            (Verdict::Superseded, Some(record)) => {
                opening.note_superseded(config, Moved { at, token, record }, successor, way, now);
            }
            (Verdict::Rejected(reason), _) => config.emit(&Event::Rejected { id, reason }),
            // Cannot happen: `look` rejects a missing record.
            (Verdict::Opens | Verdict::Superseded, None) => {}
        }
    }
    if opening.loaded == Loaded::Nothing && opening.beside.is_some() {
        opening.loaded = Loaded::Undecodable;
    }
    Ok(())
}

/// Reports a failed lookup, and returns the error or an empty session, as [`OnStoreError`] says.
pub(crate) fn or_as_told(config: &Config, opened: Result<(), Error>, opening: &mut Opening) -> Result<(), Error> {
    let Err(error) = opened else { return Ok(()) };
    config.emit(&Event::StoreFailed { error: &error });
    match config.on_store_error {
        OnStoreError::Fail => return Err(error),
        OnStoreError::Anonymous => *opening = Opening::of(Loaded::Unavailable),
    }
    Ok(())
}
