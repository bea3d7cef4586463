//! From what a request presents to a session.

use crate::{
    backend::{Claim, KeyAge, Opened},
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
    transport::Way,
};

/// What a request's claims turned out to be.
#[derive(Clone)]
pub(crate) struct Visit {
    pub(crate) loaded: Loaded,
    /// The token of what was loaded.
    pub(crate) token: Option<Token>,
    /// How that came.
    pub(crate) way: Option<Way>,
    /// Which key it came under.
    pub(crate) key: KeyAge,
    /// The records that a token is superseded on.
    pub(crate) superseded: Vec<SessionId>,
    /// How many of the claims were looked at.
    pub(crate) tried: usize,
    /// When.
    pub(crate) at: Timestamp,
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
            at: Timestamp::default(),
        }
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
pub(crate) async fn open(core: &Core, claims: &[(Claim, Way)]) -> Result<Visit, Error> {
    match search(core, claims).await {
        Err(error) => {
            core.emit(&Event::StoreFailed { error: &error });
            match core.on_store_error {
                OnStoreError::Fail => Err(error),
                OnStoreError::Anonymous => Ok(Visit::of(Loaded::Unavailable)),
            }
        }
        found => found,
    }
}

async fn search(core: &Core, claims: &[(Claim, Way)]) -> Result<Visit, Error> {
    let now = core.now();
    let mut visit = Visit { at: now, ..Visit::of(Loaded::Nothing) };
    let mut unreadable = None;
    for (claim, way) in claims {
        visit.tried += 1;
        let Opened { token, record, key } = match core.backend.find(claim).await {
            Ok(Some(opened)) => opened,
            Ok(None) => {
                core.emit(&Event::Forged);
                continue;
            }
            // One damaged record must not hide the session beside it.
            Err(error) if error.is_undecodable() => {
                unreadable.get_or_insert(error);
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        let id = token.id;
        match look(core, &token, record, now).await? {
            Look::Opens(record) => {
                visit.loaded = Loaded::Current(record);
                visit.token = Some(token);
                visit.way = Some(*way);
                visit.key = key;
                return Ok(visit);
            }
            Look::Superseded(record) => {
                core.emit(&Event::Rejected { id, reason: Rejection::Superseded });
                visit.superseded.push(id);
                if visit.token.is_none() {
                    visit.loaded = Loaded::Superseded(record);
                    visit.token = Some(token);
                    visit.way = Some(*way);
                }
            }
            Look::Rejected(reason) => core.emit(&Event::Rejected { id, reason }),
        }
    }
    match unreadable {
        Some(error) => Err(error.into()),
        None => Ok(visit),
    }
}

/// What a token is to what was found under its id.
pub(crate) enum Look {
    Opens(Record),
    Superseded(Record),
    Rejected(Rejection),
}

pub(crate) async fn look(
    core: &Core,
    token: &Token,
    found: Option<Record>,
    now: Timestamp,
) -> Result<Look, StoreError> {
    let Some(record) = found else { return Ok(Look::Rejected(Rejection::Unknown)) };
    let standing = record.credentials().standing(&token.secret.hash(), now);
    if standing == Standing::Unknown {
        return Ok(Look::Rejected(Rejection::WrongSecret));
    }
    if record.deadline(&core.lifetime) <= now {
        return Ok(Look::Rejected(Rejection::Expired));
    }
    if record.created_at() < valid_from(core, &record).await? {
        return Ok(Look::Rejected(Rejection::Revoked));
    }
    Ok(if standing == Standing::Current { Look::Opens(record) } else { Look::Superseded(record) })
}

/// Since when sessions like this one are valid, by the layer's word and the application's.
async fn valid_from(core: &Core, record: &Record) -> Result<Timestamp, StoreError> {
    match record.owner() {
        Some(owner) => Ok(core.valid_from.max(owner_valid_from(core, owner).await?)),
        None => Ok(core.valid_from),
    }
}

/// Since when an owner's sessions are valid, by the application's word.
pub(crate) async fn owner_valid_from(core: &Core, owner: &str) -> Result<Timestamp, StoreError> {
    let Some(ask) = &core.owner_valid_from else { return Ok(Timestamp::default()) };
    Ok(ask(owner.to_owned()).await?.map(Timestamp::from).unwrap_or_default())
}
