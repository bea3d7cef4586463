//! A record as it is kept: most sessions have no owner, no label, no lifetime of their own and no superseded secret.

use std::sync::Arc;

use crate::{
    credentials::Credentials,
    lifetime::Lifetime,
    record::{Meta, Record},
    state::State,
    time::Timestamp,
    token::SecretHash,
};

/// 88 bytes where [`Record`] has 144.
pub(super) struct Compact {
    state: State,
    current: SecretHash,
    created_at: Timestamp,
    last_used: Timestamp,
    expires_at: Timestamp,
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

impl Compact {
    pub(super) fn is_live(&self, now: Timestamp) -> bool {
        #[cfg(test)]
        LOOKS.set(LOOKS.get() + 1);
        now < self.expires_at
    }

    pub(super) fn created_at(&self) -> Timestamp {
        self.created_at
    }

    pub(super) fn expires_at(&self) -> Timestamp {
        self.expires_at
    }

    pub(super) fn owner(&self) -> Option<&Arc<str>> {
        self.rest.as_ref()?.owner.as_ref()
    }

    pub(super) fn to_record(&self) -> Record {
        let rest = self.rest.as_deref();
        let meta = Meta {
            created_at: self.created_at,
            last_used: self.last_used,
            expires_at: self.expires_at,
            owner: rest.and_then(|rest| rest.owner.clone()),
            label: rest.and_then(|rest| rest.label.clone()),
            lifetime: rest.and_then(|rest| rest.lifetime.clone()),
        };
        let whole = rest.and_then(|rest| rest.credentials.as_deref().cloned());
        let credentials = whole.unwrap_or_else(|| Credentials::new(self.current));
        Record { state: self.state.clone(), credentials, meta, nonce: self.nonce }
    }
}

impl From<Record> for Compact {
    fn from(Record { state, credentials, meta, nonce }: Record) -> Self {
        let current = *credentials.current();
        let credentials = (credentials != Credentials::new(current)).then(|| Box::new(credentials));
        let Meta { created_at, last_used, expires_at, owner, label, lifetime } = meta;
        let rest = Rest { credentials, owner, label, lifetime };
        let nothing = Rest { credentials: None, owner: None, label: None, lifetime: None };
        let rest = (rest != nothing).then(|| Box::new(rest));
        Self { state, current, created_at, last_used, expires_at, nonce, rest }
    }
}
