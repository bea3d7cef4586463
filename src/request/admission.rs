//! The limit of an owner's sessions, applied to a login.

use std::{cmp::Reverse, time::Duration};

use crate::{
    config::{Config, Event, OverLimit, Quota},
    error::Error,
    request::owned,
    store::{Record, SessionId, Timestamp},
};

/// A session that is about to get its owner, whose sessions are limited.
pub(crate) struct Admission<'a> {
    config: &'a Config,
    quota: Quota,
    owner: &'a str,
    id: SessionId,
    /// The time of its last use. It is later than that of every elder, even if the servers' clocks differ.
    now: Timestamp,
    /// The owner's earlier sessions, and the time at which the last one of them was used.
    elders: Vec<SessionId>,
    used: Timestamp,
}

impl<'a> Admission<'a> {
    /// Asks whether the owner may have this session. Returns `None` if there is no limit: the store is then not called.
    pub(crate) async fn ask(
        config: &'a Config,
        owner: Option<&'a str>,
        id: SessionId,
        now: Timestamp,
    ) -> Result<Option<Self>, Error> {
        let (Some(quota), Some(owner)) = (config.quota, owner) else { return Ok(None) };
        Box::pin(Self::ask_for(config, quota, owner, id, now)).await
    }

    async fn ask_for(
        config: &'a Config,
        quota: Quota,
        owner: &'a str,
        id: SessionId,
        now: Timestamp,
    ) -> Result<Option<Self>, Error> {
        let admission = Self { config, quota, owner, id, now, elders: Vec::new(), used: Timestamp::default() };
        match (quota.over, admission.others().await) {
            (OverLimit::Refuse, Ok(others)) if others.len() >= quota.max => Err(Error::over_limit(quota.max)),
            (OverLimit::Refuse, Ok(_)) => Ok(Some(admission)),
            (OverLimit::Refuse, Err(error)) => Err(error),
            (OverLimit::EndOldest, Ok(others)) => {
                let used = others.iter().map(|(_, record)| record.last_used()).max().unwrap_or_default();
                let elders = others.into_iter().map(|(id, _)| id).collect();
                Ok(Some(Self { now: now.max(used.plus(Duration::from_millis(1))), elders, used, ..admission }))
            }
            (OverLimit::EndOldest, Err(error)) => {
                admission.let_be(&error);
                Ok(None)
            }
        }
    }

    /// Returns the time of last use that the session's record must have.
    pub(crate) fn now(&self) -> Timestamp {
        self.now
    }

    /// Checks the limit again after the session has got its owner, because another login may have overlapped.
    pub(crate) async fn keep(self) -> Result<(), Error> {
        match self.quota.over {
            OverLimit::Refuse => {
                let refused = match self.others().await {
                    Ok(others) if others.len() < self.quota.max => return Ok(()),
                    // Two logins that race for the last place both fail. The limit holds, and the users try again. The
                    // caller removes the session that it has stored.
                    Ok(_) => Error::over_limit(self.quota.max),
                    Err(error) => error,
                };
                return Err(refused);
            }
            OverLimit::EndOldest => {
                if let Err(error) = self.end_oldest().await {
                    self.let_be(&error);
                }
            }
        }
        Ok(())
    }

    /// Ends the least recently used sessions. Logins that race must agree on one order, which includes this session:
    /// otherwise each would end the other. An older session that is in use at this moment does not end this one.
    async fn end_oldest(&self) -> Result<(), Error> {
        let mut records = owned::records(self.config, self.owner).await?;
        let limit = |id: &SessionId| if self.elders.contains(id) { self.used } else { Timestamp::MAX };
        records.sort_by_key(|(id, record)| Reverse((record.last_used().min(limit(id)), *id)));
        for (id, _) in records.into_iter().skip(self.quota.max) {
            owned::revoke(self.config, self.owner, &id).await?;
        }
        Ok(())
    }

    /// Reports a failure and lets the login succeed, because its token must reach the client. The next login ends the
    /// sessions over the limit.
    fn let_be(&self, error: &Error) {
        self.config.emit(&Event::StoreFailed { error });
    }

    async fn others(&self) -> Result<Vec<(SessionId, Record)>, Error> {
        let mut records = owned::records(self.config, self.owner).await?;
        records.retain(|(id, _)| *id != self.id);
        Ok(records)
    }
}
