//! A record as it is kept: most sessions have no owner, no label, no lifetime of their own and no superseded secret.

use std::sync::Arc;

use crate::{
    credentials::Credentials,
    lifetime::Lifetime,
    record::{Meta, Record},
    state::State,
    time::Timestamp,
    token::{SecretHash, SessionId},
};

/// A record under its id. The deadline is beside the id, so that a sweep reads the table and no more.
pub(super) struct Kept {
    pub(super) id: SessionId,
    expires_at: Timestamp,
    compact: Box<Compact>,
}

/// 80 bytes where [`Record`] has 144.
struct Compact {
    state: State,
    current: SecretHash,
    created_at: Timestamp,
    last_used: Timestamp,
    nonce: u64,
    rest: Option<Box<Rest>>,
}

/// What most sessions have not.
#[derive(PartialEq)]
struct Rest {
    /// The whole, where it is more than the current hash.
    credentials: Option<Box<Credentials>>,
    owner: Option<Arc<str>>,
    label: Option<Arc<str>>,
    lifetime: Option<Arc<Lifetime>>,
}

#[cfg(test)]
thread_local! {
    /// How often this thread asked whether a record lives: what clean-up costs.
    pub(super) static LOOKS: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

impl Kept {
    pub(super) fn new(id: SessionId, record: Record) -> Self {
        Self { id, expires_at: record.meta.expires_at, compact: Box::new(record.into()) }
    }

    pub(super) fn is_live(&self, now: Timestamp) -> bool {
        #[cfg(test)]
        LOOKS.set(LOOKS.get() + 1);
        now < self.expires_at
    }

    pub(super) fn created_at(&self) -> Timestamp {
        self.compact.created_at
    }

    pub(super) fn expires_at(&self) -> Timestamp {
        self.expires_at
    }

    pub(super) fn owner(&self) -> Option<&Arc<str>> {
        self.compact.rest.as_ref()?.owner.as_ref()
    }

    pub(super) fn put(&mut self, record: Record) {
        self.expires_at = record.meta.expires_at;
        *self.compact = record.into();
    }

    pub(super) fn to_record(&self) -> Record {
        let Compact { state, current, created_at, last_used, nonce, rest } = &*self.compact;
        let rest = rest.as_deref();
        let meta = Meta {
            created_at: *created_at,
            last_used: *last_used,
            expires_at: self.expires_at,
            owner: rest.and_then(|rest| rest.owner.clone()),
            label: rest.and_then(|rest| rest.label.clone()),
            lifetime: rest.and_then(|rest| rest.lifetime.clone()),
        };
        let whole = rest.and_then(|rest| rest.credentials.as_deref().cloned());
        let credentials = whole.unwrap_or_else(|| Credentials::new(*current));
        Record { state: state.clone(), credentials, meta, nonce: *nonce }
    }
}

/// All but its deadline.
impl From<Record> for Compact {
    fn from(Record { state, credentials, meta, nonce }: Record) -> Self {
        let current = *credentials.current();
        let credentials = credentials.is_more_than_current().then(|| Box::new(credentials));
        let Meta { created_at, last_used, expires_at: _, owner, label, lifetime } = meta;
        let rest = Rest { credentials, owner, label, lifetime };
        let nothing = Rest { credentials: None, owner: None, label: None, lifetime: None };
        let rest = (rest != nothing).then(|| Box::new(rest));
        Self { state, current, created_at, last_used, nonce, rest }
    }
}
