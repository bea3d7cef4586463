//! From what a request presents to a session.

use crate::{
    backend::{KeyAge, Opened, Refused},
    core::{Core, OnStoreError},
    credentials::Standing,
    error::Error,
    event::{Event, Rejection},
    plan::Loaded,
    record::Record,
    state::State,
    store::StoreError,
    time::Timestamp,
    token::{SessionId, Token},
    transport::{Claim, Way},
};

/// How many claims that make sense are tried.
const MAX_CLAIMS: usize = 4;

/// What a request's claims turned out to be.
#[derive(Clone)]
pub(crate) struct Visit {
    pub(crate) loaded: Loaded,
    /// The token of what was loaded.
    pub(crate) token: Option<Token>,
    /// How that came; where nothing was loaded, the first one that made sense.
    pub(crate) way: Option<Way>,
    /// Which key it came under.
    pub(crate) key: KeyAge,
    /// The records that a token is superseded on.
    pub(crate) superseded: Vec<SessionId>,
    /// How many of the claims were looked at.
    pub(crate) tried: usize,
    /// How many of those made sense.
    made_sense: usize,
    /// The nonce of the request's last update. The store may have made it of another record than was loaded.
    pub(crate) updated: Option<u64>,
}

impl Visit {
    pub(crate) fn of(loaded: Loaded) -> Self {
        Self {
            loaded,
            token: None,
            way: None,
            key: KeyAge::Current,
            superseded: Vec::new(),
            tried: 0,
            made_sense: 0,
            updated: None,
        }
    }

    /// Makes it a visit that opened nothing: claims that were looked at are not looked at again, and a new session goes where
    /// the old one came from.
    pub(crate) fn forget(&mut self) {
        let Self { way, tried, made_sense, .. } = *self;
        *self = Self { way, tried, made_sense, ..Self::of(Loaded::Nothing) };
    }

    /// Opens the next claim that makes sense, and says how it came.
    pub(crate) fn open_next(&mut self, core: &Core, claims: &[Claim]) -> Option<(Result<Opened, Refused>, Way)> {
        while self.made_sense < MAX_CLAIMS {
            let claim = claims.get(self.tried)?;
            self.tried += 1;
            let opened = core.backend.open(&claim.value);
            if !matches!(opened, Err(Refused::Malformed)) {
                self.made_sense += 1;
                self.way.get_or_insert(claim.way);
                return Some((opened, claim.way));
            }
        }
        None
    }

    /// The record that the session is open on.
    pub(crate) fn record(&self) -> Option<&Record> {
        match &self.loaded {
            Loaded::Current(record) => Some(record),
            Loaded::Nothing | Loaded::Superseded(_) | Loaded::Unavailable | Loaded::Ended => None,
        }
    }

    /// What handlers see of it.
    pub(crate) fn state(&self) -> &State {
        self.record().map_or(State::empty(), Record::state)
    }

    /// Whether the client holds a session under a key that is not the current one.
    pub(crate) fn is_reissue_due(&self) -> bool {
        self.key != KeyAge::Current && self.record().is_some()
    }

    pub(crate) fn id(&self) -> Option<SessionId> {
        self.token.as_ref().map(|token| token.id)
    }
}

/// Looks the claims up, until one opens a session. A forged, superseded or unknown one does not stop the search.
///
/// It is one flat future, and `visit` is where it stays: each one inside another is moved as a whole, for every request.
pub(crate) async fn open(core: &Core, claims: &[Claim], visit: &mut Visit) -> Result<(), Error> {
    let mut unreadable = None;
    while let Some((opened, way)) = visit.open_next(core, claims) {
        let Ok(Opened { token, record, key }) = opened else {
            core.emit(&Event::Forged);
            continue;
        };
        let now = core.now();
        let found = match core.backend.store() {
            Some(store) => store.load(&token.id).await,
            None => Ok(record),
        };
        let found = match found {
            Ok(found) => found,
            // One damaged record must not hide the session beside it.
            Err(error) if error.is_undecodable() => {
                unreadable.get_or_insert(error);
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        let mut looked = look(core, &token, found.as_ref(), now);
        if core.owner_valid_from.is_some() {
            looked = Box::pin(revoked_by_owner(core, looked, found.as_ref())).await?;
        }
        let id = token.id;
        match (looked, found) {
            (Look::Opens, Some(record)) => {
                visit.loaded = Loaded::Current(record);
                visit.token = Some(token);
                visit.way = Some(way);
                visit.key = key;
                return Ok(());
            }
            (Look::Superseded, Some(record)) => {
                core.emit(&Event::Rejected { id, reason: Rejection::Superseded });
                visit.superseded.push(id);
                if visit.token.is_none() {
                    visit.loaded = Loaded::Superseded(record);
                    visit.token = Some(token);
                    visit.way = Some(way);
                }
            }
            (Look::Rejected(reason), _) => core.emit(&Event::Rejected { id, reason }),
            // Nothing opens nothing.
            (Look::Opens | Look::Superseded, None) => {}
        }
    }
    match unreadable {
        Some(error) => Err(error.into()),
        None => Ok(()),
    }
}

/// What a request gets whose session could not be looked up.
pub(crate) fn or_as_told(core: &Core, opened: Result<(), Error>, visit: &mut Visit) -> Result<(), Error> {
    let Err(error) = opened else { return Ok(()) };
    core.emit(&Event::StoreFailed { error: &error });
    match core.on_store_error {
        OnStoreError::Fail => return Err(error),
        OnStoreError::Anonymous => *visit = Visit::of(Loaded::Unavailable),
    }
    Ok(())
}

/// What a token is to what was found under its id.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Look {
    Opens,
    Superseded,
    Rejected(Rejection),
}

/// By the record and the layer's options; [`revoked_by_owner`] asks the application.
pub(crate) fn look(core: &Core, token: &Token, found: Option<&Record>, now: Timestamp) -> Look {
    let Some(record) = found else { return Look::Rejected(Rejection::Unknown) };
    let standing = record.standing(&token.secret.hash(), now);
    if standing == Standing::Unknown {
        return Look::Rejected(Rejection::WrongSecret);
    }
    if record.deadline(&core.lifetime) <= now {
        return Look::Rejected(Rejection::Expired);
    }
    if record.created_at() < core.valid_from {
        return Look::Rejected(Rejection::Revoked);
    }
    if standing == Standing::Current { Look::Opens } else { Look::Superseded }
}

/// Rejects a session from before the time since when its owner's are valid, by the application's word.
pub(crate) async fn revoked_by_owner(core: &Core, look: Look, found: Option<&Record>) -> Result<Look, StoreError> {
    let (Look::Opens | Look::Superseded, Some(record)) = (look, found) else { return Ok(look) };
    let Some(owner) = record.owner() else { return Ok(look) };
    let is_revoked = record.created_at() < owner_valid_from(core, owner).await?;
    Ok(if is_revoked { Look::Rejected(Rejection::Revoked) } else { look })
}

/// Since when an owner's sessions are valid, by the application's word.
pub(crate) async fn owner_valid_from(core: &Core, owner: &str) -> Result<Timestamp, StoreError> {
    let Some(ask) = &core.owner_valid_from else { return Ok(Timestamp::default()) };
    Ok(ask(owner.to_owned()).await?.map(Timestamp::from).unwrap_or_default())
}
